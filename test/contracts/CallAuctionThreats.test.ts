/** What somebody could try against the auction, by name. */
import { expect } from "chai";
import { as, D, ethers, FUNDS, GRACE, type Meter, networkHelpers, PARAMETERS, WINDOW } from "./fixture.ts";
import { clear, lockOf, type Order, priceOf, settle as reference } from "./auction-reference.ts";
import {
  ask,
  type AuctionZone,
  bid,
  deployTraders,
  eventsOf,
  GATE,
  locksOf,
  orderId,
  RULES,
  Status,
} from "./auction-zone.ts";

const fee = RULES.feeTicks;

describe("CallAuction, threats", () => {
  let zone: AuctionZone;
  let seller: Meter;
  let buyer: Meter;
  let slot: number;
  let tradeIn: Awaited<ReturnType<typeof deployTraders>>["trade"];
  let sale: Order;
  let purchase: Order;

  beforeEach(async () => {
    ({ zone, seller, buyer, slot, trade: tradeIn } = await deployTraders());
    sale = ask(seller, 20, 1_000);
    purchase = bid(buyer, 60, 1_000);
  });

  /** 1,000 units at tick 35, sold by alice to bob. */
  const trade = (): Promise<void> => tradeIn(slot, [sale], purchase);

  const gains = async () => ({
    alice: (await zone.vault.free(zone.alice)) - FUNDS,
    bob: (await zone.vault.free(zone.bob)) - FUNDS,
    pot: await zone.vault.pot(zone.auction),
  });
  const price = priceOf(35, RULES);
  const gridFee = PARAMETERS.gridFee;

  it("threat: early finalize: nobody closes the sellers' side while an accepted ask can still deliver", async () => {
    const { auction } = zone;
    await trade();
    const notYet = () => expect(auction.finalize(slot)).to.be.revertedWithCustomError(auction, "NotFinalizable");
    await notYet();
    await zone.at(slot + 1, GRACE + 10);
    await notYet();
    await zone.settle(slot, purchase);
    expect((await auction.auctionOf(slot)).status).to.equal(Status.Cleared);
    await zone.atTime((slot + 1) * D + WINDOW);
    await notYet();
    await zone.atTime((slot + 1) * D + WINDOW + 1);
    await expect(auction.finalize(slot)).to.emit(auction, "SlotFinalized").withArgs(slot, 0, 0, 0);
  });

  it("threat: late cancel: after gate closure an order stands, cleared or not", async () => {
    const { auction, alice } = zone;
    await zone.place(slot, alice, sale);
    await zone.at(slot, -GATE);
    const cancel = () => as(auction, alice).cancelOrders([orderId(slot, sale)]);
    await expect(cancel()).to.be.revertedWithCustomError(auction, "GateClosed");
    await zone.at(slot + 9, 0);
    await expect(cancel()).to.be.revertedWithCustomError(auction, "GateClosed");
  });

  it("early settlement: a seller cannot be fined before his readings are final", async () => {
    const { registry, auction } = zone;
    await trade();
    await zone.at(slot, 0);
    await zone.report(seller.restart(slot * D));
    await zone.at(slot + 1, 30);
    await zone.settle(slot, sale, purchase);
    expect((await auction.orderOf(orderId(slot, sale))).energy).to.equal(1_000n);
    await zone.report(seller.step((slot + 1) * D, 1_000n));
    expect(await registry.isFinal(seller.id, slot)).to.equal(true);
    await zone.settle(slot, sale, purchase);
    expect(await gains()).to.deep.equal({ alice: price, bob: -price - gridFee, pot: 0n });
  });

  it("a silent seller pays for everything, and the buyer is where he would have been", async () => {
    await trade();
    await zone.at(slot + 1, GRACE + 1);
    await zone.settle(slot, sale, purchase);
    const forgone = PARAMETERS.retail - gridFee - price;
    // 1,000 units at retail elsewhere, less this, is price + fee.
    expect(await gains()).to.deep.equal({ alice: -forgone, bob: forgone, pot: 0n });
  });

  it("threat: stuck escrow: when nobody settles within W, bond and lock come back and nothing is paid", async () => {
    const { auction } = zone;
    await trade();
    await zone.measure(slot, [[seller, 1_000]]);
    await zone.atTime((slot + 1) * D + WINDOW + 1);
    await zone.settle(slot, purchase, sale);
    expect((await auction.auctionOf(slot)).status).to.equal(Status.Finalized);
    expect(await gains()).to.deep.equal({ alice: 0n, bob: 0n, pot: 0n });
  });

  it("threat: stuck escrow: unknown, settled and foreign ids in a batch do no harm", async () => {
    const { auction, stranger } = zone;
    await trade();
    await zone.measure(slot, [[seller, 1_000]]);
    const noise = [0n, 2n ** 256n - 1n, orderId(slot, bid(buyer, 61, 1)), (9n << 8n) | orderId(slot, sale)];
    const ids = [sale, purchase, sale, purchase].map((order) => orderId(slot, order));
    await as(auction, stranger).settle([...noise, ...ids, ...noise]);
    expect((await gains()).pot).to.equal(0n);
  });

  it("threat: stuck escrow: an ask the clearing left out does not hold the slot up", async () => {
    const { auction, alice } = zone;
    const idle = ask(seller, 100, 1_000);
    await zone.place(slot, alice, idle);
    await as(auction, alice).placeOrders([{ slot, ...sale }]);
    await as(auction, zone.bob).placeOrders([{ slot, ...purchase }]);
    await zone.clear(slot);
    await zone.measure(slot, [[seller, 1_000]]);
    await zone.settle(slot, sale, purchase);
    expect((await auction.auctionOf(slot)).openBids).to.equal(0n);
    expect(await zone.vault.pot(auction)).to.equal(lockOf(idle, RULES));
    await zone.settle(slot, idle);
    expect(await zone.vault.pot(auction)).to.equal(0n);
  });

  it("threat: double sale of one kWh across both markets: what the direct market has claimed cannot settle an ask", async () => {
    const { registry, market, alice, vault } = zone;
    await trade();
    const listing = await zone.list(seller, { energy: 400, price: 100_000n });
    await zone.at(slot, 0);
    await zone.report(seller.restart(slot * D), buyer.restart(slot * D));
    await zone.at(slot, 1);
    await zone.buy(buyer, listing, 400, slot);
    await zone.at(slot + 1, 0);
    await zone.report(seller.step((slot + 1) * D, 1_000n), buyer.step((slot + 1) * D, 0n, 1_000n));
    await market.close(1);
    const direct = await vault.free(alice);
    await zone.settle(slot, sale);
    const forgone = (400n * (PARAMETERS.retail - gridFee - price)) / 1_000n;
    const paid = (600n * price) / 1_000n;
    expect((await vault.free(alice)) - direct).to.equal(paid - forgone + lockOf(sale, RULES));
    expect((await registry.unclaimedIn(seller.id, slot)).exported).to.equal(0n);
  });

  it("threat: double sale of one kWh: two asks of one meter cannot both be paid with it", async () => {
    const { auction, alice } = zone;
    const twice = ask(seller, 21, 1_000);
    const large = bid(buyer, 60, 2_000);
    await zone.place(slot, alice, sale, twice);
    await as(auction, zone.bob).placeOrders([{ slot, ...large }]);
    await zone.clear(slot);
    await zone.measure(slot, [[seller, 1_000]]);
    await zone.settle(slot, sale, twice, large);
    expect((await auction.auctionOf(slot)).delivered).to.equal(1_000n);
    expect((await gains()).pot).to.equal(0n);
  });

  it("threat: rounding drain over many small steps and many orders: a hundred odd orders cost the pot nothing and leave less than two units each", async () => {
    const { auction, vault, alice, dust, gridOperator } = zone;
    const meters = await zone.addMeters(25);
    const orders = meters.flatMap((meter, i) => [
      ask(meter, 20 + (i % 3), 11 + ((i * 7) % 23)),
      ask(meter, 30, 11 + ((i * 5) % 13)),
      bid(meter, 60, 11 + ((i * 3) % 29)),
      bid(meter, 50, 11 + ((i * 11) % 17)),
    ]);
    await zone.place(slot, alice, ...orders);
    await zone.clear(slot);
    const exports = new Map(meters.map(({ id }, i) => [id, BigInt((i * 13) % 41)]));
    await zone.measure(
      slot,
      meters.map((meter) => [meter, exports.get(meter.id)!]),
    );
    await zone.settle(slot, ...orders);
    await zone.settle(slot, ...orders);
    const expected = reference(orders, clear(orders, RULES), exports, RULES);
    expect(await vault.pot(auction)).to.equal(0n);
    expect(await vault.free(dust)).to.equal(expected.dust);
    expect(await vault.free(gridOperator)).to.equal(expected.gridFee);
    expect(expected.dust).to.be.lessThan(BigInt(2 * orders.length));
  });

  it("threat: price + fee above the limit by rounding: a bid never pays more than its lock", async () => {
    const { auction } = zone;
    purchase = bid(buyer, 20 + fee, 999);
    sale = ask(seller, 20, 1_333);
    await trade();
    await zone.measure(slot, [[seller, 999]]);
    await zone.settle(slot, sale);
    const receipt = await (await zone.settle(slot, purchase)).wait();
    const [settled] = eventsOf(receipt, auction, "OrderSettled");
    expect(settled!.money).to.equal(lockOf(purchase, RULES));
    expect((await gains()).bob).to.equal(-lockOf(purchase, RULES));
  });

  it("threat: dust griefing: orders below the smallest one are refused, and dust at the margin delays nobody", async () => {
    const { auction, alice, bob } = zone;
    const [dusty] = await zone.addMeters(1);
    const crumbs = Array.from({ length: 40 }, (_, i) => ask(dusty!, 70 + i, PARAMETERS.minOrder));
    await expect(zone.place(slot, alice, ask(dusty!, 70, PARAMETERS.minOrder - 1))).to.be.revertedWithCustomError(
      auction,
      "EnergyOutOfRange",
    );
    await zone.place(slot, alice, sale, ...crumbs);
    await as(auction, bob).placeOrders([{ slot, ...purchase }]);
    await zone.clear(slot);
    await zone.measure(slot, [[seller, 1_000]]);
    await zone.settle(slot, sale, purchase);
    expect(await zone.vault.pot(auction)).to.equal(locksOf(crumbs));
    expect((await auction.auctionOf(slot)).balance).to.equal(0n);
  });

  it("threat: tick overflow: a full tick refuses an order and says so", async () => {
    const harness = await ethers.deployContract("TickBookHarness");
    const most = 2n ** 32n - 1n;
    await harness.replace(9, 0n, most - 5n);
    await harness.replace(8, 0n, most);
    await harness.replace(9, 3n, 8n);
    await expect(harness.replace(9, 0n, 1n))
      .to.be.revertedWithCustomError(harness, "TickFull")
      .withArgs(9n, most, 1n);
    await expect(harness.replace(9, 1n, 2n)).to.be.revertedWithCustomError(harness, "TickFull");
    await expect(harness.replace(10, 1n, 2n)).to.be.revertedWithPanic(0x11);
    expect([await harness.totalAt(8), await harness.totalAt(9), await harness.totalAt(10)]).to.deep.equal([
      most,
      most,
      0n,
    ]);
  });

  it("threat: open-slot tariff change: an open slot keeps the tariff of its first order", async () => {
    const { auction, tariff, operator } = zone;
    await zone.place(slot + 1, zone.alice, sale);
    await as(tariff, operator).setTariff(slot + 1, 100_000n, 200_000n, 60_000n);
    await as(auction, zone.bob).placeOrders([{ slot: slot + 1, ...purchase }]);
    const { feedInTick, retailTick, feeTicks } = await auction.auctionOf(slot + 1);
    expect([feedInTick, retailTick, feeTicks].map(Number)).to.deep.equal([RULES.feedInTick, RULES.retailTick, fee]);
    await expect(as(auction, zone.bob).placeOrders([{ slot: slot + 2, ...purchase }]))
      .to.emit(auction, "SlotOpened")
      .withArgs(slot + 2, 100_000n, 200_000n, 60_000n);
    slot += 1;
    await zone.clear(slot);
    await zone.measure(slot, [[seller, 1_000]]);
    await zone.settle(slot, sale, purchase);
    expect(await gains()).to.deep.include({ alice: price, pot: lockOf({ ...purchase }, RULES) });
  });

  it("threat: market locking money of an account that never allowed it: not even through its trader", async () => {
    const { auction, registry, vault, carol, stranger } = zone;
    await zone.fund(carol, FUNDS);
    await as(vault, carol).setAllowed(auction, false);
    const meter = await zone.addMeter(carol);
    await as(registry, carol).setTrader(meter.id, stranger);
    await expect(as(auction, stranger).placeOrders([{ slot, ...bid(meter, 60, 100) }]))
      .to.be.revertedWithCustomError(vault, "MarketNotAllowed")
      .withArgs(carol.address, auction.target);
    expect(await vault.free(carol)).to.equal(FUNDS);
  });

  describe("hostile receivers", () => {
    /** A purchase by a contract that receives certificates as it likes. */
    async function hostileTrade() {
      const { receiver, meter, act } = await zone.addReceiver();
      purchase = bid(meter, 60, 1_000);
      await zone.place(slot, zone.alice, sale);
      await act(zone.auction, "placeOrders", [[{ slot, ...purchase }]]);
      await zone.clear(slot);
      await zone.measure(slot, [[seller, 1_000]]);
      return receiver;
    }

    for (const [mood, name] of [
      [1, "refuses"],
      [2, "burns all its gas"],
      [3, "answers with a bomb"],
    ] as const) {
      it(`one that ${name} blocks nobody; its certificates wait`, async () => {
        const receiver = await hostileTrade();
        await receiver.setMood(mood);
        await zone.settle(slot, sale, purchase);
        expect(await zone.vault.pot(zone.auction)).to.equal(0n);
        expect(await zone.vault.free(receiver)).to.equal(FUNDS - price - gridFee);
        const id = await zone.energyToken.idOf(slot, 255);
        expect(await zone.energyToken.held(receiver, id)).to.equal(1_000n);
      });
    }

    it("threat: reentrant token and receiver: one that calls back into the auction is not let in", async () => {
      const receiver = await hostileTrade();
      const { auction } = zone;
      const again = auction.interface.encodeFunctionData("settle", [[orderId(slot, purchase)]]);
      await receiver.arm(await auction.getAddress(), again);
      await zone.settle(slot, sale, purchase);
      expect(await receiver.succeeded()).to.equal(false);
      expect(await receiver.returned()).to.equal(auction.interface.encodeErrorResult("ReentrancyGuardReentrantCall"));
      expect(await zone.vault.pot(auction)).to.equal(0n);
    });
  });

  it("threat: admin abuse: the guardian's pause stops new orders and nothing else", async () => {
    const { auction, guardian, alice, operator } = zone;
    const idle = ask(seller, 100, 10);
    await zone.place(slot, alice, sale);
    await as(auction, zone.bob).placeOrders([{ slot, ...purchase }]);
    await as(auction, alice).placeOrders([{ slot: slot + 2, ...idle }]);
    await expect(as(auction, operator).pause()).to.be.revertedWithCustomError(auction, "AccessManagedUnauthorized");
    await as(auction, guardian).pause();
    await expect(as(auction, alice).placeOrders([{ slot: slot + 3, ...idle }])).to.be.revertedWithCustomError(
      auction,
      "EnforcedPause",
    );
    await as(auction, alice).cancelOrders([orderId(slot + 2, idle)]);
    await expect(zone.clear(slot)).to.emit(auction, "SlotCleared").withArgs(slot, price, gridFee, 1_000);
    await zone.measure(slot, [[seller, 1_000]]);
    await zone.settle(slot, sale);
    await expect(auction.finalize(slot)).to.emit(auction, "SlotFinalized");
    await zone.settle(slot, purchase);
    expect(await gains()).to.deep.equal({ alice: price, bob: -price - gridFee, pot: 0n });
    // What is his he can take away as well.
    const free = await zone.vault.free(alice);
    await as(zone.vault, alice).withdraw(free, alice);
    await as(zone.money, alice).approve(zone.vault, free);
    await as(zone.vault, alice).deposit(free);
    await as(auction, guardian).unpause();
    await as(auction, alice).placeOrders([{ slot: slot + 4, ...idle }]);
    await networkHelpers.mine();
  });

  it("two openings of the sellers' side: a finalized slot is not finalized again", async () => {
    const { auction, vault, gridOperator } = zone;
    purchase = bid(buyer, 60, 1_500);
    sale = ask(seller, 50, 1_000);
    await trade();
    await zone.measure(slot, [[seller, 1_000]]);
    await zone.settle(slot, sale);
    await expect(auction.finalize(slot)).to.emit(auction, "SlotFinalized").withArgs(slot, 1_000, 0, gridFee);
    await expect(auction.finalize(slot)).to.be.revertedWithCustomError(auction, "NotFinalizable");
    expect(await vault.free(gridOperator)).to.equal(gridFee);
    await expect(zone.settle(slot, purchase)).to.emit(auction, "SlotClosed").withArgs(slot, 0);
    await expect(auction.finalize(slot)).to.be.revertedWithCustomError(auction, "NotFinalizable");
  });
});
