import { expect } from "chai";
import type { Interface } from "ethers";
import { costUp, mulDivUp, paymentDown } from "@ioe/protocol";
import {
  ANY_PRICE,
  as,
  D,
  ethers,
  FUNDS,
  GRACE,
  Kind,
  type Meter,
  networkHelpers,
  Outcome,
  PARAMETERS,
  startDelivery,
  WINDOW,
  type Zone,
} from "./fixture.ts";

const UNITS = BigInt(PARAMETERS.unitsPerKWh);
const { gridFee } = PARAMETERS;

/** Where every base unit of a closed delivery went. */
function bill(energy: bigint, delivered: bigint, price: bigint) {
  const locked = costUp(energy, price + gridFee, UNITS);
  const cost = costUp(delivered, price + gridFee, UNITS);
  const paid = paymentDown(delivered, price, UNITS);
  const fee = paymentDown(delivered, price + gridFee, UNITS) - paid;
  return { locked, cost, paid, fee, refund: locked - cost, dust: cost - paid - fee };
}

/** Two integers in one draw, always the same ones (a multiplicative congruential generator). */
function numbers(seed: bigint): (below: bigint) => bigint {
  let state = seed;
  return (below) => {
    state = (state * 48_271n) % 2_147_483_647n;
    return state % below;
  };
}

