/**
 * A whole world for one test file: a chain process, contracts, a micro-grid process and oracle processes, on ports of
 * their own. Faults come from outside only: signals, a cut line to the chain, changed physics.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { connect, createServer, type AddressInfo, type Server, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { network } from "hardhat";
import { parse, stringify } from "yaml";
import { DEMO_ZONE, LOCAL_ACCOUNTS, type ZoneParameters } from "../../deploy/zone.ts";
import type { MicroGridState, PhysicsChange } from "../../oracle/src/simulator/truth.ts";
import type { Deployment } from "../../protocol/src/deployment.ts";
import { demoHouseholds } from "../../tools/households.ts";
import { Processes } from "../../tools/processes.ts";
import { agentConfig, buildWorld, type Household, householdDir, keeperConfig } from "../../tools/world.ts";
import { freePorts } from "./ports.ts";

export { freePorts };

/** Slots short enough to see several of them in a test. */
export const QUICK_ZONE: ZoneParameters = {
  ...DEMO_ZONE,
  slotDuration: 10,
  grace: 40,
  claimWindow: 600,
  maxDelivery: 200,
};

/** The parts of an oracle's configuration that tests change. */
export interface OracleConfig {
  chain: { rpcUrls: string[]; [key: string]: unknown };
  delivery?: Record<string, unknown>;
  keys: { meter: string; sender?: string };
  gateways?: string[];
  [key: string]: unknown;
}

/** Longest wait for a line of a log, s: shorter than a test's own time, which would not say what was missing. */
const PATIENCE_S = 240;

/** Most that the time in any block may be off from the time at which the block was made, s. */
export const MOST_OFF_S = 2;
/**
 * What nine of ten looks must find the newest block old by at most, s: half of a test's slot. A block comes every second, and
 * on a busy machine some come seconds late; a chain that is this late most of the time is in another slot than the world.
 */
export const MOST_BEHIND_S = 5;
/** Fewer say nothing about most of the time. */
const ENOUGH_LOOKS = 30;

/** The part of an agent's that tests change. */
export interface AgentConfig {
  preferences: Record<string, unknown>;
  [key: string]: unknown;
}

export interface LogLine {
  process: string;
  event: string;
  level: string;
  [key: string]: unknown;
}

export class World {
  readonly dir: string;
  readonly deployment: Deployment;
  readonly rpcUrl: string;
  readonly zone: ZoneParameters;
  readonly #connection: Connection;
  readonly #devicePort: number;
  readonly #processes: Processes;
  readonly #logs: Logs;
  readonly #clock: ClockWatch;
  readonly #keepsTime: boolean;

  private constructor(parts: {
    dir: string;
    deployment: Deployment;
    rpcUrl: string;
    zone: ZoneParameters;
    connection: Connection;
    devicePort: number;
    processes: Processes;
    logs: Logs;
    keepsTime: boolean;
  }) {
    this.dir = parts.dir;
    this.deployment = parts.deployment;
    this.rpcUrl = parts.rpcUrl;
    this.zone = parts.zone;
    this.#connection = parts.connection;
    this.#devicePort = parts.devicePort;
    this.#processes = parts.processes;
    this.#logs = parts.logs;
    this.#clock = new ClockWatch(parts.connection);
    this.#keepsTime = parts.keepsTime;
  }

  /** @param startNode starts the chain's process on a port and waits until it answers. */
  static async start(
    households: number | Household[] = 2,
    zone = QUICK_ZONE,
    dappPort = 5173,
    startNode: (port: number, processes: Processes) => Promise<void> = startChain,
    agents = false,
  ): Promise<World> {
    const dir = await mkdtemp(join(tmpdir(), "ioe-world-"));
    const people = typeof households === "number" ? demoHouseholds(households) : households;
    const [rpcPort, livePort, devicePort] = [
      await freePorts(1),
      await freePorts(people.length),
      await freePorts(2 * people.length + 1),
    ];
    const rpcUrl = `http://127.0.0.1:${rpcPort}`;
    const logs = new Logs();
    const processes = new Processes({
      onLine: (process, line) => logs.add(parseLog(process, line)),
      onDeath: (process, text) => logs.add({ process, event: "died", level: "error", text }),
    });
    try {
      await startNode(rpcPort, processes);
      const connection = await network.create({ network: "localhost", override: { url: rpcUrl } });
      const deployment = await buildWorld(connection, {
        dir,
        rpcUrl,
        households: people,
        livePort,
        devicePort,
        dappPort,
        agents,
        zone,
      });
      const config = join(dir, "micro-grid.yaml");
      await processes.start("micro-grid", "oracle/bin/ioe.mjs", ["simulate", "--config", config], /"event":"ready"/);
      // A node of the test's own may be made to go back.
      const keepsTime = startNode === startChain;
      return new World({ dir, deployment, rpcUrl, zone, connection, devicePort, processes, logs, keepsTime });
    } catch (error) {
      // Nobody has a world to stop yet.
      await processes.endAll();
      await rm(dir, { recursive: true, force: true });
      throw error;
    }
  }

