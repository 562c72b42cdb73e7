import { expect } from "chai";
import { costUp } from "@ioe/protocol";
import {
  ANY_PRICE,
  as,
  D,
  deployZone,
  GRACE,
  Kind,
  type Meter,
  PARAMETERS,
  PriceMode,
  startDelivery,
  type Zone,
} from "./fixture.ts";

const { feedIn, retail, gridFee, maxDelivery, unitsPerKWh } = PARAMETERS;
const HIGHEST = retail - gridFee;

describe("DirectMarket, offers and purchases", () => {
  let zone: Zone;
  let seller: Meter;
  let buyer: Meter;
  let slot: number;
  beforeEach(async () => {
    zone = await deployZone();
    seller = await zone.addMeter(zone.alice, Kind.Battery);
    buyer = await zone.addMeter(zone.bob, Kind.Prosumer);
    await zone.fund(zone.bob);
    slot = await zone.nextSlot();
    await zone.goTo(slot, 1);
  });

  /** Ends the delivery without any flow, once both meters are final. */
  async function abandon(deliveryId: bigint): Promise<void> {
    const { deadlineSlot } = await zone.market.deliveryOf(deliveryId);
    await zone.at(Number(deadlineSlot) + 1, GRACE + 1);
    await zone.market.close(deliveryId);
  }

  describe("list", () => {
    it("offers energy of one's own meter and locks nothing", async () => {
      const { market, alice } = zone;
      const expiresAt = (slot + 10) * D;
      await expect(as(market, alice).list(seller.id, 5_000, PriceMode.Index, 123_457n, 100, expiresAt))
        .to.emit(market, "Listed")
        .withArgs(1, seller.id, alice.address, 5_000, PriceMode.Index, 123_457n, 100, expiresAt);
      expect([...(await market.listingOf(1))]).to.deep.equal([
        alice.address,
        BigInt(seller.id),
        5_000n,
        100n,
        BigInt(PriceMode.Index),
        123_457n,
        BigInt(expiresAt),
      ]);
      expect(await market.listingCount()).to.equal(1n);
      await expect(market.listingOf(2)).to.be.revertedWithCustomError(market, "ListingUnknown").withArgs(2);
    });

    it("is for the owner and the owner's trader, of active meters", async () => {
      const { market, alice, bob, carol, registry, operator } = zone;
      const list = (caller: typeof alice) =>
        as(market, caller).list(seller.id, 1, PriceMode.Fixed, feedIn, 0, (slot + 10) * D);
      await expect(list(bob)).to.be.revertedWithCustomError(market, "NotYourMeter").withArgs(seller.id, bob.address);
      await as(registry, alice).setTrader(seller.id, carol);
      await list(carol);
      expect((await market.listingOf(1)).account).to.equal(alice.address);
      await as(registry, operator).setActive(seller.id, false);
      await expect(list(alice)).to.be.revertedWithCustomError(market, "MeterInactive").withArgs(seller.id);
    });

    for (const [name, kind] of [
      ["a load", Kind.Load],
      ["the utility's meter", Kind.Grid],
    ] as const) {
      it(`is not for ${name}, which has nothing of its own to sell`, async () => {
        const meter = await zone.addMeter(zone.alice, kind);
        await expect(zone.list(meter)).to.be.revertedWithCustomError(zone.market, "MeterOnlyBuys").withArgs(meter.id);
      });
    }

    it("takes prices between the feed-in price and retail less the grid fee, both included", async () => {
      const { market } = zone;
      for (const price of [feedIn, HIGHEST]) await zone.list(seller, { price });
      for (const price of [feedIn - 1n, HIGHEST + 1n, 2n ** 48n + feedIn, ANY_PRICE]) {
        await expect(zone.list(seller, { price }))
          .to.be.revertedWithCustomError(market, "PriceOutOfRange")
          .withArgs(price, feedIn, HIGHEST);
      }
    });

    it("refuses no energy, a minimum above the energy, and an end that has passed", async () => {
      const { market, alice } = zone;
      await expect(zone.list(seller, { energy: 0, minEnergy: 0 })).to.be.revertedWithCustomError(market, "ZeroEnergy");
      await expect(zone.list(seller, { energy: 5, minEnergy: 6 }))
        .to.be.revertedWithCustomError(market, "BelowMinimum")
        .withArgs(5, 6);
      await zone.at(slot, 30);
      await expect(as(market, alice).list(seller.id, 1, PriceMode.Fixed, feedIn, 0, slot * D + 30))
        .to.be.revertedWithCustomError(market, "ExpiryInPast")
        .withArgs(slot * D + 30);
    });
  });

  describe("cancelListing", () => {
    it("ends an offer, once", async () => {
      const { market, alice } = zone;
      const id = await zone.list(seller);
      await expect(as(market, alice).cancelListing(id)).to.emit(market, "ListingCancelled").withArgs(id);
      await expect(as(market, alice).cancelListing(id)).not.to.emit(market, "ListingCancelled");
      await expect(zone.buy(buyer, id, 1, slot + 1))
        .to.be.revertedWithCustomError(market, "ListingExpired")
        .withArgs(id, 0);
    });

    it("is for the account that listed, and whoever may trade for the meter now", async () => {
      const { market, registry, alice, bob, carol, stranger } = zone;
      const ids = [await zone.list(seller), await zone.list(seller), await zone.list(seller)] as const;
      await expect(as(market, stranger).cancelListing(ids[0]))
        .to.be.revertedWithCustomError(market, "NotYourMeter")
        .withArgs(seller.id, stranger.address);
      await as(registry, alice).transferMeter(seller.id, bob);
      await as(registry, bob).acceptMeter(seller.id);
      await as(registry, bob).setTrader(seller.id, carol);
      for (const [i, caller] of [alice, bob, carol].entries()) {
        await expect(as(market, caller).cancelListing(ids[i]!)).to.emit(market, "ListingCancelled");
      }
      await expect(market.cancelListing(9)).to.be.revertedWithCustomError(market, "ListingUnknown").withArgs(9);
    });
  });

  describe("buy", () => {
    it("locks the all-in price, rounded up, and tells both oracles what to do", async () => {
      const { market, vault, alice, bob } = zone;
      const id = await zone.list(seller, { energy: 1_000, price: 100_001n });
      const locked = costUp(333n, 100_001n + gridFee, BigInt(unitsPerKWh));
      await zone.at(slot, 20);
      const purchase = as(market, bob).buy(id, buyer.id, 333, ANY_PRICE, (slot + 3) * D - 7);
      await expect(purchase)
        .to.emit(market, "DeliveryRequested")
        .withArgs(1, seller.id, buyer.id, 333, 100_001n, (slot + 3) * D);
      await expect(purchase).to.emit(market, "Bought").withArgs(1, id, bob.address, alice.address, gridFee, locked);
      expect(await vault.pot(market)).to.equal(locked);
      expect(await vault.free(bob)).to.equal(1_000_000_000n - locked);
      expect([...(await market.deliveryOf(1))]).to.deep.equal([
        id,
        alice.address,
        bob.address,
        BigInt(seller.id),
        BigInt(buyer.id),
        333n,
        0n,
        100_001n,
        gridFee,
        0n,
        locked,
        BigInt(slot),
        BigInt(slot + 2),
        BigInt((slot + 3) * D),
        false,
      ]);
      expect((await market.listingOf(id)).energy).to.equal(667n);
      expect(await market.deliveryCount()).to.equal(1n);
      for (const { id: meterId } of [seller, buyer]) expect(await market.openDeliveryOf(meterId)).to.equal(1n);
      await expect(market.deliveryOf(2)).to.be.revertedWithCustomError(market, "DeliveryUnknown").withArgs(2);
    });

    it("takes part of an offer, and part of what is left", async () => {
      const { market } = zone;
      const id = await zone.list(seller, { energy: 1_000 });
      await zone.buy(buyer, id, 400, slot + 1);
      await abandon(1n);
      // What was not delivered can be bought again.
      expect((await market.listingOf(id)).energy).to.equal(1_000n);
      await zone.buy(buyer, id, 1_000, Number(await zone.registry.currentSlot()) + 1);
      expect((await market.listingOf(id)).energy).to.equal(0n);
    });

    it("says how much is left when more is asked for", async () => {
      const id = await zone.list(seller, { energy: 1_000 });
      await expect(zone.buy(buyer, id, 1_001, slot + 1))
        .to.be.revertedWithCustomError(zone.market, "ExceedsRemaining")
        .withArgs(1_001, 1_000);
    });

    it("keeps the seller's smallest sale", async () => {
      const id = await zone.list(seller, { energy: 60, minEnergy: 50 });
      await expect(zone.buy(buyer, id, 0, slot + 1)).to.be.revertedWithCustomError(zone.market, "ZeroEnergy");
      await expect(zone.buy(buyer, id, 49, slot + 1))
        .to.be.revertedWithCustomError(zone.market, "BelowMinimum")
        .withArgs(49, 50);
      await zone.buy(buyer, id, 50, slot + 1);
    });

    it("always sells the rest of an offer, however small", async () => {
      const { zone: world, seller: source, buyer: sink, slot: begin } = await startDelivery();
      await world.at(begin + 1, 0);
      await world.report(source.step((begin + 1) * D, 1_000n), sink.step((begin + 1) * D, 0n, 1_000n));
      await world.market.close(1n);
      const id = await world.list(source, { energy: 60, minEnergy: 50 });
      await world.buy(sink, id, 50, begin + 2);
      await world.at(begin + 2, 0);
      await world.report(source.step((begin + 2) * D, 50n), sink.step((begin + 2) * D, 0n, 50n));
      await world.market.close(2n);
      await expect(world.buy(sink, id, 9, begin + 3)).to.be.revertedWithCustomError(world.market, "BelowMinimum");
      await world.buy(sink, id, 10, begin + 3);
      expect((await world.market.listingOf(id)).energy).to.equal(0n);
    });

    it("is possible until the offer's last second", async () => {
      const { market, alice } = zone;
      const expiresAt = slot * D + 30;
      await as(market, alice).list(seller.id, 10, PriceMode.Fixed, feedIn, 0, expiresAt);
      await zone.at(slot, 31);
      await expect(zone.buy(buyer, 1n, 1, slot + 1))
        .to.be.revertedWithCustomError(market, "ListingExpired")
        .withArgs(1, expiresAt);
      await as(market, alice).list(seller.id, 10, PriceMode.Fixed, feedIn, 0, expiresAt + 9);
      await zone.at(slot, 39);
      await zone.buy(buyer, 2n, 1, slot + 1);
    });

    it("is for the buying meter's owner and trader, of active meters on both sides", async () => {
      const { market, registry, vault, bob, carol, stranger, operator } = zone;
      const id = await zone.list(seller);
      const buy = (caller: typeof bob) => as(market, caller).buy(id, buyer.id, 10, ANY_PRICE, (slot + 1) * D);
      await expect(buy(stranger))
        .to.be.revertedWithCustomError(market, "NotYourMeter")
        .withArgs(buyer.id, stranger.address);
      for (const meter of [seller, buyer]) {
        await as(registry, operator).setActive(meter.id, false);
        await expect(buy(bob)).to.be.revertedWithCustomError(market, "MeterInactive").withArgs(meter.id);
        await as(registry, operator).setActive(meter.id, true);
      }
      await as(registry, bob).setTrader(buyer.id, carol);
      const before = await vault.free(bob);
      await buy(carol);
      expect((await market.deliveryOf(1)).buyer).to.equal(bob.address);
      expect(await vault.free(bob)).to.be.lessThan(before);
    });

    it("needs money in the vault that its owner allowed this market to lock", async () => {
      const { market, vault, bob } = zone;
      const id = await zone.list(seller, { energy: 2 ** 32 - 1 });
      await expect(zone.buy(buyer, id, 2 ** 32 - 1, slot + 1)).to.be.revertedWithCustomError(
        vault,
        "InsufficientBalance",
      );
      await as(vault, bob).setAllowed(market, false);
      await expect(zone.buy(buyer, id, 10, slot + 1))
        .to.be.revertedWithCustomError(vault, "MarketNotAllowed")
        .withArgs(bob.address, market.target);
    });

    it("cannot deliver from a meter to itself", async () => {
      const id = await zone.list(seller);
      await expect(zone.buy(seller, id, 10, slot + 1))
        .to.be.revertedWithCustomError(zone.market, "SameMeter")
        .withArgs(seller.id);
    });

    it("works between two meters of one owner", async () => {
      const second = await zone.addMeter(zone.bob);
      const id = await zone.list(second);
      await zone.buy(buyer, id, 10, slot + 1);
      expect(await zone.market.openDeliveryOf(second.id)).to.equal(1n);
    });

    it("threat: concurrent delivery: a meter has one open delivery, in whatever role", async () => {
      const { market } = zone;
      const third = await zone.addMeter(zone.carol);
      await zone.fund(zone.carol);
      const [ofSeller, ofBuyer, ofThird] = [await zone.list(seller), await zone.list(buyer), await zone.list(third)];
      await zone.fund(zone.alice);
      await zone.buy(buyer, ofSeller, 10, slot + 1);
      for (const purchase of [
        () => zone.buy(third, ofSeller, 10, slot + 1), // its seller sells
        () => zone.buy(third, ofBuyer, 10, slot + 1), // its seller buys
        () => zone.buy(buyer, ofThird, 10, slot + 1), // its buyer buys
        () => zone.buy(seller, ofThird, 10, slot + 1), // its buyer sells
      ]) {
        await expect(purchase()).to.be.revertedWithCustomError(market, "MeterBusy").withArgs(1);
      }
      await abandon(1n);
      for (const { id } of [seller, buyer]) expect(await market.openDeliveryOf(id)).to.equal(0n);
      await zone.buy(seller, ofThird, 10, Number(await zone.registry.currentSlot()) + 1);
    });

    it("ends at a slot's end, at most the longest delivery ahead", async () => {
      const { market, bob } = zone;
      const id = await zone.list(seller);
      const now = slot * D + 30;
      const buy = (deadline: number) => as(market, bob).buy(id, buyer.id, 10, ANY_PRICE, deadline);
      for (const deadline of [0, now, now + maxDelivery + 1, 2 ** 40 - 1]) {
        await zone.atTime(now);
        await expect(buy(deadline))
          .to.be.revertedWithCustomError(market, "DeadlineOutOfRange")
          .withArgs(deadline, now + 1, now + maxDelivery);
      }
      await zone.atTime(now);
      await buy(now + maxDelivery);
      const { deadline, deadlineSlot } = await market.deliveryOf(1);
      expect(Number(deadline)).to.equal(Math.ceil((now + maxDelivery) / D) * D);
      expect(Number(deadlineSlot)).to.equal(Number(deadline) / D - 1);
    });

    it("threat: price + fee above the limit by rounding: a buyer never pays more than the limit, grid fee included", async () => {
      const { market } = zone;
      const id = await zone.list(seller, { price: 100_000n });
      const allIn = 100_000n + gridFee;
      await expect(zone.buy(buyer, id, 10, slot + 1, allIn - 1n))
        .to.be.revertedWithCustomError(market, "PriceAboveLimit")
        .withArgs(allIn, allIn - 1n);
      await zone.buy(buyer, id, 10, slot + 1, allIn);
    });

    it("is impossible at a price that the tariff no longer allows", async () => {
      const { market, tariff, operator } = zone;
      const [low, high] = [await zone.list(seller, { price: feedIn }), await zone.list(seller, { price: HIGHEST })];
      await zone.at(slot, 10);
      await as(tariff, operator).setTariff(slot + 1, feedIn + 20_000n, retail, gridFee + 20_000n);
      await zone.buy(buyer, high, 10, slot + 2);
      expect((await market.deliveryOf(1)).gridFee).to.equal(gridFee);
      await abandon(1n);
      const now = Number(await zone.registry.currentSlot());
      for (const [id, price] of [
        [low, feedIn],
        [high, HIGHEST],
      ] as const) {
        await expect(zone.buy(buyer, id, 10, now + 2))
          .to.be.revertedWithCustomError(market, "PriceOutOfRange")
          .withArgs(price, feedIn + 20_000n, HIGHEST - 20_000n);
      }
    });

    it("is impossible after the meter has changed hands", async () => {
      const { market, registry, alice, carol } = zone;
      const id = await zone.list(seller);
      await as(registry, alice).transferMeter(seller.id, carol);
      await as(registry, carol).acceptMeter(seller.id);
      await expect(zone.buy(buyer, id, 10, slot + 1))
        .to.be.revertedWithCustomError(market, "ListingStale")
        .withArgs(id);
      expect((await market.listingOf(id)).account).to.equal(alice.address);
      // Nor does an offer come back to life with its meter.
      await as(registry, carol).transferMeter(seller.id, alice);
      await as(registry, alice).acceptMeter(seller.id);
      await expect(zone.buy(buyer, id, 10, slot + 1)).to.be.revertedWithCustomError(market, "ListingStale");
    });

    it("knows no offer that was not made", async () => {
      for (const id of [0n, 1n]) {
        await expect(zone.buy(buyer, id, 10, slot + 1))
          .to.be.revertedWithCustomError(zone.market, "ListingUnknown")
          .withArgs(id);
        await expect(zone.market.quote(id)).to.be.revertedWithCustomError(zone.market, "ListingUnknown");
      }
    });
  });

  describe("index price", () => {
    /** Supply and demand of a slot, two slots before the one the chain then stands in. */
    async function measured(supply: bigint, demand: bigint): Promise<number> {
      await zone.at(slot, 1);
      await zone.report(seller.restart(slot * D), buyer.restart(slot * D));
      await zone.at(slot + 1, 0);
      await zone.report(seller.step((slot + 1) * D, supply), buyer.step((slot + 1) * D, 0n, demand));
      return slot + 2;
    }

    it("makes the trade price, fixed at the purchase", async () => {
      const id = await zone.list(seller, { mode: PriceMode.Index, price: feedIn });
      const now = await measured(800n, 1_000n);
      await zone.at(now, 1);
      await zone.buy(buyer, id, 10, now + 3);
      expect((await zone.market.deliveryOf(1)).price).to.equal(93_750n);
      await zone.goTo(now + 2, 1);
      expect((await zone.market.deliveryOf(1)).price).to.equal(93_750n);
      expect(await zone.market.quote(id)).to.deep.equal([(feedIn + HIGHEST) / 2n, gridFee]);
    });

    it("never falls below the seller's floor", async () => {
      const id = await zone.list(seller, { mode: PriceMode.Index, price: 93_751n });
      const now = await measured(800n, 1_000n);
      await zone.goTo(now, 1);
      expect(await zone.market.quote(id)).to.deep.equal([93_751n, gridFee]);
    });

    it("never passes the buyer's limit, whatever it has risen to", async () => {
      const id = await zone.list(seller, { mode: PriceMode.Index, price: feedIn });
      const now = await measured(0n, 1_000n);
      await zone.at(now, 1);
      await expect(zone.buy(buyer, id, 10, now + 1, retail - 1n))
        .to.be.revertedWithCustomError(zone.market, "PriceAboveLimit")
        .withArgs(retail, retail - 1n);
      await zone.buy(buyer, id, 10, now + 1, retail);
      expect((await zone.market.deliveryOf(1)).price).to.equal(HIGHEST);
    });
  });

  describe("pause", () => {
    it("stops offers and purchases, and nothing else", async () => {
      const { zone: world, seller: source, buyer: sink, slot: begin, listingId } = await startDelivery();
      const { market, vault, guardian, alice, bob } = world;
      await expect(as(market, guardian).pause()).to.emit(market, "Paused").withArgs(guardian.address);
      await expect(world.list(source)).to.be.revertedWithCustomError(market, "EnforcedPause");
      await expect(world.buy(sink, listingId, 1, begin + 1)).to.be.revertedWithCustomError(market, "EnforcedPause");

      await world.at(begin + 1, 0);
      await world.report(source.step((begin + 1) * D, 400n), sink.step((begin + 1) * D, 0n, 400n));
      await expect(market.settle(1, begin)).to.emit(market, "DeliveryProgress");
      await as(market, alice).cancelListing(listingId);
      await world.at(begin + 1, 5);
      await as(market, bob).close(1);
      await world.at(begin + 2, 0);
      await world.report(source.step((begin + 2) * D), sink.step((begin + 2) * D));
      await expect(market.close(1)).to.emit(market, "DeliveryClosed");
      for (const account of [alice, bob]) await as(vault, account).withdraw(await vault.free(account), account);

      await expect(as(market, guardian).unpause()).to.emit(market, "Unpaused");
      await world.list(source);
    });

    it("is the guardian's alone", async () => {
      const { market, alice, operator, admin, guardian } = zone;
      for (const caller of [alice, operator, admin]) {
        await expect(as(market, caller).pause()).to.be.revertedWithCustomError(market, "AccessManagedUnauthorized");
        await expect(as(market, caller).unpause()).to.be.revertedWithCustomError(market, "AccessManagedUnauthorized");
      }
      await expect(as(market, guardian).unpause()).to.be.revertedWithCustomError(market, "ExpectedPause");
    });
  });

  it("knows nothing of a meter without trades", async () => {
    expect(await zone.market.recordOf(seller.id)).to.deep.equal([0n, 0n]);
    expect(await zone.market.openDeliveryOf(seller.id)).to.equal(0n);
  });
});
