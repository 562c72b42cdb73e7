import { expect } from "chai";
import { createTransactions, type Shelf } from "./transactions.ts";

/** The browser's storage, which outlives the page. */
function storage(): Shelf & { values: Map<string, string> } {
  const values = new Map<string, string>();
  return { values, getItem: (key) => values.get(key) ?? null, setItem: (key, value) => void values.set(key, value) };
}

const HASH = `0x${"ab".repeat(32)}` as const;

describe("transactions", () => {
  it("are watched on after a reload once they were sent", () => {
    const shelf = storage();
    const move = createTransactions(shelf, "world").track("Buy 2 kWh");
    move({ state: "signing" });
    move({ state: "pending", hash: HASH });
    const [kept] = createTransactions(shelf, "world").get();
    expect(kept).to.include({ title: "Buy 2 kWh", state: "pending", hash: HASH });
  });
  it("are unknown after a reload in the middle of signing, and gone when they were not even asked for", () => {
    const shelf = storage();
    const before = createTransactions(shelf, "world");
    before.track("Checked only");
    before.track("Asked for")({ state: "signing" });
    const after = createTransactions(shelf, "world").get();
    expect(after.map(({ title, state }) => [title, state])).to.deep.equal([["Asked for", "lost"]]);
  });
  it("do not come back when they are over, nor in another world", () => {
    const shelf = storage();
    const move = createTransactions(shelf, "world").track("Sell");
    move({ state: "pending", hash: HASH });
    expect(createTransactions(shelf, "other").get()).to.deep.equal([]);
    move({ state: "confirmed" });
    expect(createTransactions(shelf, "world").get()).to.deep.equal([]);
  });
  it("have ids of their own, restored ones and those of another page included", () => {
    const shelf = storage();
    const [one, other] = [createTransactions(shelf, "world"), createTransactions(shelf, "world")];
    one.track("a")({ state: "pending", hash: HASH });
    other.track("b")({ state: "pending", hash: HASH });
    const list = createTransactions(shelf, "world");
    list.track("c");
    expect(new Set(list.get().map(({ id }) => id)).size).to.equal(3);
  });
  it("stay kept whatever another page does meanwhile", () => {
    const shelf = storage();
    const titles = () =>
      createTransactions(shelf, "world")
        .get()
        .map(({ title }) => title);
    const [one, other] = [createTransactions(shelf, "world"), createTransactions(shelf, "world")];
    const buy = one.track("Buy 2 kWh");
    buy({ state: "signing" });
    const late = createTransactions(shelf, "world"); // takes what is being signed for lost
    buy({ state: "pending", hash: HASH });
    const sell = other.track("Sell");
    sell({ state: "pending", hash: HASH });
    late.track("Withdraw")({ state: "pending", hash: HASH });
    late.dismiss(late.get()[0]!.id);
    expect(titles()).to.deep.equal(["Buy 2 kWh", "Sell", "Withdraw"]);
    sell({ state: "confirmed" });
    expect(titles()).to.deep.equal(["Buy 2 kWh", "Withdraw"]);
    buy({ state: "confirmed" });
    expect(titles()).to.deep.equal(["Withdraw"]);
  });
  it("survives what another version wrote", () => {
    const shelf = storage();
    shelf.setItem("world", "not JSON");
    expect(createTransactions(shelf, "world").get()).to.deep.equal([]);
  });
});
