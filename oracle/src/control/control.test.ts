import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { AlreadyRunning, ControlServer, askOracle, socketPath } from "./index.ts";

describe("the oracle's local door", () => {
  let dir: string;
  let path: string;
  const servers: ControlServer[] = [];
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "ioe-door-"));
    path = socketPath(join(dir, "journal.sqlite"));
  });
  afterEach(async () => {
    for (const server of servers.splice(0)) await server.stop();
    rmSync(dir, { recursive: true });
  });

  const oracle = (openAll: () => Promise<boolean> = () => Promise.resolve(true)) => {
    const server = new ControlServer(path, ["charge", "discharge"], openAll);
    servers.push(server);
    return server;
  };

  it("says that nobody is there", async () => {
    expect(await askOracle(path, "ping", 1_000)).to.equal(undefined);
  });

  it("opens the relays when asked, and only then", async () => {
    let opened = 0;
    await oracle(() => Promise.resolve(++opened > 0)).start();
    const relays = ["charge", "discharge"];
    expect(await askOracle(path, "ping", 1_000)).to.deep.equal({ pid: process.pid, relays });
    expect(opened).to.equal(0);
    expect(await askOracle(path, "relays-off", 1_000)).to.deep.equal({ pid: process.pid, relays, opened: true });
    expect(opened).to.equal(1);
  });

  it("tells when not every relay has opened", async () => {
    await oracle(() => Promise.resolve(false)).start();
    expect(await askOracle(path, "relays-off", 1_000)).to.include({ opened: false });
  });

  it("keeps a second oracle from the same journal", async () => {
    await oracle().start();
    const error = await oracle()
      .start()
      .catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(AlreadyRunning);
    expect((error as Error).message).to.contain(`process ${process.pid}`);
    expect(await askOracle(path, "ping", 1_000)).to.include({ pid: process.pid });
  });

  it("takes an oracle that hangs for one that runs", async () => {
    const hung = createServer(() => undefined).listen(path);
    await once(hung, "listening");
    const started = oracle().start();
    expect(await started.catch((reason: unknown) => reason)).to.be.instanceOf(AlreadyRunning);
    hung.close();
  }).timeout(60_000);

  it("takes over from an oracle that was killed", async () => {
    const code = `require("node:net").createServer().listen(${JSON.stringify(path)}, () => console.log("up"))`;
    const killed = spawn(process.execPath, ["-e", code], { stdio: ["ignore", "pipe", "inherit"] });
    await once(killed.stdout, "data");
    killed.kill("SIGKILL");
    await once(killed, "exit");
    expect(existsSync(path)).to.equal(true);
    await oracle().start();
    expect(await askOracle(path, "ping", 1_000)).to.include({ pid: process.pid });
  });

  it("finds a place when the journal's path is too long for a socket", async () => {
    path = socketPath(join(dir, "x".repeat(120), "journal.sqlite"));
    await oracle().start();
    expect(await askOracle(path, "ping", 1_000)).to.include({ pid: process.pid });
  });
});
