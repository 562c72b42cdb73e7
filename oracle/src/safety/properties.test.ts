import { expect } from "chai";
import fc from "fast-check";
import { ManualClock } from "../clock.ts";
import { DeviceError, type RelayDriver } from "../hardware/types.ts";
import { createLogger } from "../log.ts";
import { RelaySet } from "./relay-set.ts";

const NAMES = ["charge", "discharge", "boiler"] as const;
type Name = (typeof NAMES)[number];
const GROUP: readonly Name[] = ["charge", "discharge"];
const DEAD_TIME_MS = 500;
const LEASE_MS = 5_000;
const MIN_OPEN_MS = 2_000;
const MAX_ON_MS = 60_000;
const LIMITS = { maxOnMs: MAX_ON_MS, maxMilliWh: 1_000_000n };
/** Longest a slow device takes. */
const SLOW_MS = 3_000;

/** How a device carries out one command. Every command that comes to an end has had its effect by then. */
const MOODS = [
  "well",
  "refuses",
  "acts, then fails",
  "late",
  "acts, answers late",
  "acts, never answers",
  "hangs",
] as const;
type Mood = (typeof MOODS)[number];

/** A device without a guard of its own, as bad as it gets: only our side can open it. */
class Device implements RelayDriver {
  readonly caps = { guarded: false, maxLeaseMs: Number.MAX_SAFE_INTEGER };
  readonly name: Name;
  closed = false;
  closeMood: Mood = "well";
  openMood: Mood = "well";
  openCalls = 0;
  closing = 0;
  opening = 0;
  closedSince = 0;
  openSince = -Infinity;
  /** Opened, and said so. */
  saidOpenAt = -Infinity;
  readonly #clock: ManualClock;
  readonly #onClose: (device: Device) => void;
  readonly #onCommand: (device: Device) => void;

  constructor(name: Name, clock: ManualClock, onCommand: (device: Device) => void, onClose: (device: Device) => void) {
    this.name = name;
    this.#clock = clock;
    this.#onCommand = onCommand;
    this.#onClose = onClose;
  }

  async open(): Promise<void> {
    this.openCalls++;
    this.opening++;
    await this.#carryOut(this.openMood, () => this.#move(false)).finally(() => this.opening--);
    if (this.saidOpenAt < this.closedSince) this.saidOpenAt = this.#clock.monotonicMs();
  }

  async close(): Promise<void> {
    this.#onCommand(this);
    this.closing++;
    await this.#carryOut(this.closeMood, () => this.#move(true)).finally(() => this.closing--);
  }

  state = () => Promise.resolve(this.closed ? ("closed" as const) : ("open" as const));
  dispose = () => Promise.resolve();

  async #carryOut(mood: Mood, act: () => void): Promise<void> {
    if (mood === "refuses") throw new DeviceError(this.name, mood);
    if (mood === "late") await this.#clock.sleep(SLOW_MS);
    if (mood !== "hangs") act();
    if (mood === "acts, then fails") throw new DeviceError(this.name, mood);
    if (mood === "acts, answers late") await this.#clock.sleep(SLOW_MS);
    if (mood === "acts, never answers" || mood === "hangs") await new Promise(() => undefined);
  }

  #move(closed: boolean): void {
    if (closed === this.closed) return;
    this.closed = closed;
    if (closed) {
      this.closedSince = this.#clock.monotonicMs();
      this.#onClose(this);
    } else this.openSince = this.#clock.monotonicMs();
  }
}

class World {
  readonly clock = new ManualClock();
  readonly devices: Record<Name, Device>;
  readonly relays: RelaySet;
  readonly wrong: string[] = [];
  fault = false;
  moved = 0n;

  constructor() {
    const device = (name: Name) =>
      new Device(
        name,
        this.clock,
        (of) => this.#checkCommand(of),
        (of) => this.#checkContact(of),
      );
    this.devices = { charge: device("charge"), discharge: device("discharge"), boiler: device("boiler") };
    this.relays = new RelaySet({
      relays: new Map(NAMES.map((name) => [name, this.devices[name]])),
      interlocks: [{ relays: GROUP, deadTimeMs: DEAD_TIME_MS }],
      deviceLeaseMs: LEASE_MS,
      minOpenMs: MIN_OPEN_MS,
      limits: LIMITS,
      movedMilliWh: () => this.moved,
      clock: this.clock,
      log: createLogger({ write: () => undefined }),
      blocked: () => (this.fault ? "a fault" : undefined),
    });
  }

