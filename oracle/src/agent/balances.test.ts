import { expect } from "chai";
import { Balances } from "./balances.ts";

describe("a household's own balance", () => {
  const shown: Record<number, bigint> = { 10: 100n, 11: 150n, 12: -30n, 13: 70n };
  /** Slot 11 has an order. */
  const balances = async () => {
    const memory = new Balances(
      { balance: (slot) => Promise.resolve(shown[slot]) },
      { ordersIn: (slot) => (slot === 11 ? [1n] : []) },
    );
    await memory.load([9, 10, 11, 12, 13]);
    return memory;
  };

  it("is what the meter shows where trades switch nothing", async () => {
    const memory = await balances();
    memory.noteFills(10, [{ side: "ask", due: 90n }]);
    const of = memory.of(false);
    expect([9, 10, 11, 12].map(of)).to.deep.equal([undefined, 100n, 150n, -30n]);
  });

  it("leaves out what relays carried for fills", async () => {
    const memory = await balances();
    memory.noteFills(10, [{ side: "ask", due: 90n }]);
    memory.noteFills(12, [{ side: "bid", due: 25n }]);
    const of = memory.of(true);
    expect([10, 12, 13].map(of)).to.deep.equal([10n, -5n, 70n]);
  });

  it("is not known where relays carried what nobody can tell any more", async () => {
    const memory = await balances();
    memory.noteDelivery({ first: 12, last: 13 });
    const of = memory.of(true);
    expect([10, 11, 12, 13].map(of)).to.deep.equal([100n, undefined, undefined, undefined]);
  });
});