  async stop(): Promise<void> {
    this.#clock.stop();
    await this.#processes.endAll();
    await this.#connection.close();
    await rm(this.dir, { recursive: true, force: true });
    const { looks, behind, ahead, late } = this.#clock;
    if (!this.#keepsTime) return;
    if (Math.max(ahead, late) > MOST_OFF_S) {
      throw new Error(`the chain's time was off by ${Math.max(ahead, late)} s (ahead ${ahead}, late ${late})`);
    }
    if (looks >= ENOUGH_LOOKS && behind > MOST_BEHIND_S) {
      throw new Error(`the chain's time was more than ${behind - 1} s behind in one look of ten (${looks} looks)`);
    }
  }

  // ------------------------------------------------------------------ oracles

  async startOracle(n: number, env: Record<string, string> = {}): Promise<void> {
    const args = ["run", "--config", this.configOf(n)];
    await this.#processes.start(oracleName(n), "oracle/bin/ioe.mjs", args, /"event":"ready"/, env);
  }

  async startAgent(n: number): Promise<void> {
    const args = ["agent", "--config", agentConfig(this.dir, n)];
    await this.#processes.start(agentName(n), "oracle/bin/ioe.mjs", args, /"event":"ready"/);
  }

  async stopAgent(n: number, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.#processes.end(agentName(n), signal);
  }

  /** Changes an agent's configuration; it reads it when it starts. */
  configureAgent(n: number, change: (config: AgentConfig) => void): Promise<void> {
    return edit(agentConfig(this.dir, n), change);
  }

  async startKeeper(): Promise<void> {
    const ready = /"event":"ready"/;
    await this.#processes.start("keeper", "oracle/bin/ioe.mjs", ["keeper", "--config", keeperConfig(this.dir)], ready);
  }

  async stopKeeper(signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.#processes.end("keeper", signal);
  }

  /** Nothing when it does not run. */
  pidOf(process: string): number | undefined {
    return this.#processes.pidOf(process);
  }

  async stopOracle(n: number, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    await this.#processes.end(oracleName(n), signal);
  }

  signalOracle(n: number, signal: NodeJS.Signals): void {
    this.#processes.signal(oracleName(n), signal);
  }

  configOf(n: number): string {
    return join(householdDir(this.dir, n), "ioe.yaml");
  }

  /** Changes an oracle's configuration; it reads it when it starts. */
  configure(n: number, change: (config: OracleConfig) => void): Promise<void> {
    return edit(this.configOf(n), change);
  }

  configureKeeper(change: (config: Record<string, unknown>) => void): Promise<void> {
    return edit(keeperConfig(this.dir), change);
  }

  /** What an agent logged of one kind. */
  loggedByAgent(n: number, event: string): LogLine[] {
    return this.#logs.of(agentName(n), event);
  }

  /** What an oracle logged of one kind. */
  logged(n: number, event: string): LogLine[] {
    return this.#logs.of(oracleName(n), event);
  }

  /** Every line that any process prints from now on. */
  onLog(listener: (line: LogLine) => void): void {
    this.#logs.listen(listener);
  }

  /** The next line of one kind that an oracle logs, in the moment it comes. */
  nextLog(n: number, event: string): Promise<LogLine> {
    return this.#logs.next(oracleName(n), event);
  }

  // ------------------------------------------------------------------- physics

  async truth(): Promise<MicroGridState> {
    const response = await fetch(`http://127.0.0.1:${this.#devicePort}/v1/state`);
    return (await response.json()) as MicroGridState;
  }

  async physics(n: number, change: Omit<PhysicsChange, "household">): Promise<void> {
    const response = await fetch(`http://127.0.0.1:${this.#devicePort}/v1/physics`, {
      method: "POST",
      body: JSON.stringify({ household: `household-${n}`, ...change }),
    });
    if (!response.ok) throw new Error(await response.text());
  }

  /** Real position of a contact and when it last moved, Unix ms. */
  async contact(n: number, name: "charge" | "discharge") {
    const household = (await this.truth()).households[n - 1]!;
    return household.contacts[name]!;
  }

  // --------------------------------------------------------------------- chain

  get ethers() {
    return this.#connection.ethers;
  }

  async owner(n: number): Promise<HardhatEthersSigner> {
    return (await this.ethers.getSigners())[LOCAL_ACCOUNTS.firstHousehold + n - 1]!;
  }

  async contracts() {
    const { contracts } = this.deployment;
    return {
      registry: await this.ethers.getContractAt("MeterRegistry", contracts.MeterRegistry),
      vault: await this.ethers.getContractAt("Vault", contracts.Vault),
      market: await this.ethers.getContractAt("DirectMarket", contracts.DirectMarket),
      auction: await this.ethers.getContractAt("CallAuction", contracts.CallAuction),
      energyToken: await this.ethers.getContractAt("EnergyToken", contracts.EnergyToken),
      money: await this.ethers.getContractAt("TestUSD", contracts.PaymentToken),
    };
  }

  /** Timestamp of the newest block. */
  async now(): Promise<number> {
    return (await this.ethers.provider.getBlock("latest"))!.timestamp;
  }

  /** Puts an account's money to work: deposits and allows the direct market. */
  async deposit(n: number, amount: bigint): Promise<void> {
    const owner = await this.owner(n);
    const { money, vault, market } = await this.contracts();
    await (await money.connect(owner).approve(await vault.getAddress(), amount)).wait();
    await (await vault.connect(owner).deposit(amount)).wait();
    await (await vault.connect(owner).setAllowed(await market.getAddress(), true)).wait();
  }

  /** A fixed-price listing of a household's meter. */
  async list(n: number, energy: bigint, price: bigint): Promise<bigint> {
    const { market } = await this.contracts();
    const seller = market.connect(await this.owner(n));
    await (await seller.list(n, energy, 0, price, 1, (await this.now()) + 3_600)).wait();
    return market.listingCount();
  }

  async buy(listingId: bigint, n: number, energy: bigint, seconds: number): Promise<bigint> {
    const { market } = await this.contracts();
    const buyer = market.connect(await this.owner(n));
    await (await buyer.buy(listingId, n, energy, 1_000_000n, (await this.now()) + seconds)).wait();
    return market.deliveryCount();
  }

  /** Waits until a delivery is closed on chain. */
  async closed(deliveryId: bigint, seconds = 150) {
    const { market } = await this.contracts();
    return until(
      `delivery ${deliveryId} to be closed`,
      async () => {
        const delivery = await market.deliveryOf(deliveryId);
        return delivery.closed && delivery;
      },
      seconds,
    );
  }

  /** A reading can complete a delivery while energy flows: its oracle opens the relay with the next look at the chain. */
  async opened(n: number, name: "charge" | "discharge", seconds = 10): Promise<void> {
    await until(
      `relay ${name} of household ${n} to be open`,
      async () => !(await this.contact(n, name)).closed,
      seconds,
    );
  }

  /** Since the start, see ClockWatch. */
  get clock(): Pick<ClockWatch, "ahead" | "late" | "behind"> {
    return this.#clock;
  }
}

/** What processes printed. */
class Logs {
  readonly #lines: LogLine[] = [];
  readonly #waiting = new Set<(line: LogLine) => void>();

