import { join } from "node:path";
import { expect } from "chai";
import { clockSynchronised } from "../../oracle/src/clock-synchronised.ts";
import { needs, notRun } from "../hardware/needs.ts";
import { until, World } from "../system/world.ts";
import { BUYER, openWorld, SELLER, slotAt, Trade } from "./books.ts";
import { rotateKey } from "./rotate-key.ts";
import { WallClock } from "./wall-clock.ts";

describe("faults of the clock", () => {
  needs("faketime");
  let world: World;
  let clock: WallClock;

  before(async () => {
    world = await World.start(2);
    clock = (await WallClock.make(join(world.dir, "faketime")))!;
    await world.startOracle(SELLER, clock.env);
    await openWorld(world, [BUYER]);
  });

  after(() => world?.stop());

  /** Once the slots have passed that the wrong clock has named, none of them has energy that flowed before. */
  async function expectNothingBooked(openedAtMs: number, throughMs: number): Promise<void> {
    const { registry } = await world.contracts();
    const [first, last] = [slotAt(world, openedAtMs) + 1, slotAt(world, throughMs)];
    expect(last).to.be.at.least(first);
    await until(
      "those slots to have passed",
      async () => slotAt(world, Number((await registry.meterOf(SELLER)).lastTakenAt) * 1_000) > last,
      120,
    );
    for (let slot = first; slot <= last; slot++) {
      expect((await registry.energyIn(SELLER, slot)).exported, `booked to slot ${slot}`).to.equal(0n);
    }
  }

  for (const [name, offset] of [
    ["a minute ahead", 60],
    ["an hour ahead", 3_600],
    ["an hour behind", -3_600],
    ["at 1970", 86_400 - Math.floor(Date.now() / 1_000)],
  ] as const) {
    it(`the clock jumps ${name} while energy flows: it is named in the log, no energy is booked to a wrong slot, and set right the readings go on`, async () => {
      const trade = await Trade.make(world, 60n, 100);
      await trade.flowed(8);
      const flowed = await trade.sent();
      const stepped = world.nextLog(SELLER, "clock.stepped");
      await clock.set(offset);
      expect(Math.abs(Number((await stepped).ms) - offset * 1_000), "ms").to.be.below(3_000);
      await new Promise((done) => setTimeout(done, 8_000));
      const back = world.nextLog(SELLER, "clock.stepped");
      await clock.set(0);
      await back;
      const { registry } = await world.contracts();
      const correctedMs = Date.now();
      const corrected = Math.floor(correctedMs / 1_000);
      await until(
        "readings at the right time",
        async () => {
          const taken = Number((await registry.meterOf(SELLER)).lastTakenAt);
          return taken > corrected && taken <= Date.now() / 1_000;
        },
        90,
      );
      const { delivered } = await trade.closed();
      expect(Number(delivered)).to.be.at.most(Math.ceil(await trade.sent()));
      expect(await trade.sent()).to.be.at.least(flowed);
      expect(world.logged(SELLER, "readings.restart").length).to.be.at.least(1);
      await trade.expectBalanced();
      if (offset !== 60) return;
      const { at: openedAt } = (await trade.moves(SELLER, "discharge")).at(-1)!;
      await expectNothingBooked(openedAt, correctedMs + offset * 1_000);
    });
  }

  it("the kernel does not count the clock as synchronised: nothing is signed and no relay closes, and the log says what to do; believed again, the trade goes on", async function () {
    if (clockSynchronised() !== false) notRun(this, "this kernel's clock is synchronised");
    const { registry } = await world.contracts();
    await world.stopOracle(SELLER);
    await world.configure(SELLER, (config) => (config.clock = { synchronised: "required" }));
    const warned = world.nextLog(SELLER, "clock.not-synchronised");
    await world.startOracle(SELLER, clock.env);
    expect((await warned).advice).to.match(/timedatectl set-ntp true/);
    const { lastTakenAt } = await registry.meterOf(SELLER);
    const trade = await Trade.make(world, 20n);
    await new Promise((done) => setTimeout(done, 2 * world.zone.slotDuration * 1_000));
    expect(await trade.moves(SELLER, "discharge")).to.deep.equal([]);
    expect((await registry.meterOf(SELLER)).lastTakenAt).to.equal(lastTakenAt);
    await world.stopOracle(SELLER);
    await world.configure(SELLER, (config) => (config.clock = { synchronised: "ignored" }));
    await world.startOracle(SELLER, clock.env);
    expect(await trade.expectBalanced()).to.equal(20n);
  });

  it("the meter's key is rotated while energy flows: with the new key in its file and a restart the trade goes on, what the old key still signed is signed again; what flowed is paid", async () => {
    const { registry } = await world.contracts();
    const trade = await Trade.make(world, 90n);
    await trade.flowed(5);
    await rotateKey(world, SELLER);
    // What the old key still signs in the new one's time is worth nothing.
    await new Promise((done) => setTimeout(done, (world.zone.slotDuration + 1) * 1_000));
    await world.stopOracle(SELLER);
    await world.startOracle(SELLER, clock.env);
    const delivered = await trade.expectBalanced();
    expect(Number(delivered)).to.be.above(20);
    expect(world.logged(SELLER, "reading.signed-again")).not.to.deep.equal([]);
    const epochs = (await registry.meterOf(SELLER)).epoch;
    expect(Number(epochs)).to.equal(1);
  });
});
