import { expect } from "chai";
import { D, type Meter } from "./fixture.ts";
import { type Order, priceOf } from "./auction-reference.ts";
import { ask, type AuctionZone, bid, deployAuctionZone, GATE, orderId, RULES, Status } from "./auction-zone.ts";

const fee = RULES.feeTicks;

describe("CallAuction, clearing", () => {
  let zone: AuctionZone;
  let meters: Meter[];
  let slot: number;

  beforeEach(async () => {
    zone = await deployAuctionZone();
    await zone.fund(zone.alice);
    meters = await zone.addMeters(4);
    slot = await zone.nextSlot();
  });

  /** Energy by the seller's price; every order of its own meter. */
  const asks = (...levels: [tick: number, energy: number][]) => levels.map(([t, e], i) => ask(meters[i]!, t, e));
  const bids = (...levels: [tick: number, energy: number][]) => levels.map(([t, e], i) => bid(meters[i]!, t + fee, e));

  async function clear(...orders: Order[]) {
    await zone.place(slot, zone.alice, ...orders);
    await zone.clear(slot);
    const { price, volume } = await zone.auction.auctionOf(slot);
    const fills = await Promise.all(orders.map((order) => zone.auction.fillOf(orderId(slot, order))));
    return {
      tick: Number((price - RULES.minPrice) / RULES.tickSize),
      volume: Number(volume),
      fills: fills.map(Number),
    };
  }

  const cases: [string, () => Order[], { tick: number; volume: number; fills: number[] }][] = [
    [
      "a bid that is served in part is the price",
      () => [...asks([20, 100]), ...bids([50, 150])],
      { tick: 50, volume: 100, fills: [100, 100] },
    ],
    [
      "an ask that is served in part is the price",
      () => [...asks([20, 150]), ...bids([50, 100])],
      { tick: 20, volume: 100, fills: [100, 100] },
    ],
    [
      "the middle, rounded down to a tick, when both sides are used up",
      () => [...asks([20, 100]), ...bids([51, 100])],
      { tick: 35, volume: 100, fills: [100, 100] },
    ],
    [
      "the first unserved bid bounds the price from below",
      () => [...asks([20, 100]), ...bids([50, 100], [40, 100])],
      { tick: 45, volume: 100, fills: [100, 100, 0] },
    ],
    [
      "the first unserved ask bounds the price from above",
      () => [...asks([20, 100], [30, 100]), ...bids([50, 100])],
      { tick: 25, volume: 100, fills: [100, 0, 100] },
    ],
    [
      "orders that meet exactly at a tick trade",
      () => [...asks([20, 100]), ...bids([20, 100])],
      { tick: 20, volume: 100, fills: [100, 100] },
    ],
    [
      "the marginal tick is rationed pro rata and asks are rounded down, better orders fill",
      () => [...asks([20, 100], [30, 100], [30, 50], [30, 50]), ...bids([60, 201])],
      { tick: 30, volume: 201, fills: [100, 50, 25, 25, 201] },
    ],
    [
      "bids of the marginal tick are rationed in the same way",
      () => [...asks([20, 100]), ...bids([60, 40], [50, 100], [50, 200])],
      { tick: 50, volume: 100, fills: [100, 40, 20, 40] },
    ],
    [
      "volume is what counts: a cheap ask serves as many as it can",
      () => [...asks([20, 300]), ...bids([100, 100], [60, 100], [21, 100])],
      { tick: 20, volume: 300, fills: [300, 100, 100, 100] },
    ],
  ];
  for (const [name, orders, expected] of cases) {
    it(name, async () => {
      expect(await clear(...orders())).to.deep.equal(expected);
    });
  }

  it("keeps apart what only the grid fee keeps apart", async () => {
    const [seller, buyer] = [ask(meters[0]!, 40, 100), bid(meters[1]!, 40 + fee - 1, 100)];
    await zone.place(slot, zone.alice, seller, buyer);
    await expect(zone.clear(slot))
      .to.emit(zone.auction, "SlotCleared")
      .withArgs(slot, 0, RULES.tickSize * BigInt(fee), 0);
    // Both have their money back at once.
    await zone.settle(slot, seller, buyer);
    expect(await zone.vault.pot(zone.auction)).to.equal(0n);
  });

  for (const side of ["asks", "bids"]) {
    it(`finds nothing when there are only ${side}`, async () => {
      const orders = side === "asks" ? asks([20, 100], [30, 100]) : bids([20, 100], [30, 100]);
      const { volume, fills } = await clear(...orders);
      expect([volume, ...fills]).to.deep.equal([0, 0, 0]);
    });
  }

  it("is anybody's, once, from gate closure until the slot begins", async () => {
    const { auction } = zone;
    await expect(auction.clear(slot)).to.be.revertedWithCustomError(auction, "NotOpen").withArgs(slot, Status.None);
    const orders = [...asks([20, 100]), ...bids([50, 100])];
    await zone.place(slot, zone.alice, ...orders);
    await zone.atTime(slot * D - GATE - 1);
    await expect(auction.clear(slot))
      .to.be.revertedWithCustomError(auction, "ClearingNotDue")
      .withArgs(slot, slot * D - GATE, slot * D);
    await zone.atTime(slot * D);
    await expect(auction.clear(slot))
      .to.emit(auction, "SlotCleared")
      .withArgs(slot, priceOf(35, RULES), RULES.tickSize * BigInt(fee), 100);
    await expect(auction.clear(slot)).to.be.revertedWithCustomError(auction, "NotOpen").withArgs(slot, Status.Cleared);
  });

  it("comes too late when the slot has begun: the slot is void and everybody has everything back", async () => {
    const { auction, vault, alice } = zone;
    const before = await vault.free(alice);
    const orders = [...asks([20, 100]), ...bids([50, 100])];
    await zone.place(slot, alice, ...orders);
    await zone.atTime(slot * D);
    await zone.settle(slot, ...orders);
    expect(await vault.free(alice)).to.be.lessThan(before);
    await zone.goTo(slot, 1);
    await expect(auction.clear(slot)).to.be.revertedWithCustomError(auction, "ClearingNotDue");
    expect((await auction.auctionOf(slot)).status).to.equal(Status.Void);
    await zone.settle(slot, ...orders, ...orders);
    expect(await vault.free(alice)).to.equal(before);
    await expect(auction.finalize(slot)).to.be.revertedWithCustomError(auction, "NotFinalizable");
  });
});