  add(line: LogLine): void {
    this.#lines.push(line);
    for (const look of this.#waiting) look(line);
  }

  of(process: string, event: string): LogLine[] {
    return this.#lines.filter((line) => line.process === process && line.event === event);
  }

  listen(listener: (line: LogLine) => void): void {
    this.#waiting.add(listener);
  }

  next(process: string, event: string): Promise<LogLine> {
    const line = new Promise<LogLine>((done, failed) => {
      const late = setTimeout(() => {
        this.#waiting.delete(look);
        failed(new Error(`after ${PATIENCE_S} s still waiting for ${process} to log ${event}`));
      }, PATIENCE_S * 1_000).unref();
      const look = (line: LogLine) => {
        if (line.process !== process || line.event !== event) return;
        clearTimeout(late);
        this.#waiting.delete(look);
        done(line);
      };
      this.#waiting.add(look);
    });
    // Whoever asked may have failed for another reason meanwhile.
    line.catch(() => undefined);
    return line;
  }
}

async function startChain(port: number, processes: Processes): Promise<void> {
  await processes.start("chain", "tools/chain.ts", ["--port", String(port)], /answers at/);
}

async function edit<Config>(file: string, change: (config: Config) => void): Promise<void> {
  const config = parse(await readFile(file, "utf8")) as Config;
  change(config);
  await writeFile(file, stringify(config));
}

type Connection = Awaited<ReturnType<typeof network.create>>;

/** Wall time as a block would carry it. */
function wholeSeconds(): number {
  return Math.floor(Date.now() / 1_000);
}

/**
 * Holds the newest block's time against the wall clock every second. A chain that mines a block per transaction must never
 * run ahead of it, and must not be behind: a busy machine's blocks come late now and then, but not one in ten.
 */
class ClockWatch {
  /** Most that a block's time was ahead of the wall's when the block was there, s. */
  ahead = 0;
  /** Most that a block's time was behind the wall's when the block was not there yet, s. */
  late = 0;
  #newest: { number: number; asked: number } | undefined;
  /** How far the newest block was behind in each look, s. */
  readonly #behind: number[] = [];
  readonly #timer: NodeJS.Timeout;

