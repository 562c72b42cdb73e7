import { expect } from "chai";
import { as, D, ethers, Kind, type Meter, PARAMETERS } from "./fixture.ts";
import { lockOf, type Order } from "./auction-reference.ts";
import { ask, type AuctionZone, bid, deployTraders, GATE, locksOf, orderId, RULES, Status } from "./auction-zone.ts";

const { feedInTick, retailTick, feeTicks } = RULES;
const HIGHEST_ASK = retailTick - feeTicks;
const LOWEST_BID = feedInTick + feeTicks;

describe("CallAuction, orders", () => {
  let zone: AuctionZone;
  let seller: Meter;
  let buyer: Meter;
  let slot: number;

  beforeEach(async () => {
    ({ zone, seller, buyer, slot } = await deployTraders());
  });

  const place = (account: AuctionZone["alice"], ...orders: Order[]) =>
    as(zone.auction, account).placeOrders(orders.map((order) => ({ slot, ...order })));

  describe("placing", () => {
    it("locks the limit of a bid and the bond of an ask, rounded up, and shows both in the depth", async () => {
      const { auction, vault, alice, bob } = zone;
      const [a, b] = [ask(seller, 33, 1_001), bid(buyer, 57, 777)];
      await expect(place(alice, a))
        .to.emit(auction, "OrderPlaced")
        .withArgs(orderId(slot, a), alice.address, slot, 1_001, lockOf(a, RULES));
      await place(bob, b);
      expect(lockOf(a, RULES)).to.equal((1_001n * (280_000n - 126_000n) + 999n) / 1_000n);
      expect(lockOf(b, RULES)).to.equal((777n * 174_000n + 999n) / 1_000n);
      expect(await vault.pot(auction)).to.equal(locksOf([a, b]));
      expect([...(await auction.orderOf(orderId(slot, b)))]).to.deep.equal([bob.address, 777n]);
      const depth = await auction.depth(slot);
      expect(depth.asks[33]).to.equal(1_001n);
      expect(depth.bids[57 - feeTicks]).to.equal(777n);
    });

    it("gives an order the id that anybody can compute", async () => {
      const order = bid(buyer, 57, 777);
      expect(await zone.auction.orderId(slot, order.meterId, order.side, order.tick)).to.equal(orderId(slot, order));
    });

    it("replaces an order at the same tick and moves only the difference", async () => {
      const { auction, vault, bob } = zone;
      await place(bob, bid(buyer, 57, 777));
      for (const energy of [1_500, 20, 20]) {
        await place(bob, bid(buyer, 57, energy));
        expect(await vault.pot(auction)).to.equal(locksOf([bid(buyer, 57, energy)]));
        expect((await auction.depth(slot)).bids[57 - feeTicks]).to.equal(BigInt(energy));
      }
    });

    it("takes many slots, meters and sides in one call, for an owner and for a trader of several owners", async () => {
      const { auction, vault, registry, alice, bob, stranger } = zone;
      await as(registry, alice).setTrader(seller.id, stranger);
      await as(registry, bob).setTrader(buyer.id, stranger);
      const orders = [ask(seller, 30, 100), bid(buyer, 60, 100), ask(seller, 31, 100), bid(seller, 62, 50)];
      await place(stranger, ...orders);
      expect(await vault.pot(auction)).to.equal(locksOf(orders));
      expect((await auction.orderOf(orderId(slot, orders[3]!))).account).to.equal(alice.address);
      expect((await auction.orderOf(orderId(slot, orders[1]!))).account).to.equal(bob.address);
      await as(auction, bob).placeOrders([1, 2, 3].map((i) => ({ slot: slot + i, ...bid(buyer, 60, 100) })));
      expect((await auction.auctionOf(slot + 3)).status).to.equal(Status.Open);
    });

    it("takes limits between feed-in and retail, with the grid fee on the buyer's side", async () => {
      const { auction, alice, bob } = zone;
      await place(alice, ask(seller, feedInTick, 10), ask(seller, HIGHEST_ASK, 10));
      await place(bob, bid(buyer, LOWEST_BID, 10), bid(buyer, retailTick, 10));
      for (const tick of [feedInTick - 1, HIGHEST_ASK + 1, 255]) {
        await expect(place(alice, ask(seller, tick, 10)))
          .to.be.revertedWithCustomError(auction, "TickOutOfRange")
          .withArgs(tick, feedInTick, HIGHEST_ASK);
      }
      for (const tick of [LOWEST_BID - 1, retailTick + 1, 0]) {
        await expect(place(bob, bid(buyer, tick, 10)))
          .to.be.revertedWithCustomError(auction, "TickOutOfRange")
          .withArgs(tick, LOWEST_BID, retailTick);
      }
    });

    it("takes bids alone for loads and the utility's meter, also between the orders of a meter that sells", async () => {
      const { auction, registry, alice } = zone;
      for (const kind of [Kind.Load, Kind.Grid]) {
        const meter = await zone.addMeter(alice, kind);
        await place(alice, bid(meter, 60, 100), ask(seller, 30, 100), bid(meter, 61, 100));
        for (const orders of [
          [ask(meter, 30, 100)],
          [ask(seller, 30, 100), bid(seller, 61, 100), ask(meter, 31, 100)],
        ]) {
          await expect(place(alice, ...orders))
            .to.be.revertedWithCustomError(auction, "MeterOnlyBuys")
            .withArgs(meter.id);
        }
      }
      for (const kind of [Kind.Solar, Kind.Wind, Kind.Hydro, Kind.Battery, Kind.Prosumer]) {
        const meter = await zone.addMeter(alice, kind);
        expect((await registry.standingOf(meter.id)).kind).to.equal(BigInt(kind));
        await place(alice, ask(meter, 30, 100));
      }
    });

    it("takes energy between the smallest order and what the meter can move in a slot", async () => {
      const { auction, alice } = zone;
      const most = Math.floor((1_000_000 * D) / 3_600);
      await place(alice, ask(seller, 30, PARAMETERS.minOrder), ask(seller, 31, most));
      for (const energy of [0, PARAMETERS.minOrder - 1, most + 1]) {
        await expect(place(alice, ask(seller, 30, energy)))
          .to.be.revertedWithCustomError(auction, "EnergyOutOfRange")
          .withArgs(energy, PARAMETERS.minOrder, most);
      }
    });

    it("takes slots until their gate closes, and not too far ahead", async () => {
      const { auction, alice } = zone;
      const order = ask(seller, 30, 10);
      await zone.atTime(slot * D - GATE - 1);
      await place(alice, order);
      await zone.atTime(slot * D - GATE);
      await expect(place(alice, order))
        .to.be.revertedWithCustomError(auction, "GateClosed")
        .withArgs(slot, slot * D - GATE);
      await expect(as(auction, alice).placeOrders([{ slot: 0, ...order }])).to.be.revertedWithCustomError(
        auction,
        "GateClosed",
      );
      const latest = slot - 1 + PARAMETERS.openAhead;
      await as(auction, alice).placeOrders([{ slot: latest, ...order }]);
      await expect(as(auction, alice).placeOrders([{ slot: latest + 1, ...order }]))
        .to.be.revertedWithCustomError(auction, "SlotTooFar")
        .withArgs(latest + 1, latest);
    });

    it("is for owner and trader of an active meter", async () => {
      const { auction, registry, alice, operator, stranger } = zone;
      await expect(place(stranger, ask(seller, 30, 10)))
        .to.be.revertedWithCustomError(auction, "NotYourMeter")
        .withArgs(seller.id, stranger.address);
      await expect(place(alice, { ...ask(seller, 30, 10), meterId: 99 })).to.be.revertedWithCustomError(
        registry,
        "UnknownMeter",
      );
      await expect(place(alice, { ...ask(seller, 30, 10), meterId: 0 })).to.be.revertedWithCustomError(
        registry,
        "UnknownMeter",
      );
      await as(registry, operator).setActive(seller.id, false);
      await expect(place(alice, ask(seller, 30, 10)))
        .to.be.revertedWithCustomError(auction, "MeterInactive")
        .withArgs(seller.id);
    });

    it("is all or nothing", async () => {
      const { auction, vault, alice } = zone;
      await expect(place(alice, ask(seller, 30, 10), ask(seller, 30, 9))).to.be.revertedWithCustomError(
        auction,
        "EnergyOutOfRange",
      );
      expect(await vault.pot(auction)).to.equal(0n);
      await place(alice);
    });
  });

  describe("cancelling", () => {
    it("gives the whole lock back, also when the meter has been blocked since", async () => {
      const { auction, vault, registry, operator, alice } = zone;
      const before = await vault.free(alice);
      const orders = [ask(seller, 30, 100), ask(seller, 31, 200)];
      await place(alice, ...orders);
      await as(registry, operator).setActive(seller.id, false);
      await expect(as(auction, alice).cancelOrders(orders.map((order) => orderId(slot, order))))
        .to.emit(auction, "OrderCancelled")
        .withArgs(orderId(slot, orders[1]!), alice.address, slot, lockOf(orders[1]!, RULES));
      expect(await vault.free(alice)).to.equal(before);
      expect((await auction.depth(slot)).asks[30]).to.equal(0n);
      await expect(as(auction, alice).cancelOrders([orderId(slot, orders[0]!)])).to.be.revertedWithCustomError(
        auction,
        "OrderUnknown",
      );
    });

    it("belongs to the account of the order, whoever owns the meter now", async () => {
      const { auction, registry, alice, bob, stranger } = zone;
      const order = ask(seller, 30, 100);
      await place(alice, order);
      await expect(as(auction, stranger).cancelOrders([orderId(slot, order)])).to.be.revertedWithCustomError(
        auction,
        "NotYourOrder",
      );
      await as(registry, alice).transferMeter(seller.id, bob);
      await as(registry, bob).acceptMeter(seller.id);
      await as(registry, bob).setTrader(seller.id, stranger);
      for (const other of [bob, stranger]) {
        await expect(as(auction, other).cancelOrders([orderId(slot, order)]))
          .to.be.revertedWithCustomError(auction, "NotYourOrder")
          .withArgs(orderId(slot, order), alice.address);
        await expect(place(other, ask(seller, 30, 50))).to.be.revertedWithCustomError(auction, "NotYourOrder");
      }
      await place(bob, ask(seller, 31, 50));
      await as(auction, alice).cancelOrders([orderId(slot, order)]);
    });

    it("can be done by the account's trader", async () => {
      const { auction, registry, alice, stranger } = zone;
      const order = ask(seller, 30, 100);
      await place(alice, order);
      await as(registry, alice).setTrader(seller.id, stranger);
      await as(auction, stranger).cancelOrders([orderId(slot, order)]);
      expect(await zone.vault.pot(auction)).to.equal(0n);
    });
  });

  it("needs accounts for fee and dust, and times in which a slot opens and is cleared", async () => {
    const { manager, registry, vault, tariff, energyToken, auction, dust } = zone;
    const factory = await ethers.getContractFactory("CallAuction");
    const deploy = (gate: number, ahead: number, least: number, grid: string = dust.address, rest = dust.address) =>
      factory.deploy(manager, registry, vault, tariff, energyToken, grid, rest, gate, ahead, least);
    await expect(deploy(15, 96, 10, ethers.ZeroAddress)).to.be.revertedWithCustomError(auction, "ZeroAddress");
    await expect(deploy(15, 96, 10, dust.address, ethers.ZeroAddress)).to.be.revertedWithCustomError(
      auction,
      "ZeroAddress",
    );
    for (const [gate, ahead, least] of [
      [0, 96, 10],
      [15, 0, 10],
      [15, 96, 0],
      [D, 1, 10],
      [15, 365 * 1_440 + 1, 10],
    ] as const) {
      await expect(deploy(gate, ahead, least)).to.be.revertedWithCustomError(auction, "TimesOutOfRange");
    }
    await deploy(D - 1, 1, 1);
  });
});