  /** What may be asked of a device at all. */
  #checkCommand(device: Device): void {
    const now = this.clock.monotonicMs();
    if (this.fault) this.wrong.push(`${device.name} is told to close during a fault`);
    if (device.closing === 0 && now - device.saidOpenAt < MIN_OPEN_MS && device.closedSince < device.saidOpenAt)
      this.wrong.push(`${device.name} is told to close ${now - device.saidOpenAt} ms after it opened`);
    if (!GROUP.includes(device.name)) return;
    for (const other of GROUP.filter((name) => name !== device.name).map((name) => this.devices[name])) {
      if (other.closed) this.wrong.push(`${device.name} is told to close while ${other.name} is closed`);
      if (now - other.openSince < DEAD_TIME_MS) this.wrong.push(`${device.name} is told to close in the dead time`);
    }
  }

  /** What may never be, however devices fail. */
  #checkContact(device: Device): void {
    const closed = GROUP.filter((name) => this.devices[name].closed);
    if (closed.length > 1) this.wrong.push(`${closed.join(" and ")} are closed together (${device.name} last)`);
  }

  /** Between the commands. */
  checkMoment(): void {
    for (const device of Object.values(this.devices)) {
      if (!device.closed || device.openMood !== "well" || device.closing > 0 || device.opening > 0) continue;
      if (this.fault && !this.#justTurnedWell.has(device.name))
        this.wrong.push(`${device.name} is closed during a fault`);
      const closedMs = this.clock.monotonicMs() - device.closedSince;
      if (closedMs > MAX_ON_MS && !this.#justTurnedWell.has(device.name))
        this.wrong.push(`${device.name} has been closed for ${closedMs} ms`);
    }
  }

  /** Devices that could not be opened a moment ago: they are told again every second. */
  readonly #justTurnedWell = new Set<Name>();

  async apply(command: Command): Promise<void> {
    switch (command.do) {
      case "close":
      case "keepClosed":
        this.relays[command.do](command.path).catch(() => undefined);
        break;
      case "open":
        this.#expectForwarded(command.path, () => void this.relays.open(command.path, "asked for"));
        break;
      case "fault":
        this.fault = true;
        this.#expectForwarded(NAMES, () => void this.relays.openAll("a fault"));
        break;
      case "clear":
        this.fault = false;
        break;
      case "flow":
        this.moved += command.milliWh;
        break;
      case "mood": {
        const device = this.devices[command.name];
        if (command.open !== "well") this.#justTurnedWell.add(command.name);
        device.closeMood = command.close;
        device.openMood = command.open;
        break;
      }
      case "advance":
        await this.clock.advance(command.ms);
        // Every relay that had not opened has been told again by now, and a slow one has done it.
        if (command.ms >= 15_000)
          for (const name of NAMES) if (this.devices[name].openMood === "well") this.#justTurnedWell.delete(name);
    }
    await this.clock.advance(0);
    this.checkMoment();
  }

  #expectForwarded(path: readonly Name[], open: () => void): void {
    const before = path.map((name) => this.devices[name].openCalls);
    open();
    for (const [i, name] of path.entries())
      if (this.devices[name].openCalls === before[i]) this.wrong.push(`opening ${name} waits`);
  }
}

type Command =
  | { do: "close" | "keepClosed" | "open"; path: Name[] }
  | { do: "fault" | "clear" }
  | { do: "flow"; milliWh: bigint }
  | { do: "mood"; name: Name; close: Mood; open: Mood }
  | { do: "advance"; ms: number };

