import { join } from "node:path";
import { expect } from "chai";
import { slotOf } from "../../protocol/src/slots.ts";
import { needs } from "../hardware/needs.ts";
import { until, World } from "../system/world.ts";
import { BUYER, openWorld, SELLER, Trade } from "./books.ts";
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

  async function acceptedSlots(): Promise<{ slot: number; takenAt: number; block: number }[]> {
    const { registry } = await world.contracts();
    const events = await registry.queryFilter(registry.filters.ReadingAccepted(SELLER));
    return Promise.all(
      events.map(async ({ args, blockNumber }) => ({
        slot: Number(args.slot),
        takenAt: Number(args.takenAt),
        block: (await world.ethers.provider.getBlock(blockNumber))!.timestamp,
      })),
    );
  }

  /** Nothing is booked to a slot that was not running, or only just over, when its energy flowed. */
  async function expectHonestSlots(since: number): Promise<void> {
    for (const { slot, takenAt, block } of await acceptedSlots()) {
      expect(takenAt, "a reading from the future").to.be.at.most(block);
      if (takenAt >= since) expect(slot).to.equal(slotOf(takenAt, world.zone.slotDuration));
    }
  }

  for (const [name, offset] of [
    ["an hour ahead", 3_600],
    ["an hour behind", -3_600],
    ["at 1970", 86_400 - Math.floor(Date.now() / 1_000)],
  ] as const) {
    it(`the clock jumps ${name} while energy flows: it is named in the log, no energy is booked to a wrong slot, and set right the readings go on`, async () => {
      const since = Math.floor(Date.now() / 1_000);
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
      const corrected = Math.floor(Date.now() / 1_000);
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
      await expectHonestSlots(since);
      expect(world.logged(SELLER, "readings.restart").length).to.be.at.least(1);
      await trade.expectBalanced();
    });
  }

  it("the meter's key is rotated while energy flows: with the new key in its file and a restart the trade goes on; what flowed is paid", async () => {
    const { registry } = await world.contracts();
    const trade = await Trade.make(world, 90n);
    await trade.flowed(5);
    await rotateKey(world, SELLER);
    await world.stopOracle(SELLER);
    await world.startOracle(SELLER, clock.env);
    const delivered = await trade.expectBalanced();
    expect(Number(delivered)).to.be.above(20);
    const epochs = (await registry.meterOf(SELLER)).epoch;
    expect(Number(epochs)).to.equal(1);
  });
});
