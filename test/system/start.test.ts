import { spawn, type ChildProcess } from "node:child_process";
import { cp, mkdtemp, readFile, rm, symlink, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { parseDeployment } from "../../protocol/src/deployment.ts";
import { ROOT } from "../../tools/cli.ts";
import { freePorts, until } from "./world.ts";

/** What `npm start` needs of the project; a copy, because a test changes a contract. */
const PARTS = ["contracts", "deploy", "frontend", "hardhat.config.ts", "oracle", "package.json", "protocol", "tools"];

/** `npm start` as a person types it, on ports and in a folder of its own. */
describe("the supervisor", () => {
  let project: string;
  let dir: string;
  let options: string[];
  let ports: { rpc: number; dapp: number; live: number; device: number };
  let child: ChildProcess | undefined;
  let printed = "";

  before(async () => {
    project = await mkdtemp(join(tmpdir(), "ioe-start-"));
    dir = join(project, "world");
    const copies = PARTS.map((part) => cp(resolve(ROOT, part), join(project, part), { recursive: true }));
    await Promise.all([...copies, symlink(resolve(ROOT, "node_modules"), join(project, "node_modules"))]);
    const [rpc, dapp, live, device] = [await freePorts(1), await freePorts(1), await freePorts(2), await freePorts(5)];
    ports = { rpc, dapp, live, device };
    options = ["--households", "2", "--world", dir, "--rpc-port", `${rpc}`, "--dapp-port", `${dapp}`];
    options.push("--live-port", `${live}`, "--device-port", `${device}`);
  });

  afterEach(() => {
    child?.kill("SIGKILL");
    child = undefined;
  });

  after(() => rm(project, { recursive: true, force: true }));

  function start(): ChildProcess {
    printed = "";
    return (child = launch((text) => (printed += text)));
  }

  /** @param more options; they have the last word. */
  function launch(hear: (text: string) => void, ...more: string[]): ChildProcess {
    const supervisor = spawn(process.execPath, ["tools/start.ts", ...options, ...more], {
      cwd: project,
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [supervisor.stdout, supervisor.stderr])
      stream.on("data", (text: Buffer) => hear(text.toString()));
    return supervisor;
  }

  const ended = (process: ChildProcess) =>
    process.exitCode !== null ? process.exitCode : new Promise<number | null>((done) => process.once("close", done));

  const deployment = async () => parseDeployment(await readFile(join(dir, "deployment.json"), "utf8"));

  const answers = (url: string) =>
    fetch(url).then(
      (response) => response.ok,
      () => false,
    );

  /** Everything a running world listens on. */
  const doors = () => [
    `http://127.0.0.1:${ports.dapp}/`,
    `http://127.0.0.1:${ports.live}/healthz`,
    `http://127.0.0.1:${ports.live + 1}/healthz`,
    `http://127.0.0.1:${ports.device}/v1/state`,
  ];

  async function isUp(): Promise<boolean> {
    return printed.includes("Ctrl-C stops everything") && (await Promise.all(doors().map(answers))).every(Boolean);
  }

  async function isDown(): Promise<boolean> {
    return (await Promise.all(doors().map(answers))).every((answer) => !answer);
  }

  it("brings everything up, prints where to look and stops everything on Ctrl-C", async () => {
    const supervisor = start();
    await until("the world to be up", isUp, 240);
    const { contracts, demoAccounts, deploymentBlockHash } = await deployment();
    expect(printed).to.contain(`http://127.0.0.1:${ports.dapp}`).and.contain(contracts.DirectMarket);
    for (const { address } of demoAccounts!) expect(printed).to.contain(address);

    let refusal = "";
    expect(await ended(launch((text) => (refusal += text)))).to.equal(1);
    expect(refusal).to.contain(`${dir} is in use by process ${supervisor.pid}`).and.contain("--world");
    expect((await deployment()).deploymentBlockHash).to.equal(deploymentBlockHash);
    expect(await isUp()).to.equal(true);

    supervisor.kill("SIGINT");
    expect(await ended(supervisor)).to.equal(0);
    expect(await isDown()).to.equal(true);
  });

  it("starts a new world the second time, and takes everything along when it is killed", async () => {
    const before = await deployment();
    const supervisor = start();
    await until("the world to be up", isUp, 240);
    expect((await deployment()).deploymentBlockHash).to.not.equal(before.deploymentBlockHash);
    supervisor.kill("SIGKILL");
    await until("everything to be gone", isDown, 15);
  });

  it("comes back on changed contracts, and goes on with the old ones when they do not compile", async () => {
    const source = join(project, "contracts/dev/TestUSD.sol");
    const text = await readFile(source, "utf8");
    const supervisor = start();
    try {
      await until("the world to be up", isUp, 240);
      const before = await deployment();
      await writeFile(source, text.replace("10_000e6", "10_000e6 +"));
      await until("the compiler's word", () => Promise.resolve(printed.includes("It does not compile")));
      expect((await deployment()).deploymentBlockHash).to.equal(before.deploymentBlockHash);
      expect(await isUp()).to.equal(true);

      printed = "";
      await writeFile(source, text.replace("10_000e6", "10_001e6"));
      await until("the new world", isUp);
      expect((await deployment()).deploymentBlockHash).to.not.equal(before.deploymentBlockHash);
      expect(printed).to.match(/Opening relays[^]*Deploying/);

      // Ctrl-C while they come back once more.
      printed = "";
      await writeFile(source, text.replace("10_000e6", "10_002e6"));
      await until("the services to start", () => Promise.resolve(printed.includes("Starting keeper")), 240);
      supervisor.kill("SIGINT");
      expect(await ended(supervisor), printed).to.equal(0);
      expect(printed)
        .to.match(/Stopped\.\n$/)
        .and.not.match(/ended \(|does not come back/);
      expect(await isDown()).to.equal(true);
    } finally {
      supervisor.kill("SIGINT");
      await ended(supervisor);
    }
  });

  it("says that a service does not start on the new contracts, and stops everything", async () => {
    const source = join(project, "contracts/metering/MeterRegistry.sol");
    const text = await readFile(source, "utf8");
    const supervisor = start();
    try {
      await until("the world to be up", isUp, 240);
      // Whoever is no contract is told nothing of a meter.
      const refusing = text.replace(/function meterOf\([^{]*\{/, "$& require(msg.sender.code.length != 0);");
      expect(refusing).to.not.equal(text);
      await writeFile(source, refusing);
      expect(await ended(supervisor), printed).to.equal(1);
      expect(printed).to.contain("does not come back on the new contracts");
      expect(printed).to.match(/Stopping: relays open[^]*Stopped\.\n$/);
      expect(await isDown()).to.equal(true);
    } finally {
      await writeFile(source, text);
    }
  });

  it("deletes nothing but a world", async () => {
    let refusal = "";
    expect(await ended(launch((text) => (refusal += text), "--world", project))).to.equal(1);
    expect(refusal).to.contain("--world").and.contain("holds this program");
    expect(await readFile(join(project, "package.json"), "utf8")).to.contain("internet-of-energy");
  });

  it("says which port is in use and how to choose another", async () => {
    const other = createServer();
    await new Promise<void>((done) => other.listen(ports.rpc, "127.0.0.1", done));
    try {
      const supervisor = start();
      expect(await ended(supervisor)).to.equal(1);
      expect(printed).to.contain(`Port ${ports.rpc}`).and.contain("--rpc-port");
    } finally {
      other.close();
    }
  });
});
