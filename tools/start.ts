/**
 * `npm start`: chain + contracts + simulated micro-grid + one oracle per household + dApp, each a process of its own. With
 * `--agents`, an agent trades for every household.
 *
 * Every child holds the other end of a pipe from this process as its standard input and ends, relays open, when the
 * pipe closes: Ctrl-C, SIGTERM and even SIGKILL of this process stop everything.
 *
 * A change under contracts/ compiles first; when that fails the old world goes on. When it succeeds the oracles stop
 * (relays open), a fresh chain starts, and everything comes back on the new contracts, or everything stops when a
 * service does not start on them. The micro-grid keeps running: it is the physical world.
 */
import { watch } from "node:fs";
import { mkdir, readFile, rm } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { type Deployment, parseDeployment } from "../protocol/src/deployment.ts";
import { build } from "./build.ts";
import { die, integerOption, requireFreePort, ROOT, runNode } from "./cli.ts";
import { Processes } from "./processes.ts";
import { lockWorld, worldFolder } from "./world-folder.ts";
import { agentConfig, householdDir, keeperConfig, MOST_HOUSEHOLDS } from "./world.ts";

const started = performance.now();
const options = readOptions();
let stopping = false;
const processes = new Processes({
  onLine: (name, line) => /"level":"(warn|error)"/.test(line) && say(`${name}: ${line}`),
  onDeath: (_name, lastWords) => void giveUp(lastWords),
});

await main().catch((error: Error) => giveUp(error.message));

async function main(): Promise<void> {
  await lockWorld(options.world).catch((error: Error) => die(error.message));
  await requireFreePort(options.rpcPort, "chain", "rpc-port");
  await requireFreePort(options.dappPort, "dApp", "dapp-port");
  for (let port = options.devicePort; port <= options.devicePort + 2 * options.households; port++) {
    await requireFreePort(port, "simulated devices", "device-port");
  }
  for (let port = options.livePort; port < options.livePort + options.households; port++) {
    await requireFreePort(port, "live telemetry", "live-port");
  }
  process.once("SIGINT", () => void stop(0));
  process.once("SIGTERM", () => void stop(0));

  say("Compiling contracts …");
  const built = await build();
  if (!built.ok) die(built.output);
  await rm(options.world, { recursive: true, force: true });
  await mkdir(options.world, { recursive: true });

  // The page's own start-up needs nothing of the others.
  const dapp = processes.start("dapp", "tools/dapp.ts", [], /The dApp is at/, {
    IOE_DAPP_PORT: String(options.dappPort),
    IOE_DEPLOYMENT: resolve(options.world, "deployment.json"),
  });
  // Whether it failed is asked for below, when the others are up.
  dapp.catch(() => undefined);
  await startChain();
  await deploy();
  await startMicroGrid();
  await startServices();
  await dapp;
  printTable(await readDeployment());
  watchContracts();
}

function readOptions() {
  const { values } = parseArgs({
    options: {
      households: { type: "string" },
      "rpc-port": { type: "string" },
      "dapp-port": { type: "string" },
      "live-port": { type: "string" },
      "device-port": { type: "string" },
      agents: { type: "boolean", default: false },
      world: { type: "string", default: resolve(ROOT, ".world") },
    },
  });
  return {
    households: integerOption("households", values.households, 3, 2, MOST_HOUSEHOLDS),
    rpcPort: integerOption("rpc-port", values["rpc-port"], 8545, 1, 65_535),
    dappPort: integerOption("dapp-port", values["dapp-port"], 5173, 1, 65_535),
    livePort: integerOption("live-port", values["live-port"], 9101, 1, 65_000),
    devicePort: integerOption("device-port", values["device-port"], 15_020, 1, 65_000),
    agents: values.agents,
    world: readWorld(values.world),
  };
}

function readWorld(text: string): string {
  try {
    return worldFolder(text);
  } catch (error) {
    die((error as Error).message);
  }
}

// ------------------------------------------------------------------ children

async function startChain(): Promise<void> {
  announce("Starting the chain …");
  await processes.start("chain", "tools/chain.ts", ["--port", String(options.rpcPort)], /answers at/);
}

async function deploy(): Promise<void> {
  announce("Deploying contracts, registering meters …");
  const { code, output } = await runNode("tools/deploy.ts", [
    ...["--rpc-url", rpcUrl(), "--world", options.world, "--households", String(options.households)],
    ...["--live-port", String(options.livePort), "--device-port", String(options.devicePort)],
    ...["--dapp-port", String(options.dappPort)],
    ...(options.agents ? ["--agents"] : []),
  ]);
  if (code !== 0) throw new Error(output);
}

