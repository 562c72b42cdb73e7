import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import { DeviceError, type EnergyMeter } from "../hardware/types.ts";
import { createLogger } from "../log.ts";
import { Readings, type SignedReading } from "./readings.ts";
import { Sampler, type SamplerOptions } from "./sampler.ts";
import { SampleTime } from "./time.ts";

const D = 60;
const START = 1_700_000_000; // 20 s into a slot: (1_700_000_000 - 1) % 60 = 19
const POLL = 500;

/** A meter with 3600 W of export: one unit a second, exactly. */
class SteadyMeter implements EnergyMeter {
  readonly name = "steady";
  readonly scope = "branch";
  readonly resolution = 1n;
  readonly maxPowerW = 8_000;
  dead = false;
  wrap: bigint | undefined;
  exported = 1_000;
  #clock: ManualClock;
  #last = 0;

  constructor(clock: ManualClock) {
    this.#clock = clock;
  }

  read() {
    const at = this.#clock.monotonicMs();
    this.exported += (at - this.#last) / 1_000;
    if (this.wrap !== undefined) this.exported %= Number(this.wrap);
    this.#last = at;
    if (this.dead) return Promise.reject(new DeviceError(this.name, "does not answer"));
    return Promise.resolve({ at, imported: 0n, exported: BigInt(Math.floor(this.exported)), powerW: 3_600 });
  }

  dispose = () => Promise.resolve();
}

function setUp(
  unixStartMs = START * 1_000,
  before?: SignedReading,
  {
    replacedAt,
    register = {},
    isSynchronised = () => true,
    ...more
  }: Pick<SamplerOptions, "offsets" | "onOffsets" | "historyMs"> & {
    replacedAt?: number;
    isSynchronised?: () => boolean;
    register?: Partial<Pick<SteadyMeter, "wrap" | "exported">>;
  } = {},
) {
  const clock = new ManualClock(unixStartMs);
  const meter = Object.assign(new SteadyMeter(clock), register);
  const lines: { event: string; level: string }[] = [];
  const log = createLogger({ level: "debug", write: (line) => lines.push(JSON.parse(line) as (typeof lines)[0]) });
  const sampler = new Sampler({
    meter,
    clock,
    log,
    pollMs: POLL,
    unitsPerKWh: 1_000n,
    believed: () => before && { ...before, at: before.takenAt * 1_000 - unixStartMs },
    ...more,
  });
  const doubts: number[] = [];
  const stored: SignedReading[] = before ? [before] : [];
  const readings = new Readings({
    meterId: 1,
    sampler,
    time: new SampleTime(clock),
    store: { addReading: (reading) => stored.push(reading), lastReading: () => stored.at(-1) },
    sign: () => Promise.resolve("0x" as const),
    slotDuration: D,
    signing: { epoch: 0, epochFromSlot: 0 },
    replacedAt,
    isSynchronised,
    onDoubt: () => doubts.push(clock.monotonicMs()),
    log,
  });
  const stop = new AbortController();
  const running = sampler.run(stop.signal);
  const pass = async (ms: number) => {
    await clock.advance(ms);
    await readings.idle();
  };
  return { clock, meter, readings, stored, lines, doubts, pass, stop: () => (stop.abort(), running) };
}

describe("chain of readings", () => {
  it("starts with a baseline and then closes every slot at its boundary, to the second", async () => {
    const world = setUp();
    await world.pass(170_000);
    expect(world.stored.map(({ since }) => since)).to.deep.equal([0, START, START + 40, START + 100]);
    expect(world.stored.map(({ takenAt }) => takenAt - START)).to.deep.equal([0, 40, 100, 160]);
    expect(world.stored.map(({ exported }) => exported)).to.deep.equal([1_000n, 1_040n, 1_100n, 1_160n]);
    await world.stop();
  });

  it("interpolates the register of a boundary that falls between two samples", async () => {
    const world = setUp(START * 1_000 + 200); // samples at .2 and .7
    await world.pass(45_000);
    const boundary = world.stored.at(-1)!;
    expect(boundary.takenAt).to.equal(START + 40);
    expect(boundary.exported).to.equal(1_039n); // 39.8 s after the start, floored
    await world.stop();
  });

  it("restarts with since = 0 when a boundary lies in a gap", async () => {
    const world = setUp();
    await world.pass(38_000);
    world.meter.dead = true;
    await world.pass(10_000);
    world.meter.dead = false;
    await world.pass(60_000);
    const [, restart, next] = world.stored;
    expect(restart).to.include({ since: 0 });
    expect(restart!.takenAt).to.be.within(START + 48, START + 50);
    expect(next).to.include({ since: restart!.takenAt, takenAt: START + 100 });
    expect(world.lines.map(({ event }) => event)).to.include("readings.gap");
    await world.stop();
  });

  it("keeps the chain over a gap within a slot: registers are cumulative", async () => {
    const world = setUp();
    await world.pass(5_000);
    world.meter.dead = true;
    await world.pass(20_000);
    world.meter.dead = false;
    await world.pass(20_000);
    expect(world.stored.at(-1)).to.include({ takenAt: START + 40, exported: 1_040n });
    expect(world.stored.at(-1)!.since).to.equal(START);
    await world.stop();
  });

  it("continues the chain after a restart of the process within the slot", async () => {
    const before: SignedReading = {
      meterId: 1,
      epoch: 0,
      since: 0,
      takenAt: START - 10,
      imported: 0n,
      exported: 990n,
      signature: "0x",
    };
    const world = setUp(START * 1_000, before);
    const checkpoint = world.readings.checkpoint();
    await world.pass(2_000);
    expect(await checkpoint).to.include({ since: START - 10 });
    await world.stop();
  });

  it("does not bridge a slot that ended while the process was down", async () => {
    const before: SignedReading = {
      meterId: 1,
      epoch: 0,
      since: 0,
      takenAt: START - 30,
      imported: 0n,
      exported: 970n,
      signature: "0x",
    };
    const world = setUp(START * 1_000, before);
    await world.pass(2_000);
    expect(world.stored.at(-1)).to.include({ since: 0 });
    await world.stop();
  });

  const last = (exported: bigint, takenAt = START - 10): SignedReading => ({
    meterId: 1,
    epoch: 0,
    since: 0,
    takenAt,
    imported: 0n,
    exported,
    signature: "0x",
  });

  it("books nothing of a meter whose registers went back between two runs, until somebody says why", async () => {
    const world = setUp(START * 1_000, last(5_000n));
    await world.pass(100_000);
    expect(world.stored).to.have.length(1);
    expect(world.lines.filter(({ level }) => level === "error").map(({ event }) => event)).to.include(
      "meter.implausible",
    );
    await world.stop();
  });

  it("counts on from the last reading when the meter was replaced, in a chain that begins anew", async () => {
    const world = setUp(START * 1_000, last(5_000n), {
      offsets: { imported: 0n, exported: 4_000n },
      replacedAt: START - 5,
    });
    await world.pass(45_000);
    expect(world.stored[1]).to.include({ since: 0, exported: 5_000n });
    expect(world.stored[2]).to.include({ since: world.stored[1]!.takenAt, exported: 5_040n });
    await world.stop();
  });

  it("does not break the chain again for a replacement that has been read since", async () => {
    const world = setUp(START * 1_000, last(5_000n), {
      offsets: { imported: 0n, exported: 4_000n },
      replacedAt: START - 15,
    });
    await world.pass(45_000);
    expect(world.stored[1]).to.include({ since: START - 10 });
    await world.stop();
  });

  it("goes on over a wrap, whose offset is kept before anything is signed with it", async () => {
    const kept: object[] = [];
    const world = setUp(START * 1_000, undefined, {
      register: { wrap: 100_000n, exported: 99_980 },
      onOffsets: (offsets) => kept.push(offsets),
    });
    await world.pass(45_000);
    expect(world.meter.exported, "a counter of five digits").to.be.lessThan(100);
    expect(kept).to.deep.equal([{ imported: 0n, exported: 100_000n }]);
    expect(world.stored.at(-1)).to.include({ takenAt: START + 40, exported: 100_020n, since: START });
    await world.stop();
  });

  it("books nothing of a jump that only time has made possible", async () => {
    const world = setUp();
    await world.pass(5_000);
    world.meter.exported += 60; // 27 s at the rated power, in half a second
    await world.pass(95_000);
    const restart = world.stored.find(({ since, takenAt }) => since === 0 && takenAt > START)!;
    expect(Number(restart.exported), "the jump lies before the new baseline").to.be.greaterThan(1_060);
    expect(world.lines.map(({ event }) => event)).to.include.members(["meter.implausible", "readings.restart"]);
    await world.stop();
  });

  it("gives a checkpoint that is not older than its request", async () => {
    const world = setUp(START * 1_000 + 300);
    await world.pass(10_000);
    const asked = world.clock.unixMs();
    const checkpoint = world.readings.checkpoint();
    await world.pass(2_000);
    expect((await checkpoint).takenAt * 1_000).to.be.within(asked, asked + 1_500);
    expect((await checkpoint).since).to.equal(world.stored.at(-2)!.takenAt);
    await world.stop();
  });

  it("signs for the epoch that holds in the reading's slot", async () => {
    const world = setUp();
    world.readings.signing = { epoch: 3, epochFromSlot: Math.floor((START + 40 - 1) / D) + 1 };
    await world.pass(105_000);
    expect(world.stored.map(({ epoch }) => epoch)).to.deep.equal([2, 2, 3]);
    await world.stop();
  });

  it("refuses a register that goes back while it runs, and goes on when it is right again", async () => {
    const world = setUp();
    await world.pass(5_000);
    world.meter.exported -= 500;
    await world.pass(5_000);
    expect(world.lines.map(({ event }) => event)).to.include("meter.implausible");
    world.meter.exported += 500;
    await world.pass(40_000);
    expect(world.lines.map(({ event }) => event)).to.include("meter.recovered");
    expect(world.stored.at(-1)).to.include({ takenAt: START + 40, exported: 1_040n });
    await world.stop();
  });

  describe("while the clock is not synchronised", () => {
    const said = ({ lines }: ReturnType<typeof setUp>) => lines.map(({ event }) => event);

    it("signs nothing; once it is, dates what was measured meanwhile", async () => {
      let synchronised = false;
      const world = setUp(86_400_000, undefined, { isSynchronised: () => synchronised });
      await world.pass(150_000);
      expect(world.readings.believesClock).to.equal(false);
      expect(world.stored).to.deep.equal([]);
      expect(world.doubts).to.deep.equal([0]);
      expect(said(world).filter((event) => event === "clock.not-synchronised")).to.have.length(1);

      world.clock.setUnixMs((START + 150) * 1_000);
      synchronised = true;
      await world.pass(15_000);
      expect(world.readings.believesClock).to.equal(true);
      expect(world.stored.map(({ since, takenAt }) => [since && since - START, takenAt - START])).to.deep.equal([
        [0, 0],
        [0, 40],
        [40, 100],
        [100, 160],
      ]);
      expect(world.stored.map(({ exported }) => exported)).to.deep.equal([1_000n, 1_040n, 1_100n, 1_160n]);
      await world.stop();
    });

    it("dates what is still kept where it takes longer than samples are kept", async () => {
      let synchronised = false;
      const world = setUp(START * 1_000, undefined, { isSynchronised: () => synchronised, historyMs: 90_000 });
      await world.pass(150_000);
      synchronised = true;
      await world.pass(1_000);
      expect(world.stored.map(({ since, takenAt }) => [since && since - START, takenAt - START])).to.deep.equal([
        [0, 60],
        [60, 100],
      ]);
      await world.stop();
    });

    it("stops signing when somebody sets it, until it is synchronised again; a checkpoint waits no longer than that", async () => {
      let synchronised = true;
      const world = setUp(START * 1_000, undefined, { isSynchronised: () => synchronised });
      await world.pass(50_000);
      synchronised = false;
      world.clock.setUnixMs((START + 3_650) * 1_000);
      await world.pass(20_000);
      const checkpoint = world.readings.checkpoint();
      await world.pass(10_000);
      expect(world.doubts).to.have.length(1);
      expect(world.stored.at(-1)!.takenAt).to.equal(START + 40);

      world.clock.setUnixMs((START + 80) * 1_000);
      synchronised = true;
      await world.pass(1_000);
      expect((await checkpoint).takenAt).to.be.within(START + 80, START + 81);
      const [, , restart] = world.stored;
      expect(restart).to.include({ since: 0, takenAt: START + 51 });
      await world.pass(20_000);
      expect(world.stored.at(-1)).to.include({ takenAt: START + 100, exported: 1_100n });
      await world.stop();
    });

    it("goes on with the chain when no slot ended without samples", async () => {
      let synchronised = false;
      const before: SignedReading = {
        ...{ meterId: 1, epoch: 0, since: START - 80, takenAt: START - 20, imported: 0n, exported: 1_000n },
        signature: "0x",
      };
      const world = setUp(START * 1_000, before, { isSynchronised: () => synchronised });
      await world.pass(30_000);
      synchronised = true;
      await world.pass(15_000);
      expect(world.stored.at(-1)).to.include({ since: START - 20, takenAt: START + 40, exported: 1_040n });
      await world.stop();
    });
  });
});
