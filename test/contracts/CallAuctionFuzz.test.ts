/**
 * The auction against the reference, on random books, each from the first order to the last base unit on the whole set
 * of contracts. `npm run prove:books` plays more of them.
 */
import { expect } from "chai";
import type { Meter } from "./fixture.ts";
import { as, D, GRACE, networkHelpers, WINDOW } from "./fixture.ts";
import { draws, drawBook, KIND_NAMES, PLAYED_BOOKS, shuffle, tell, type Draw } from "./auction-books.ts";
import { clear, lockOf, type Order, priceOf, settle, Side } from "./auction-reference.ts";
import {
  type AuctionZone,
  deployAuctionZone,
  eventsOf,
  locksOf,
  MIN_ORDER,
  orderId,
  RULES,
  Status,
} from "./auction-zone.ts";

/** What 1 MW moves in a slot, Wh. A meter can sell more than that, in several orders, and is short then. */
const MOST_EXPORT = BigInt(Math.floor((1_000_000 * D) / 3_600));
/** Books on one chain: a chain that never begins anew grows slow, and its traders poor. */
const BOOKS_PER_ZONE = 200;

describe("CallAuction against the reference", () => {
  const times = { played: 0, orders: 0, short: 0, silent: 0, late: 0, void: 0 };
  after(() => tell(times));

  describe(`settles ${PLAYED_BOOKS} random books`, () => {
    it("to the last base unit, whatever was delivered and in whatever order it is settled", async function () {
      this.timeout(60_000 + PLAYED_BOOKS * 2_000);
      const draw = draws(PLAYED_BOOKS);
      for (let done = 0; done < PLAYED_BOOKS; done += BOOKS_PER_ZONE) {
        const { zone, meters } = await settleZone();
        for (let i = done; i < Math.min(done + BOOKS_PER_ZONE, PLAYED_BOOKS); i++) {
          const kind = KIND_NAMES[i % KIND_NAMES.length]!;
          const size = { meters: meters.length, orders: 14, least: Number(MIN_ORDER), most: 10 ** (2 + draw(3)) };
          await playBook(zone, meters, drawBook(draw, kind, size, RULES), draw);
        }
      }
      // Without them nobody would notice how a slot ends that nobody settled in time.
      expect(times.late).to.be.greaterThan(0);
      expect(times.void).to.be.greaterThan(0);
    });
  });

  /** Nine meters of three people with money, and one trader for them all. */
  async function settleZone(): Promise<{ zone: AuctionZone; meters: Meter[] }> {
    const zone = await deployAuctionZone({ gasLimit: 10_000_000n });
    const accounts = [zone.alice, zone.bob, zone.carol];
    const meters: Meter[] = [];
    for (let i = 0; i < 9; i++) {
      const meter = await zone.addMeter(accounts[i % 3]);
      await as(zone.registry, meter.owner).setTrader(meter.id, zone.stranger);
      meters.push(meter);
    }
    for (const account of accounts) await zone.fund(account, 9_000_000_000n);
    return { zone, meters };
  }

  /** What a meter exports in a slot: everything, nothing, a part, more, never above its power; undefined stays silent. */
  function drawExport(draw: Draw, sold: bigint): bigint | undefined {
    const wanted = drawDelivery(draw, sold);
    return wanted !== undefined && wanted > MOST_EXPORT ? MOST_EXPORT : wanted;
  }

  function drawDelivery(draw: Draw, sold: bigint): bigint | undefined {
    const fate = draw(8);
    if (fate === 0) return undefined;
    if (fate === 1) return 0n;
    if (fate === 2) return sold + BigInt(draw(100));
    if (fate <= 4) return BigInt(draw(Number(sold) + 1));
    return sold;
  }

  async function playBook(zone: AuctionZone, meters: Meter[], book: Order[], draw: Draw): Promise<void> {
    const { auction, vault, energyToken, gridOperator, dust, stranger } = zone;
    const slot = await zone.nextSlot();
    const parties = [...new Set(meters.map(({ owner }) => owner)), gridOperator, dust];
    const balances = () => Promise.all(parties.map((party) => vault.free(party)));
    const certificates = async () =>
      Promise.all(parties.map(async (party) => energyToken.balanceOf(party, await energyToken.idOf(slot, 255))));
    const ownerOf = (order: Order) => parties.indexOf(meters[order.meterId - 1]!.owner);
    const atFirst = await balances();
    const minted = await certificates();

    await zone.place(slot, stranger, ...book);
    expect(await vault.pot(auction)).to.equal(locksOf(book));
    for (const [i, free] of (await balances()).entries()) {
      expect(atFirst[i]! - free).to.equal(locksOf(book.filter((order) => ownerOf(order) === i)));
    }

    await zone.clear(slot);
    const outcome = clear(book, RULES);
    const cleared = await auction.auctionOf(slot);
    expect([cleared.status, cleared.volume]).to.deep.equal([Status.Cleared, outcome.volume]);
    expect(cleared.price).to.equal(outcome.volume === 0n ? 0n : priceOf(outcome.priceTick, RULES));
    const probe = book[draw(book.length)]!;
    expect(await auction.fillOf(orderId(slot, probe))).to.equal(outcome.fills.get(probe)!.down());

    const exports = new Map<number, bigint>();
    const readings: [Meter, bigint][] = [];
    for (const meter of meters) {
      const asks = book.filter(({ meterId, side }) => meterId === meter.id && side === Side.Ask);
      const sold = asks.reduce((sum, order) => sum + outcome.fills.get(order)!.down(), 0n);
      const exported = drawExport(draw, sold);
      if (exported === undefined) times.silent++;
      if ((exported ?? 0n) < sold) times.short++;
      exports.set(meter.id, exported ?? 0n);
      if (exported !== undefined) readings.push([meter, exported]);
    }
    await zone.measure(slot, readings);

    const sequence = shuffle(draw, book);
    const half = draw(sequence.length + 1);
    // Now and then nobody settles the rest until the claim window is over: then the accepted asks that are still open,
    // left over or of a silent meter, are void.
    const late = draw(6) === 0;
    const reported = new Set(readings.map(([{ id }]) => id));
    const isOpen = (order: Order, i: number) => i >= half || !reported.has(order.meterId);
    const open = sequence.filter((order, i) => late && order.side === Side.Ask && isOpen(order, i));
    const expected = settle(sequence, outcome, exports, RULES, new Set(open));
    if (late) times.late++;
    times.void += open.filter((order) => outcome.fills.get(order)!.down() > 0n).length;
    const events = new Map<bigint, unknown[]>();
    const collect = async (orders: Order[]) => {
      const receipt = await (await zone.settle(slot, ...orders)).wait();
      for (const event of eventsOf(receipt, auction, "OrderSettled")) {
        events.set(event.orderId as bigint, [event.filled, event.energy, event.money, event.fee, event.penalty]);
      }
    };
    await collect(sequence.slice(0, half));
    // Whatever is still open is what the pot is for.
    const left = [];
    for (const order of book) if ((await auction.orderOf(orderId(slot, order))).energy !== 0n) left.push(order);
    expect(await vault.pot(auction)).to.equal(locksOf(left) + (await auction.auctionOf(slot)).balance);
    if (late) await networkHelpers.time.increaseTo((slot + 1) * D + WINDOW + 1);
    await collect(sequence.slice(half));
    if (!late && exports.size > readings.length) await networkHelpers.time.increaseTo((slot + 1) * D + GRACE + 1);
    await collect(sequence);
    await collect(sequence);

    for (const order of book) {
      const { filled, energy, money, fee, penalty, credited } = expected.orders.get(order)!;
      expect(events.get(orderId(slot, order))).to.deep.equal([filled, energy, money, fee, penalty]);
      // No order ends worse than its limit, and a bond is all a seller can lose.
      const atLimit = (units: bigint) => (units * priceOf(order.tick, RULES)) / RULES.unitsPerKWh;
      if (order.side === Side.Bid) expect(money <= atLimit(energy + 1n) + 1n).to.equal(true);
      else expect(money >= atLimit(energy) && penalty <= lockOf(order, RULES)).to.equal(true);
      expect(credited >= 0n).to.equal(true);
    }
    const finalFree = await balances();
    for (const [i] of parties.entries()) {
      const own = book.filter((order) => ownerOf(order) === i);
      let gain = own.reduce((sum, order) => sum + expected.orders.get(order)!.credited - lockOf(order, RULES), 0n);
      if (parties[i] === gridOperator) gain += expected.gridFee;
      if (parties[i] === dust) gain += expected.dust;
      expect(finalFree[i]! - atFirst[i]!, `party ${i}`).to.equal(gain);
    }
    const bids = book.filter(({ side }) => side === Side.Bid);
    for (const [i, count] of (await certificates()).entries()) {
      const own = bids.filter((order) => ownerOf(order) === i);
      expect(count - minted[i]!).to.equal(own.reduce((sum, order) => sum + expected.orders.get(order)!.energy, 0n));
    }
    expect(expected.dust >= 0n && expected.dust <= BigInt(2 * book.length + 1)).to.equal(true);
    expect(await vault.pot(auction)).to.equal(0n);
    times.played++;
    times.orders += book.length;
  }
});