async function startMicroGrid(): Promise<void> {
  announce("Starting the micro-grid …");
  const config = resolve(options.world, "micro-grid.yaml");
  await processes.start("micro-grid", "oracle/bin/ioe.mjs", ["simulate", "--config", config], /"event":"ready"/);
}

/** The keeper, one oracle per household, and then the agents, which ask the oracles. */
async function startServices(): Promise<void> {
  announce(`Starting keeper${options.agents ? ", oracles and agents" : " and oracles"} …`);
  const start = (name: string, command: string, config: string) =>
    processes.start(name, "oracle/bin/ioe.mjs", [command, "--config", config], /"event":"ready"/);
  await Promise.all([
    start("keeper", "keeper", keeperConfig(options.world)),
    ...householdNumbers().map((n) => start(`oracle-${n}`, "run", resolve(householdDir(options.world, n), "ioe.yaml"))),
  ]);
  if (options.agents)
    await Promise.all(householdNumbers().map((n) => start(`agent-${n}`, "agent", agentConfig(options.world, n))));
}

async function endServices(): Promise<void> {
  const names = ["keeper", ...householdNumbers().flatMap((n) => [`agent-${n}`, `oracle-${n}`])];
  await Promise.all(names.map((name) => processes.end(name)));
}

/** Ends a world that cannot go on; a world that is being ended already needs no reason. */
async function giveUp(why: string): Promise<void> {
  if (stopping) return;
  say(why);
  await stop(1);
}

/** Oracles first: they open their relays while the devices still answer. */
async function stop(code: number): Promise<void> {
  if (stopping) return;
  stopping = true;
  say("Stopping: relays open …");
  await endServices();
  await processes.endAll();
  say("Stopped.");
  process.exit(code);
}

// --------------------------------------------------------- contracts changing

function watchContracts(): void {
  let timer: NodeJS.Timeout | undefined;
  let busy = false;
  let again = false;
  const rebuild = async () => {
    if (busy) {
      again = true;
      return;
    }
    busy = true;
    do {
      again = false;
      await replaceWorld();
    } while (again);
    busy = false;
  };
  watch(resolve(ROOT, "contracts"), { recursive: true }, (_event, file) => {
    if (stopping || !file?.endsWith(".sol")) return;
    clearTimeout(timer);
    timer = setTimeout(() => void rebuild().catch(endOnNewContracts), 300);
  });
}

function endOnNewContracts(error: Error): Promise<void> {
  return giveUp(
    `${error.message}\nThe world does not come back on the new contracts and ends; mend them and start it again.`,
  );
}

async function replaceWorld(): Promise<void> {
  announce("A contract changed: compiling …");
  const built = await build();
  if (stopping) return;
  if (!built.ok) {
    say(`${built.output}\nIt does not compile; the world goes on with the old contracts.`);
    return;
  }
  say("Opening relays, starting a fresh chain …");
  await endServices();
  await processes.end("chain");
  await startChain();
  try {
    await deploy();
  } catch (error) {
    if (stopping) return;
    say(`${(error as Error).message}\nThe new contracts cannot be deployed; mend them and save again.`);
    return;
  }
  await startServices();
  printTable(await readDeployment());
}

// ------------------------------------------------------------------- printing

function householdNumbers(): number[] {
  return Array.from({ length: options.households }, (_, i) => i + 1);
}

function rpcUrl(): string {
  return `http://127.0.0.1:${options.rpcPort}`;
}

async function readDeployment(): Promise<Deployment> {
  return parseDeployment(await readFile(resolve(options.world, "deployment.json"), "utf8"));
}

function say(text: string): void {
  console.log(`${((performance.now() - started) / 1_000).toFixed(1).padStart(5)} s  ${text}`);
}

/** Says what starts next. @throws when everything is being stopped: then nothing may start any more. */
function announce(text: string): void {
  if (stopping) throw new Error("The world is being stopped.");
  say(text);
}

function printTable(deployment: Deployment): void {
  const rows: [string, string][] = [
    ["dApp", `http://127.0.0.1:${options.dappPort}`],
    ["Chain (31337)", rpcUrl()],
    ...Object.entries(deployment.contracts),
    ...(deployment.demoAccounts ?? []).map(({ name, address, meterIds: [meterId] }, i): [string, string] => [
      name,
      meterId ? `${address}  meter ${meterId}  live ${deployment.oracles[i]?.url}/v1/meters/${meterId}/live` : address,
    ]),
  ];
  const width = Math.max(...rows.map(([name]) => name.length));
  console.log(`\n${rows.map(([name, text]) => `  ${name.padEnd(width)}  ${text}`).join("\n")}\n`);
  console.log(
    "  Every household has 1,000 tUSD and can be used from the dApp's burner wallet. Ctrl-C stops everything.\n",
  );
}