describe("DirectMarket, settlement", () => {
  let zone: Zone;
  let seller: Meter;
  let buyer: Meter;
  let slot: number;
  let last: number;

  async function start(options?: Parameters<typeof startDelivery>[0]): Promise<void> {
    ({ zone, seller, buyer, slot, last } = await startDelivery(options));
  }

  const delivered = async (): Promise<bigint> => (await zone.market.deliveryOf(1)).delivered;

  /** Both meters at the end of a slot. */
  async function boundary(s: number, exported: bigint, imported: bigint): Promise<void> {
    await zone.at(s + 1, 0);
    await zone.report(seller.step((s + 1) * D, exported), buyer.step((s + 1) * D, 0n, imported));
  }

  async function expectBill(energy: bigint, got: bigint, price = 100_000n): Promise<void> {
    const { vault, market, alice, bob, gridOperator, dust } = zone;
    const { cost, paid, fee, dust: rest } = bill(energy, got, price);
    expect(await vault.free(alice), "seller").to.equal(paid);
    expect(await vault.free(bob), "buyer").to.equal(FUNDS - cost);
    expect(await vault.free(gridOperator), "grid operator").to.equal(fee);
    expect(await vault.free(dust), "dust").to.equal(rest);
    expect(await vault.pot(market), "pot").to.equal(0n);
    const [promised, kept] = await market.recordOf(seller.id);
    expect([promised, kept]).to.deep.equal([energy, got]);
  }

  describe("progress", () => {
    it("pays for what both meters have seen, as the readings come in", async () => {
      await start();
      const { market, vault, alice } = zone;
      await zone.at(slot, 30);
      await zone.report(seller.step(slot * D + 20, 200n), buyer.step(slot * D + 20, 0n, 199n));
      await expect(market.settle(1, slot)).to.emit(market, "DeliveryProgress").withArgs(1, slot, 200, 20_000n);
      expect(await vault.free(alice)).to.equal(20_000n);
      await expect(market.settle(1, slot)).not.to.emit(market, "DeliveryProgress");
      await boundary(slot, 300n, 301n);
      await expect(market.settle(1, slot)).to.emit(market, "DeliveryProgress").withArgs(1, slot, 500, 50_000n);
      const { delivered: got, paid } = await market.deliveryOf(1);
      expect([got, paid]).to.deep.equal([500n, 50_000n]);
      await boundary(slot + 1, 900n, 900n);
      await market.settle(1, slot + 1);
      expect(await delivered()).to.equal(1_000n);
    });

    it("waits for the slower witness", async () => {
      await start();
      await zone.at(slot, 30);
      await zone.report(seller.step(slot * D + 20, 200n));
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(0n);
      await zone.report(buyer.step(slot * D + 15, 0n, 100n));
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(103n);
    });

    it("grants the line its losses and no more", async () => {
      await start();
      await boundary(slot, 400n, 380n);
      await zone.market.settle(1, slot);
      // 380 Wh received prove ⌈380 × 1.03⌉ = 392 Wh sent.
      expect(await delivered()).to.equal(392n);
      expect(await zone.registry.unclaimedIn(seller.id, slot)).to.deep.equal([8n, 0n]);
      expect(await zone.registry.unclaimedIn(buyer.id, slot)).to.deep.equal([0n, 0n]);
    });

    it("takes of the buyer's import what stands behind the energy, and no more, step by step", async () => {
      await start();
      await zone.at(slot, 30);
      await zone.report(seller.step(slot * D + 20, 200n), buyer.step(slot * D + 20, 0n, 500n));
      await zone.market.settle(1, slot);
      // ⌊200 / 1.03⌋ = 194 Wh received stand behind 200 Wh sent, ⌊300 / 1.03⌋ = 291 Wh behind 300 Wh.
      expect(await zone.registry.unclaimedIn(buyer.id, slot)).to.deep.equal([0n, 306n]);
      await zone.report(seller.step(slot * D + 25, 100n));
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(300n);
      expect(await zone.registry.unclaimedIn(buyer.id, slot)).to.deep.equal([0n, 209n]);
    });

    it("pays for what was sent when the losses are smaller than allowed", async () => {
      await start();
      await boundary(slot, 400n, 398n);
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(400n);
      // ⌊400 / 1.03⌋ = 388 of the received Wh stand behind them.
      expect(await zone.registry.unclaimedIn(buyer.id, slot)).to.deep.equal([0n, 10n]);
    });

    it("never pays for more than was bought", async () => {
      await start({ energy: 500 });
      await boundary(slot, 800n, 800n);
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(500n);
      expect((await zone.registry.unclaimedIn(seller.id, slot)).exported).to.equal(300n);
      await zone.market.close(1);
      await expectBill(500n, 500n);
    });

    for (const [who, [exportedBefore, importedBefore], [exported, imported], agreed] of [
      ["seller's", [300n, 200n], [50n, 60n], 50n],
      // 50 Wh received prove ⌈51.5⌉.
      ["buyer's", [200n, 300n], [80n, 50n], 52n],
      ["seller's (by one unit)", [1n, 0n], [50n, 60n], 50n],
      ["buyer's (by one unit)", [0n, 1n], [80n, 50n], 52n],
    ] as const) {
      it(`does not count what flowed before the purchase, where the ${who} meter decides`, async () => {
        await start();
        await zone.market.connect(zone.bob).close(1);
        await boundary(slot, 100n, 100n);
        await zone.market.close(1);
        // A second purchase in the middle of the next slot, when both meters have booked something there already.
        const id = await zone.list(seller, { energy: 1_000 });
        await zone.at(slot + 1, 30);
        const at30 = (slot + 1) * D + 30;
        await zone.report(seller.step(at30, exportedBefore), buyer.step(at30, 0n, importedBefore));
        await zone.buy(buyer, id, 1_000, slot + 3);
        await boundary(slot + 1, exported, imported);
        for (let i = 0; i < 2; i++) await zone.market.settle(2, slot + 1);
        expect((await zone.market.deliveryOf(2)).delivered).to.equal(agreed);
        // The next slot counts from its start.
        await boundary(slot + 2, exported, imported);
        await zone.market.settle(2, slot + 2);
        expect((await zone.market.deliveryOf(2)).delivered).to.equal(2n * agreed);
      });
    }

    it("does not count what somebody else has claimed", async () => {
      await start();
      await boundary(slot, 400n, 400n);
      await as(zone.energyToken, zone.alice).mintUnsold(seller.id, slot, 150);
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(250n);
      await as(zone.registry, zone.marketAdmin).addMarket(zone.carol);
      await boundary(slot + 1, 100n, 100n);
      await as(zone.registry, zone.carol).claimImport(buyer.id, slot + 1, 90);
      await zone.market.settle(1, slot + 1);
      // 10 Wh received prove ⌈10.3⌉.
      expect(await delivered()).to.equal(261n);
    });

    it("can be asked for by anybody, only for the slots of an open delivery", async () => {
      await start();
      const { market } = zone;
      for (const s of [0, slot - 1, last + 1, 2 ** 40 - 1]) {
        await expect(market.settle(1, s))
          .to.be.revertedWithCustomError(market, "SlotOutOfRange")
          .withArgs(s, slot, last);
      }
      await market.settle(1, last);
      await expect(market.settle(2, slot)).to.be.revertedWithCustomError(market, "DeliveryUnknown").withArgs(2);
      await expect(market.settle(0, slot)).to.be.revertedWithCustomError(market, "DeliveryUnknown");
      await zone.at(last + 1, GRACE + 1);
      await market.close(1);
      await expect(market.settle(1, slot)).to.be.revertedWithCustomError(market, "DeliveryIsClosed").withArgs(1);
    });

    it("pays the account that listed, even after the meter has changed hands", async () => {
      await start();
      await as(zone.registry, zone.alice).transferMeter(seller.id, zone.carol);
      await as(zone.registry, zone.carol).acceptMeter(seller.id);
      await boundary(slot, 1_000n, 1_000n);
      await zone.market.close(1);
      await expectBill(1_000n, 1_000n);
      expect(await zone.vault.free(zone.carol)).to.equal(0n);
    });

    for (const [kind, tokens] of [
      [Kind.Solar, 970n],
      [Kind.Battery, 970n],
    ] as const) {
      it(`gives the buyer ${tokens} certificates of a source of kind ${kind}`, async () => {
        await start({ kind });
        await boundary(slot, 970n, 970n);
        await zone.market.settle(1, slot);
        const id = await zone.energyToken.idOf(slot, kind);
        expect(await zone.energyToken.balanceOf(zone.bob, id)).to.equal(tokens);
      });
    }
  });

  describe("close", () => {
    it("by anybody as soon as all is delivered", async () => {
      await start();
      await boundary(slot, 1_000n, 1_000n);
      const { cost, paid, fee } = bill(1_000n, 1_000n, 100_000n);
      const close = as(zone.market, zone.stranger).close(1);
      await expect(close).to.emit(zone.market, "DeliveryClosed").withArgs(1, 1_000, Outcome.Complete);
      await expect(close).to.emit(zone.market, "DeliveryBilled").withArgs(1, cost, paid, fee, 0);
      await expect(close).not.to.emit(zone.market, "DeliveryEnding");
      await expectBill(1_000n, 1_000n);
      const { closed, paid: shown, delivered: got } = await zone.market.deliveryOf(1);
      expect([closed, shown, got]).to.deep.equal([true, paid, 1_000n]);
      await expect(zone.market.close(1)).to.be.revertedWithCustomError(zone.market, "DeliveryIsClosed").withArgs(1);
    });

    it("by anybody when both meters are past the deadline, settling every slot itself", async () => {
      await start();
      for (const s of [slot, slot + 1, slot + 2]) await boundary(s, 100n, 100n);
      const close = as(zone.market, zone.stranger).close(1);
      await expect(close).to.emit(zone.market, "DeliveryClosed").withArgs(1, 300, Outcome.Short);
      await expectBill(1_000n, 300n);
    });

    it("by anybody too early is refused, and nothing has happened", async () => {
      await start();
      const { market, stranger } = zone;
      await boundary(slot, 100n, 100n);
      await expect(as(market, stranger).close(1))
        .to.be.revertedWithCustomError(market, "DeliveryNotDue")
        .withArgs(1, (last + 1) * D);
      expect(await delivered()).to.equal(0n);
      // Past the deadline, but one meter may still report.
      await zone.at(last + 1, 0);
      await zone.report(seller.step((last + 1) * D));
      await expect(as(market, stranger).close(1)).to.be.revertedWithCustomError(market, "DeliveryNotDue");
      await zone.at(last + 1, GRACE);
      await expect(as(market, stranger).close(1)).to.be.revertedWithCustomError(market, "DeliveryNotDue");
      await zone.at(last + 1, GRACE + 1);
      await as(market, stranger).close(1);
    });

    it("of nothing at all is refused", async () => {
      await start();
      for (const id of [0, 2]) {
        await expect(zone.market.close(id)).to.be.revertedWithCustomError(zone.market, "DeliveryUnknown").withArgs(id);
      }
    });

    for (const who of [
      ...["buyer", "buyer without the meter", "buyer's trader"],
      ...["seller", "seller without the meter", "seller's trader", "new owner of the seller's meter"],
    ]) {
      it(`by the ${who} ends the delivery with the current slot`, async () => {
        await start();
        const { market, registry, alice, bob, carol } = zone;
        if (who === "buyer's trader") await as(registry, bob).setTrader(buyer.id, carol);
        if (who === "seller's trader") await as(registry, alice).setTrader(seller.id, carol);
        if (who.includes("meter")) {
          const [owner, { id }] = who.startsWith("buyer") ? [bob, buyer] : [alice, seller];
          await as(registry, owner).transferMeter(id, carol);
          await as(registry, carol).acceptMeter(id);
        }
        const party = /^buyer\b(?!')/.test(who) ? bob : /^seller\b(?!')/.test(who) ? alice : carol;
        await boundary(slot, 100n, 100n);
        await zone.at(slot + 1, 30);
        await expect(as(market, party).close(1))
          .to.emit(market, "DeliveryEnding")
          .withArgs(1, (slot + 2) * D, party.address);
        // What the current slot still brings counts, what comes after it does not.
        expect(await delivered()).to.equal(100n);
        expect((await market.deliveryOf(1)).deadlineSlot).to.equal(BigInt(slot + 1));
        await boundary(slot + 1, 50n, 50n);
        await expect(market.settle(1, slot + 2)).to.be.revertedWithCustomError(market, "SlotOutOfRange");
        await boundary(slot + 2, 70n, 70n);
        await expect(market.close(1)).to.emit(market, "DeliveryClosed").withArgs(1, 150, Outcome.Short);
        await expectBill(1_000n, 150n);
      });
    }

    it("by a party at once, when both meters are past the current slot already", async () => {
      await start();
      await boundary(slot, 300n, 300n);
      await zone.at(slot + 1, 0);
      await expect(as(zone.market, zone.bob).close(1))
        .to.emit(zone.market, "DeliveryClosed")
        .withArgs(1, 300, Outcome.Short);
    });

    it("by a party a second time does not shorten or prolong it", async () => {
      await start();
      await zone.at(slot, 30);
      await as(zone.market, zone.bob).close(1);
      await zone.at(slot, 40);
      await expect(as(zone.market, zone.alice).close(1)).not.to.emit(zone.market, "DeliveryEnding");
      await zone.at(slot + 1, 30);
      await as(zone.market, zone.alice).close(1);
      const { deadlineSlot, closed } = await zone.market.deliveryOf(1);
      expect([deadlineSlot, closed]).to.deep.equal([BigInt(slot), false]);
    });

    it("gives the whole lock back when nothing has flowed", async () => {
      await start();
      await zone.at(last + 1, GRACE + 1);
      const close = zone.market.close(1);
      await expect(close).to.emit(zone.market, "DeliveryClosed").withArgs(1, 0, Outcome.Nothing);
      await expectBill(1_000n, 0n);
    });

    it("gives back to the offer what was not delivered, which others can then buy", async () => {
      await start({ energy: 1_000, offered: 1_500 });
      await boundary(slot, 300n, 300n);
      await zone.at(slot + 1, 5);
      await as(zone.market, zone.alice).close(1);
      await boundary(slot + 1, 0n, 0n);
      await zone.market.close(1);
      expect((await zone.market.listingOf(1)).energy).to.equal(1_200n);
      await zone.buy(buyer, 1n, 1_200, slot + 3);
    });

    it("keeps a record of what the seller promised and delivered over all deliveries", async () => {
      await start({ energy: 1_000, offered: 1_500 });
      for (const s of [slot, slot + 1, slot + 2]) await boundary(s, 100n, 100n);
      await zone.market.close(1);
      await zone.at(slot + 3, 5);
      await zone.buy(buyer, 1n, 400, slot + 3);
      // What is still open is on nobody's record.
      expect(await zone.market.recordOf(seller.id)).to.deep.equal([1_000n, 300n]);
      await boundary(slot + 3, 400n, 400n);
      await zone.market.close(2);
      expect(await zone.market.recordOf(seller.id)).to.deep.equal([1_400n, 700n]);
      expect(await zone.market.recordOf(buyer.id)).to.deep.equal([0n, 0n]);
    });

    it("threat: stuck escrow: after the claim window what was settled stays, the rest is refunded", async () => {
      await start();
      await boundary(slot, 100n, 100n);
      await zone.market.settle(1, slot);
      await boundary(slot + 1, 200n, 200n);
      // Nobody settled the second slot in time. By then the ring has reused the words of all of them.
      const ring = Number(await zone.registry.ringSlots());
      const later = slot + ring;
      await zone.at(later + 3, 0);
      await zone.report(seller.restart(later * D), buyer.restart(later * D));
      for (const s of [later, later + 1, later + 2]) {
        await zone.report(seller.step((s + 1) * D, 1n), buyer.step((s + 1) * D, 0n, 1n));
      }
      await zone.at(slot + 9, WINDOW + 1);
      await expect(zone.market.settle(1, slot + 1)).not.to.emit(zone.market, "DeliveryProgress");
      await zone.market.close(1);
      await expectBill(1_000n, 100n);
      const years = (await networkHelpers.time.latest()) + 10 * 365 * 86_400;
      await zone.atTime(years);
      await as(zone.vault, zone.bob).withdraw(await zone.vault.free(zone.bob), zone.bob);
    });

    it("settles what is booked up to the last second of the claim window, and closes without it afterwards", async () => {
      await start();
      await boundary(slot, 100n, 100n);
      await boundary(slot + 1, 200n, 200n);
      await zone.at(slot + 1, WINDOW);
      await expect(zone.market.settle(1, slot))
        .to.emit(zone.market, "DeliveryProgress")
        .withArgs(1, slot, 100, 10_000n);
      await zone.at(slot + 2, WINDOW + 1);
      await expect(zone.market.settle(1, slot + 1)).not.to.emit(zone.market, "DeliveryProgress");
      await zone.market.close(1);
      await expectBill(1_000n, 100n);
    });
  });

  describe("silent witnesses", () => {
    it("threat: silent witness: a silent buyer agrees with the seller once the slot is final, not before", async () => {
      await start();
      await zone.at(slot + 1, 0);
      await zone.report(seller.step((slot + 1) * D, 400n));
      await zone.at(slot + 1, GRACE);
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(0n);
      await zone.at(slot + 1, GRACE + 1);
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(400n);
    });

    it("buyer: a restart in the middle of a slot is silence about that slot", async () => {
      await start();
      await zone.at(slot + 1, 0);
      await zone.report(
        seller.step((slot + 1) * D, 400n),
        buyer.restart(slot * D + 30, 0n, 200n),
        buyer.step((slot + 1) * D, 0n, 190n),
      );
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(400n);
    });

    it("threat: silent witness: a silent seller agrees with what arrived, without any line loss on top", async () => {
      await start();
      await zone.at(slot + 1, 0);
      await zone.report(buyer.step((slot + 1) * D, 0n, 400n));
      await zone.at(slot + 1, GRACE);
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(0n);
      await zone.at(slot + 1, GRACE + 1);
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(400n);
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(400n);
    });

    it("seller: certificates are minted only for what the seller's own meter booked", async () => {
      await start();
      await zone.at(slot + 1, 0);
      await zone.report(seller.step(slot * D + 20, 150n), buyer.step((slot + 1) * D, 0n, 400n));
      await zone.at(slot + 1, GRACE + 1);
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(400n);
      const id = await zone.energyToken.idOf(slot, Kind.Battery);
      expect(await zone.energyToken.totalSupply(id)).to.equal(150n);
    });

    it("threat: silent witness: nothing is paid that neither has seen", async () => {
      await start();
      await zone.at(slot + 1, GRACE + 1);
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(0n);
      await zone.at(last + 1, GRACE + 1);
      await zone.market.close(1);
      await expectBill(1_000n, 0n);
    });

    it("both: what both saw before they fell silent still counts", async () => {
      await start();
      await zone.at(slot, 30);
      await zone.report(seller.step(slot * D + 20, 150n), buyer.step(slot * D + 20, 0n, 148n));
      await zone.at(slot + 1, GRACE + 1);
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(150n);
    });

    it("cannot take back what was paid while they spoke", async () => {
      await start();
      await zone.at(slot, 30);
      await zone.report(seller.step(slot * D + 20, 103n), buyer.step(slot * D + 20, 0n, 100n));
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(103n);
      await zone.at(slot + 1, 0);
      await zone.report(buyer.step((slot + 1) * D, 0n, 1n));
      await zone.at(slot + 1, GRACE + 1);
      await zone.market.settle(1, slot);
      expect(await delivered()).to.equal(103n);
    });
  });

  describe("money", () => {
    it("threat: rounding drain over many small steps and many orders: every base unit of small steps is accounted for", async () => {
      const next = numbers(20_261_123n);
      for (let round = 0; round < 12; round++) {
        const energy = 1n + next(5_000n);
        const price = PARAMETERS.feedIn + next(PARAMETERS.retail - gridFee - PARAMETERS.feedIn + 1n);
        const plan: [bigint, bigint][] = [];
        for (let i = 0; i < 6; i++) {
          const sent = next((energy * 2n) / 6n + 2n);
          plan.push([sent, sent - (sent * next(5n)) / 100n]);
        }
        const results = [];
        for (const stepwise of [true, false]) {
          await start({ energy: Number(energy), price });
          for (const [i, [sent, received]] of plan.entries()) {
            const s = slot + Math.floor(i / 2);
            const takenAt = i % 2 ? (s + 1) * D : s * D + 20;
            await zone.atTime(takenAt);
            await zone.report(seller.step(takenAt, sent), buyer.step(takenAt, 0n, received));
            if (stepwise) await zone.market.settle(1, s);
          }
          await zone.market.close(1);
          const got = await delivered();
          await expectBill(energy, got, price);
          results.push(got);
        }
        // Both meters were complete: the sum over the slots of what both saw, and the same however often it was settled.
        let agreed = 0n;
        for (let i = 0; i < 6; i += 2) {
          const [sent, received] = [plan[i]![0] + plan[i + 1]![0], plan[i]![1] + plan[i + 1]![1]];
          const proven = mulDivUp(received, 10_300n, 10_000n);
          agreed += sent < proven ? sent : proven;
        }
        const expected = agreed < energy ? agreed : energy;
        expect(results, `round ${round}`).to.deep.equal([expected, expected]);
        const { dust, cost, paid, fee } = bill(energy, expected, price);
        expect(dust === 0n || dust === 1n).to.equal(true);
        expect(cost).to.equal(paid + fee + dust);
      }
    });

    it("of one unit at an odd price still adds up", async () => {
      await start({ energy: 1, price: 80_001n });
      expect((await zone.market.deliveryOf(1)).locked).to.equal(101n);
      await boundary(slot, 1n, 1n);
      await zone.market.close(1);
      // 100.001 base units: the seller gets 80, the grid 20, and the buyer pays 101.
      await expectBill(1n, 1n, 80_001n);
      expect(await zone.vault.free(zone.dust)).to.equal(1n);
    });
  });

  describe("receivers of certificates", () => {
    const Mood = { Accept: 0, Refuse: 1, BurnGas: 2, ReturnBomb: 3 } as const;

    /** A delivery whose buyer is a contract. */
    async function startWithContract(slots = 2) {
      await start();
      await zone.at(last + 1, GRACE + 1);
      await zone.market.close(1);
      const { receiver: account, meter, act } = await zone.addReceiver();
      const begin = await zone.nextSlot();
      await zone.at(begin, 1);
      await zone.report(seller.restart(begin * D), meter.restart(begin * D));
      await act(zone.market, "buy", [1n, meter.id, 1_000, ANY_PRICE, (begin + slots) * D]);
      [buyer, slot, last] = [meter, begin, begin + slots - 1];
      const id = await zone.energyToken.idOf(slot, Kind.Battery);
      return { account, act, id };
    }

    for (const [what, mood] of [
      ["refuses", Mood.Refuse],
      ["burns gas", Mood.BurnGas],
      ["answers with a flood of data", Mood.ReturnBomb],
    ] as const) {
      it(`that ${what} blocks no payment, and its certificates wait for it`, async () => {
        const { account, id } = await startWithContract();
        const before = await zone.vault.free(zone.alice);
        await account.setMood(mood);
        await boundary(slot, 400n, 400n);
        await expect(zone.market.settle(2, slot)).to.emit(zone.energyToken, "Held").withArgs(account.target, id, 400);
        await boundary(slot + 1, 300n, 300n);
        await zone.market.close(2);
        expect((await zone.vault.free(zone.alice)) - before).to.equal(70_000n);
        expect(await zone.vault.free(account)).to.equal(FUNDS - costUp(700n, 120_000n, UNITS));
        expect(await zone.energyToken.held(account, id)).to.equal(700n);
        await account.setMood(Mood.Accept);
        await zone.energyToken.release(account, id);
        expect(await zone.energyToken.balanceOf(account, id)).to.equal(700n);
      });
    }

    it("threat: reentrant token and receiver: one that calls back cannot settle, close or buy in the middle of a settlement", async () => {
      const { account, id } = await startWithContract();
      const { market, vault } = zone;
      const calls: [string, unknown[]][] = [
        ["settle", [2n, slot]],
        ["close", [2n]],
        ["buy", [1n, buyer.id, 1, ANY_PRICE, (slot + 2) * D]],
      ];
      for (const [i, [name, args]] of calls.entries()) {
        const data = (market.interface as Interface).encodeFunctionData(name, args);
        await account.arm(market, data);
        const takenAt = slot * D + 10 * (i + 1);
        await zone.atTime(takenAt);
        await zone.report(seller.step(takenAt, 10n), buyer.step(takenAt, 0n, 10n));
        await zone.market.settle(2, slot);
        expect(await account.succeeded(), name).to.equal(false);
        expect(await account.returned()).to.equal(ethers.id("ReentrancyGuardReentrantCall()").slice(0, 10));
      }
      expect(await zone.energyToken.balanceOf(account, id)).to.equal(30n);
      expect((await market.deliveryOf(2)).delivered).to.equal(30n);
      const locked = (await market.deliveryOf(2)).locked;
      expect(await vault.pot(market)).to.equal(locked - 3_000n);
    });

    it("that burns gas cannot make the close of the longest delivery too big for a transaction", async () => {
      const slots = PARAMETERS.maxDelivery / D;
      const { account } = await startWithContract(slots);
      await account.setMood(Mood.BurnGas);
      for (let s = slot; s <= last; s++) await boundary(s, 60n, 60n);
      const receipt = await (await zone.market.close(2)).wait();
      // EIP-7825: no transaction may ask for more than 2²⁴ gas.
      expect(Number(receipt!.gasUsed)).to.be.lessThan(2 ** 24 / 2);
      expect((await zone.market.deliveryOf(2)).delivered).to.equal(BigInt(slots) * 60n);
    });

    it("that withdraws its free money in the middle of a settlement takes only what is its own", async () => {
      const { account } = await startWithContract();
      const { market, vault, money } = zone;
      const free = await vault.free(account);
      await account.arm(vault, vault.interface.encodeFunctionData("withdraw", [free, account.target]));
      await boundary(slot, 400n, 400n);
      await market.settle(2, slot);
      expect(await account.succeeded()).to.equal(true);
      await boundary(slot + 1, 0n, 0n);
      await market.close(2);
      expect(await money.balanceOf(account)).to.equal(free);
      expect(await vault.free(account)).to.equal(FUNDS - free - costUp(400n, 120_000n, UNITS));
    });
  });
});
