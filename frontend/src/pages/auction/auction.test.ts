import { expect } from "chai";
import type { Status } from "../../data/index.ts";
import type { Parsed } from "../../format/index.ts";
import { cross, type Depth, expectedFill, fillAt, stepsOf } from "./book.ts";
import { limitsOf, lockPrice, tickOf } from "./limit.ts";
import { firstSlot, gateOf, slotsAfter } from "./slots.ts";
import { bookStateOf, stateOf } from "./state.ts";
import { type OrderContext, validateOrder } from "./validate.ts";

const BOUNDS = { lowest: 10, highest: 110 };

function book(bids: Record<number, number>, asks: Record<number, number>): Depth {
  const totals = (by: Record<number, number>) => Array.from({ length: 128 }, (_, tick) => BigInt(by[tick] ?? 0));
  return { bids: totals(bids), asks: totals(asks) };
}

describe("crossing of a book", () => {
  it("matches nothing when the dearest bid is below the cheapest ask", () => {
    expect(cross(book({ 20: 10 }, { 21: 10 }), BOUNDS)).to.equal(undefined);
    expect(cross(book({ 20: 10 }, {}), BOUNDS)).to.equal(undefined);
  });
  it("takes the middle between bid and ask that serve each other whole, rounded down", () => {
    expect(cross(book({ 31: 10 }, { 20: 10 }), BOUNDS)).to.deep.include({ volume: 10n, priceTick: 25 });
  });
  it("takes the price of the tick that is served in part", () => {
    expect(cross(book({ 30: 10 }, { 20: 4 }), BOUNDS)).to.deep.include({ volume: 4n, priceTick: 30 });
    expect(cross(book({ 30: 4 }, { 20: 10 }), BOUNDS)).to.deep.include({ volume: 4n, priceTick: 20 });
  });
  it("does not go beyond the first order left out", () => {
    // Between 20 and 60 anything clears 10; a bid of 50 left out lifts the lower end, an ask of 56 the upper.
    const crossing = cross(book({ 60: 10, 50: 5 }, { 20: 10, 56: 5 }), BOUNDS);
    expect(crossing).to.deep.include({ volume: 10n, priceTick: 53 });
  });
  it("ignores what lies outside of the slot's bounds", () => {
    expect(cross(book({ 120: 10 }, { 5: 10 }), BOUNDS)).to.equal(undefined);
  });
  it("serves better orders whole and the margin pro rata, rounded down", () => {
    const crossing = cross(book({ 60: 10, 40: 30 }, { 20: 25 }), BOUNDS)!;
    expect(crossing.bid).to.deep.equal({ tick: 40, filled: 15n, total: 30n });
    expect(fillAt(crossing, "bid", 60, 10n)).to.equal(10n);
    expect(fillAt(crossing, "bid", 40, 7n)).to.equal(3n);
    expect(fillAt(crossing, "bid", 39, 7n)).to.equal(0n);
    expect(fillAt(crossing, "ask", 20, 25n)).to.equal(25n);
  });
});

describe("expected fill of an order", () => {
  it("counts the order itself, and what it pushes out", () => {
    const depth = book({ 40: 10 }, { 20: 10 });
    expect(expectedFill(depth, BOUNDS, { side: "bid", tick: 50, energy: 6n, replaced: 0n })).to.deep.equal({
      filled: 6n,
      priceTick: 40,
    });
    expect(expectedFill(depth, BOUNDS, { side: "ask", tick: 45, energy: 6n, replaced: 0n })?.filled).to.equal(0n);
  });
  it("takes the place of the order with the same key", () => {
    const depth = book({ 40: 10 }, { 20: 5 });
    expect(expectedFill(depth, BOUNDS, { side: "bid", tick: 40, energy: 5n, replaced: 10n })?.filled).to.equal(5n);
  });
  it("is nothing without another side", () => {
    expect(expectedFill(book({}, {}), BOUNDS, { side: "bid", tick: 50, energy: 6n, replaced: 0n })).to.equal(undefined);
  });
});

