import { packOrderId } from "@ioe/protocol";
import { expect } from "chai";
import type { OrderRecord } from "../../data/index.ts";
import { amendmentOf, bookWithout, freedBy, lockChange, mustTakeBack } from "./amend.ts";

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
    const now = amendmentOf(order, [same], 6_044, times);
    expect(now).to.deep.equal({ order: same, isLate: false });
    expect(now!.order, "as it is by now").to.equal(same);
    expect(amendmentOf(order, [], 6_044, times), "taken back").to.equal(undefined);
    expect(amendmentOf(order, undefined, 6_044, times)).to.equal(undefined);
    expect(amendmentOf(undefined, [order], 6_044, times)).to.equal(undefined);
  });
  it("is too late from its gate on, and stays so when the order is settled", () => {
    expect(amendmentOf(order, [order], 6_045, times)).to.deep.equal({ order, isLate: true });
    const nothing = { filled: 0n, energy: 0n, money: 0n, fee: 0n, penalty: 0n, inBlock: 2n };
    const settled = { ...order, settled: nothing };
    expect(amendmentOf(order, [settled], 6_044, times)).to.deep.equal({ order: settled, isLate: true });
    expect(amendmentOf(order, [], 6_045, times), "taken back in time").to.equal(undefined);
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
  it("keeps money set aside, or gives some of it back", () => {
    expect(lockChange(1_400n, 2_000n)).to.deep.equal({ kind: "kept", money: 1_400n });
    expect(lockChange(1_400n, 1_400n)).to.deep.equal({ kind: "kept", money: 1_400n });
    expect(lockChange(1_400n, 500n)).to.deep.equal({ kind: "back", money: 900n });
    expect(lockChange(0n, 500n)).to.deep.equal({ kind: "none" });
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