// The two that exclude each other come up more often.
const name = fc.constantFrom(...NAMES, ...GROUP);
const path = fc.uniqueArray(name, { minLength: 1, maxLength: 2 });
const move: fc.Arbitrary<Command> = fc.oneof(
  { weight: 6, arbitrary: fc.record({ do: fc.constantFrom("close" as const, "keepClosed" as const), path }) },
  { weight: 3, arbitrary: fc.record({ do: fc.constant("open" as const), path }) },
  {
    weight: 8,
    arbitrary: fc.record({
      do: fc.constant("advance" as const),
      ms: fc.oneof(fc.integer({ min: 0, max: 3_000 }), fc.constantFrom(500, 1_250, 5_000, 16_000, 61_000, 125_000)),
    }),
  },
  { weight: 1, arbitrary: fc.record({ do: fc.constantFrom("fault" as const, "clear" as const) }) },
  { weight: 1, arbitrary: fc.record({ do: fc.constant("flow" as const), milliWh: fc.constantFrom(10n, 600_000n) }) },
);
const mood: fc.Arbitrary<Command> = fc.record({
  do: fc.constant("mood" as const),
  name,
  close: fc.constantFrom<Mood>(...MOODS, "late", "late"),
  open: fc.oneof({ weight: 3, arbitrary: fc.constant<Mood>("well") }, fc.constantFrom(...MOODS)),
});
const script = (commands: fc.Arbitrary<Command>) => fc.array(commands, { minLength: 1, maxLength: 40, size: "max" });

async function play(commands: readonly Command[]): Promise<World> {
  const world = new World();
  await world.relays.openAll("start");
  await world.clock.advance(MIN_OPEN_MS);
  for (const command of commands) await world.apply(command);
  return world;
}

const becomes = (name: Name, close: Mood, open: Mood): Command => ({ do: "mood", name, close, open });
const wait = (ms: number): Command => ({ do: "advance", ms });
/** Sequences that have found something, once in a hundred thousand others. */
const FOUND: [Command[]][] = [
  // What closed late is opened late: the rest begins with that opening.
  [
    [
      becomes("discharge", "late", "well"),
      { do: "close", path: ["discharge"] },
      { do: "open", path: ["discharge"] },
      wait(180),
      becomes("discharge", "well", "late"),
      wait(5_820),
      { do: "close", path: ["discharge"] },
    ],
  ],
  // An opening fails, and the contact has moved.
  [
    [
      becomes("boiler", "late", "well"),
      { do: "close", path: ["boiler", "charge"] },
      { do: "open", path: ["boiler"] },
      becomes("boiler", "well", "acts, then fails"),
      wait(5_000),
      becomes("boiler", "well", "well"),
      wait(1_000),
      { do: "close", path: ["boiler", "charge"] },
      wait(500),
    ],
  ],
  // An opening from before the closing's end proves nothing, and may have moved the contact all the same.
  [
    [
      becomes("charge", "late", "late"),
      { do: "close", path: ["charge"] },
      wait(1_750),
      { do: "open", path: ["charge"] },
      becomes("charge", "well", "refuses"),
      wait(3_250),
      { do: "close", path: ["charge"] },
    ],
  ],
];

describe("safety of a relay set, whatever is asked and however devices fail", function () {
  this.timeout(60_000);

  it("never closes against a guard, never two of a group, and opens at once", () =>
    fc.assert(
      fc.asyncProperty(
        script(fc.oneof({ weight: 5, arbitrary: move }, { weight: 1, arbitrary: mood })),
        async (commands) => {
          const world = await play(commands);
          expect(world.wrong.join("; ")).to.equal("");
          await world.relays.dispose();
        },
      ),
      { numRuns: 2_000, examples: FOUND },
    ));

  it("ends open when nobody asks for anything any more, as soon as devices can be opened", () =>
    fc.assert(
      fc.asyncProperty(script(fc.oneof(move, mood)), async (commands) => {
        const world = await play(commands);
        for (const device of Object.values(world.devices)) device.openMood = "well";
        await world.clock.advance(LEASE_MS + 15_000);
        for (const device of Object.values(world.devices)) expect(device.closed, device.name).to.equal(false);
        await world.relays.dispose();
      }),
      { numRuns: 300 },
    ));

  it("keeps a renewed relay closed while nothing speaks against it, and no longer than its limit", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: LEASE_MS - 1 }), { minLength: 20, maxLength: 60, size: "max" }),
        async (gaps) => {
          const world = await play([{ do: "close", path: ["charge", "boiler"] }]);
          let total = 0;
          for (const ms of gaps) {
            await world.clock.advance(ms);
            total += ms;
            expect(world.devices.charge.closed).to.equal(total < MAX_ON_MS);
            await world.relays.close(["charge", "boiler"]).catch(() => undefined);
            if (total >= MAX_ON_MS) break;
          }
          await world.relays.dispose();
        },
      ),
      { numRuns: 100 },
    ));
});