describe("curve of a book", () => {
  it("runs in merit order: asks cheapest first, bids dearest first", () => {
    const { bids, asks } = book({ 40: 10, 60: 5 }, { 30: 7, 20: 3 });
    expect(stepsOf(asks, "ask")).to.deep.equal([
      { tick: 20, from: 0n, to: 3n },
      { tick: 30, from: 3n, to: 10n },
    ]);
    expect(stepsOf(bids, "bid").map((step) => step.tick)).to.deep.equal([60, 40]);
  });
});

describe("limit of an order", () => {
  const ladder = { minPrice: 60_000n, tickSize: 2_000n };
  const tariff = { feedInTick: 10, retailTick: 120, feeTicks: 10 };
  it("goes to the step that is not worse for who typed it", () => {
    expect(tickOf(80_000n, "bid", ladder)).to.equal(10);
    expect(tickOf(81_999n, "bid", ladder)).to.equal(10);
    expect(tickOf(80_001n, "ask", ladder)).to.equal(11);
    expect(tickOf(59_999n, "bid", ladder)).to.equal(-1);
    expect(tickOf(59_999n, "ask", ladder)).to.equal(0);
  });
  it("includes the grid fee for a buyer and leaves room for it for a seller", () => {
    expect(limitsOf("bid", tariff)).to.deep.equal({ lowest: 20, highest: 120 });
    expect(limitsOf("ask", tariff)).to.deep.equal({ lowest: 10, highest: 110 });
  });
  it("sets aside the limit of a bid, and what a buyer could lose by an ask", () => {
    expect(lockPrice("bid", 70, tariff, ladder)).to.equal(200_000n);
    expect(lockPrice("ask", 60, tariff, ladder)).to.equal(100_000n);
    expect(lockPrice("ask", 110, tariff, ladder)).to.equal(0n);
  });
});

describe("slots to choose from", () => {
  const times = { slotDuration: 60, gateClosure: 15, openAhead: 8 };
  it("are the next ones, then the rest that takes orders", () => {
    const { near, later } = slotsAfter(100, times);
    expect([near[0], near.at(-1), later[0], later.at(-1)]).to.deep.equal([101, 106, 107, 108]);
  });
  it("start with one that leaves time to fill in the form", () => {
    expect(gateOf(101, times)).to.equal(6_045);
    expect(firstSlot(6_001, 100, times)).to.equal(102);
    expect(firstSlot(6_000, 99, times)).to.equal(101);
  });
});

describe("state of an order", () => {
  const times = { slotDuration: 60, gateClosure: 15, openAhead: 8 };
  const state = (now: number, cleared?: { price: bigint; volume: bigint }, filled?: bigint) =>
    stateOf({ slot: 101 }, { cleared }, filled, now, times);
  it("is open until the gate, then waits for the price, and is void when the slot begins without one", () => {
    expect(state(6_044)).to.deep.equal({ kind: "open", until: 6_045 });
    expect(state(6_045).kind).to.equal("gateClosed");
    expect(state(6_060).kind).to.equal("gateClosed");
    expect(state(6_061).kind).to.equal("void");
  });
  it("follows the clearing", () => {
    const cleared = { price: 1n, volume: 10n };
    expect(state(6_050, cleared).kind).to.equal("reading");
    expect(state(6_050, cleared, 3n)).to.deep.equal({ kind: "accepted", filled: 3n });
    expect(state(6_050, cleared, 0n).kind).to.equal("rejected");
    expect(state(6_050, { price: 0n, volume: 0n }).kind).to.equal("rejected");
  });
});

