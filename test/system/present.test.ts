/// <reference lib="dom" />
import { expect } from "chai";
import { createLogCache } from "../../frontend/src/data/logCache.ts";
import { offersOf } from "../../frontend/src/data/offers.ts";
import { presentOf, readPresent } from "../../frontend/src/data/present.ts";
import { openZone, type Zone } from "../../frontend/src/data/zone.ts";
import { QUICK_ZONE, World } from "./world.ts";

const [BUYER, SELLER] = [1, 2];
const nothingKept = { load: () => Promise.resolve(undefined), save: () => Promise.resolve() };

describe("what the page knows of this moment", () => {
  let world: World;
  let zone: Zone;

  before(async () => {
    world = await World.start(2);
    const opened = await openZone(world.deployment, "en-GB");
    if (opened.kind !== "ready") throw new Error(opened.kind);
    zone = opened.zone;
  });

  after(() => world?.stop());

  const passes = async (seconds: number) => {
    await world.ethers.provider.send("evm_increaseTime", [seconds]);
    await world.ethers.provider.send("evm_mine", []);
  };

  it("is the same out of the contracts' views and out of all events since the deployment", async () => {
    const { market, registry } = await world.contracts();
    const [buyer, seller] = [await world.owner(BUYER), await world.owner(SELLER)];
    await world.deposit(BUYER, 20_000_000n);
    const ended = await world.list(SELLER, 500n, 150_000n);
    const cancelled = await world.list(SELLER, 400n, 160_000n);
    await (await market.connect(seller).cancelListing(cancelled)).wait();
    await (await registry.connect(buyer).setTrader(BUYER, seller)).wait();
    const delivery = await world.buy(ended, BUYER, 100n, QUICK_ZONE.slotDuration);
    await passes(QUICK_ZONE.maxDelivery + QUICK_ZONE.grace);
    await (await market.connect(buyer).close(delivery)).wait();
    const sold = await world.list(SELLER, 300n, 170_000n);
    await world.buy(sold, BUYER, 200n, QUICK_ZONE.slotDuration);

    const head = await world.ethers.provider.getBlockNumber();
    const fromEvents = presentOf(await createLogCache(zone, undefined, nothingKept).upTo(BigInt(head)));
    const fromViews = (await readPresent(zone))!;
    expect(fromViews.meters).to.deep.equal(fromEvents.meters);
    expect([...fromViews.busy.keys()]).to.have.members([BUYER, SELLER]);
    expect(fromViews.busy).to.deep.equal(fromEvents.busy);
    expect(fromViews.records).to.deep.equal(new Map([[SELLER, { promised: 100n, delivered: 0n }]]));
    expect(fromViews.records).to.deep.equal(fromEvents.records);

    const { feedIn, retail, gridFee } = world.zone;
    const prices = { feedIn, retail, gridFee, sell: 120_000n };
    const offers = offersOf(fromViews, prices, await world.now());
    expect(offers.map(({ id }) => id))
      .to.include(sold)
      .and.not.include(cancelled);
    expect(offers).to.deep.equal(offersOf(fromEvents, prices, await world.now()));
  });
});