  constructor(connection: Connection) {
    this.#timer = setInterval(() => {
      // The time that a busy node takes to answer is not its clock's.
      const asked = wholeSeconds();
      void connection.ethers.provider
        .getBlock("latest")
        .then((block) => {
          this.ahead = Math.max(this.ahead, block!.timestamp - wholeSeconds());
          this.#behind.push(asked - block!.timestamp);
          const { number, timestamp } = block!;
          const before = this.#newest ?? { number, asked };
          if (number < before.number) return; // an older look's answer
          if (number > before.number) this.late = Math.max(this.late, before.asked - timestamp);
          this.#newest = { number, asked };
        })
        .catch(() => undefined); // the chain is being stopped
    }, 1_000);
  }

  get looks(): number {
    return this.#behind.length;
  }

  /** What the chain's time was behind by at most in nine of ten looks, s; without a look, for ever. */
  get behind(): number {
    const sorted = this.#behind.toSorted((a, b) => a - b);
    return sorted[Math.ceil(sorted.length * 0.9) - 1] ?? Infinity;
  }

  stop(): void {
    clearInterval(this.#timer);
  }
}

/** A line between an oracle and its chain that can be cut. */
export class Line {
  readonly #target: number;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();
  #cut = false;

  private constructor(rpcUrl: string) {
    this.#target = Number(new URL(rpcUrl).port);
    this.#server = createServer((socket) => this.#join(socket));
  }

  static async to(rpcUrl: string): Promise<Line> {
    const line = new Line(rpcUrl);
    await new Promise<void>((done) => line.#server.listen(0, "127.0.0.1", done));
    return line;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  cut(): void {
    this.#cut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  mend(): void {
    this.#cut = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  #join(socket: Socket): void {
    if (this.#cut) {
      socket.destroy();
      return;
    }
    const upstream = connect(this.#target, "127.0.0.1");
    for (const end of [socket, upstream]) {
      this.#sockets.add(end);
      end.once("close", () => this.#sockets.delete(end));
      end.on("error", () => end.destroy());
    }
    socket.pipe(upstream);
    upstream.pipe(socket);
  }
}

/** Waits until the question has a truthy answer. */
export async function until<T>(what: string, question: () => Promise<T | undefined | false>, seconds = 60): Promise<T> {
  const deadline = Date.now() + seconds * 1_000;
  for (;;) {
    const answer = await question();
    if (answer) return answer;
    if (Date.now() > deadline) throw new Error(`after ${seconds} s still waiting for: ${what}`);
    await new Promise((done) => setTimeout(done, 250));
  }
}

function agentName(n: number): string {
  return `agent-${n}`;
}

function oracleName(n: number): string {
  return `oracle-${n}`;
}

function parseLog(process: string, line: string): LogLine {
  try {
    return { ...(JSON.parse(line) as LogLine), process };
  } catch {
    return { process, event: "text", level: "info", text: line }; // not every process logs JSON
  }
}
