import { packOrderId } from "@ioe/protocol";
import { expect } from "chai";
import type { OrderRecord } from "../../data/index.ts";
import { bookWithout, freedBy, mustTakeBack, openOrder } from "./amend.ts";

const ACCOUNT = `0x${"aA".repeat(20)}` as const;
const times = { slotDuration: 60, gateClosure: 15, openAhead: 8 };
const key = { slot: 101, meterId: 7, side: "bid", tick: 40 } as const;
const order: OrderRecord = {
  ...key,
  id: packOrderId(key),
  account: ACCOUNT,
  energy: 10n,
  locked: 1_400n,
  placedInBlock: 1n,
  settled: undefined,
};

describe("changing an order", () => {
  it("is possible as long as it stands and its gate is open", () => {
    const same = { ...order, energy: 12n };
    expect(openOrder(order, [same], 6_044, times), "as it is by now").to.equal(same);
    expect(openOrder(order, [order], 6_045, times), "gate closed").to.equal(undefined);
    expect(openOrder(order, [], 6_044, times), "taken back").to.equal(undefined);
    expect(openOrder(order, undefined, 6_044, times)).to.equal(undefined);
    expect(openOrder(undefined, [order], 6_044, times)).to.equal(undefined);
  });
  it("takes it back when the new one would stand beside it", () => {
    expect(mustTakeBack(order, key), "only the energy changes").to.equal(undefined);
    for (const change of [{ tick: 41 }, { slot: 102 }, { meterId: 8 }, { side: "ask" as const }]) {
      expect(mustTakeBack(order, { ...key, ...change }), JSON.stringify(change)).to.equal(order);
    }
    expect(mustTakeBack(order, undefined)).to.equal(undefined);
    expect(mustTakeBack(undefined, key)).to.equal(undefined);
  });
  it("may count on the money that comes back, when it is the same account's", () => {
    expect(freedBy(order, ACCOUNT.toLowerCase())).to.equal(1_400n);
    expect(freedBy(order, `0x${"bb".repeat(20)}`)).to.equal(0n);
    expect(freedBy(undefined, ACCOUNT)).to.equal(0n);
  });
  it("is reckoned on the book without it", () => {
    const totals = (energy: bigint) => Array.from({ length: 128 }, (_, tick) => (tick === 30 ? energy : 0n));
    const book = { slot: 101, feeTicks: 10, bids: totals(25n), asks: totals(5n) };
    expect(bookWithout(book, order)).to.deep.equal({ ...book, bids: totals(15n) });
    expect(bookWithout(book, { ...order, side: "ask", tick: 30, energy: 5n })).to.deep.equal({
      ...book,
      asks: totals(0n),
    });
    expect(bookWithout(book, { ...order, slot: 102 })).to.equal(book);
    expect(bookWithout(book, undefined)).to.equal(book);
  });
});