describe("state of a book", () => {
  const times = { slotDuration: 60, gateClosure: 15, openAhead: 8 };
  const state = (now: number, status: Status, depth = book({ 40: 10 }, {})) =>
    bookStateOf({ ...depth, slot: 101, status }, now, times);
  it("takes orders until its gate, with orders or without", () => {
    expect(state(6_044, "open")).to.equal("open");
    expect(state(6_044, "none", book({}, {}))).to.equal("open");
  });
  it("waits for its price from the gate on, unless there is nothing to find a price for", () => {
    expect(state(6_045, "open")).to.equal("closed");
    expect(state(6_045, "open", book({}, { 40: 10 }))).to.equal("closed");
    expect(state(6_045, "none", book({}, {}))).to.equal("closedEmpty");
    expect(state(6_045, "open", book({}, {})), "all taken back").to.equal("closedEmpty");
  });
  it("follows the contract once it has spoken", () => {
    expect(state(6_050, "cleared")).to.equal("cleared");
    expect(state(6_200, "finalized")).to.equal("cleared");
    expect(state(6_061, "void")).to.equal("void");
  });
});

describe("validateOrder", () => {
  const amount = (value: bigint): Parsed => ({ kind: "amount", value });
  const good: OrderContext = {
    session: "ready",
    paused: false,
    now: 1_000,
    gate: 1_001,
    changeTooLate: false,
    meter: { id: 1, active: true },
    lack: "noMeter",
    energy: amount(100n),
    least: 10n,
    most: 133n,
    limit: amount(200_000n),
    limitPrice: 200_000n,
    bounds: { lowest: 100_000n, highest: 300_000n },
    due: 20_000n,
    funds: { free: 20_000n, auctionAllowed: true },
  };
  const codes = (change: Partial<OrderContext>) => validateOrder({ ...good, ...change }).map((reason) => reason.code);
  it("lets a sound order pass, with money to the last base unit", () => expect(codes({})).to.deep.equal([]));
  it("lets both ends of energy and price pass", () => {
    expect(codes({ energy: amount(10n), limitPrice: 100_000n })).to.deep.equal([]);
    expect(codes({ energy: amount(133n), limitPrice: 300_000n })).to.deep.equal([]);
  });
  const table: [string, Partial<OrderContext>, string][] = [
    ["no wallet", { session: "none", meter: undefined, funds: undefined }, "noWallet"],
    ["wrong network", { session: "wrongNetwork" }, "wrongNetwork"],
    ["paused", { paused: true }, "auctionPaused"],
    ["gate closed in this second", { now: 1_001 }, "gateClosed"],
    ["order to be changed closed in the meantime", { changeTooLate: true }, "changeTooLate"],
    ["order to be changed closed, and this slot too", { changeTooLate: true, now: 1_001 }, "changeTooLate"],
    ["account without a meter", { meter: undefined }, "noMeter"],
    ["no meter that may sell", { meter: undefined, lack: "noSeller" }, "noSeller"],
    ["meter switched off by the operator", { meter: { id: 1, active: false } }, "meterInactive"],
    ["nothing typed", { energy: { kind: "empty" } }, "amountMissing"],
    ["amount 0", { energy: amount(0n) }, "amountZero"],
    ["below the smallest order", { energy: amount(9n) }, "orderTooSmall"],
    ["more than the meter moves in a slot", { energy: amount(134n) }, "orderTooLarge"],
    ["slot's tariff still being read", { bounds: undefined }, "loading"],
    ["no limit", { limit: { kind: "empty" }, limitPrice: undefined }, "priceMissing"],
    ["limit is nonsense", { limit: { kind: "invalid", message: "no" }, limitPrice: undefined }, "priceInvalid"],
    ["limit too low", { limitPrice: 98_000n }, "limitOutOfRange"],
    ["limit too high", { limitPrice: 302_000n }, "limitOutOfRange"],
    ["funds still being read", { funds: undefined }, "loading"],
    ["empty vault", { funds: { free: 0n, auctionAllowed: false } }, "depositFirst"],
    ["above the balance", { funds: { free: 19_999n, auctionAllowed: true } }, "notEnoughMoney"],
    ["auction not allowed", { funds: { free: 20_000n, auctionAllowed: false } }, "auctionNotAllowed"],
  ];
  for (const [name, change, first] of table) {
    it(`${name} → ${first}`, () => expect(codes(change)[0]).to.equal(first));
  }
  it("asks for no money and no permission when nothing is set aside", () => {
    expect(codes({ due: 0n, funds: { free: 0n, auctionAllowed: false } })).to.deep.equal([]);
  });
});
