import { expect } from "chai";
import { type Parsed, parseInput } from "../../format/index.ts";
import { curveBatches, curveOrders, curvePages, curveSlots, validateCurve } from "./curve.ts";

const energy = (typed: string): Parsed => parseInput(typed, 3);
const context = {
  session: "ready" as const,
  paused: false,
  meter: { id: 1, active: true },
  lack: "noMeter" as const,
  slots: [
    { slot: 5, energy: energy("0.2") },
    { slot: 6, energy: energy("") },
  ],
  least: 10n,
  most: 500n,
  limit: { kind: "amount", value: 200_000n } as const,
  limitPrice: 200_000n,
  bounds: [{ lowest: 100_000n, highest: 300_000n }],
  due: 60_000n,
  funds: { free: 60_000n, auctionAllowed: true },
};
const codes = (change: Partial<typeof context> | object) =>
  validateCurve({ ...context, ...change }).map(({ code }) => code);

describe("orders for many slots", () => {
  it("leave out slots without energy", () => {
    expect(curveOrders(context.slots)).to.deep.equal([{ slot: 5, energy: 200n }]);
    expect(codes({})).to.deep.equal([]);
  });
  it("offer only slots that stay open long enough", () => {
    const times = { slotDuration: 60, gateClosure: 15, openAhead: 96 };
    // Now is 1 s into slot 10; slot 11 closes in 44 s.
    expect(curveSlots(601, 10, times)[0]).to.equal(11);
    expect(curveSlots(620, 10, times)[0]).to.equal(12);
  });
  it("reach as far as a day, or as far as the zone takes orders", () => {
    const quarters = { slotDuration: 900, gateClosure: 300, openAhead: 200 };
    expect(curveSlots(901, 1, quarters)).to.deep.equal(Array.from({ length: 96 }, (_, i) => i + 2));
    expect(curveSlots(901, 1, { ...quarters, openAhead: 40 })).to.have.length(40);
    expect(curveSlots(7_001, 1, { slotDuration: 7_000, gateClosure: 300, openAhead: 200 })).to.have.length(13);
  });
  it("stay on their page while others close", () => {
    const times = { slotDuration: 900, gateClosure: 300, openAhead: 200 };
    const slots = curveSlots(901, 1, times);
    const pages = curvePages(slots, 901, times);
    expect(pages.map((page) => page.slots.length)).to.deep.equal([24, 24, 24, 24]);
    expect(pages.flatMap((page) => page.slots)).to.deep.equal(slots);
    // Three slots later, and when the last one of the first page has closed.
    const [first, second] = curvePages(slots, 901 + 3 * 900, times);
    expect(first!.slots).to.deep.equal(pages[0]!.slots.slice(3));
    expect(second).to.deep.equal(pages[1]);
    expect(curvePages(slots, 25 * 900, times)).to.deep.equal(pages.slice(1));
  });
  it("go in as few transactions as their gas allows", () => {
    const many = (count: number) => curveBatches(Array.from({ length: count }, (_, i) => i));
    expect(many(96)).to.have.length(1);
    expect(many(300).map((batch) => batch.length)).to.deep.equal([100, 100, 100]);
    expect(many(300).flat()).to.deep.equal(Array.from({ length: 300 }, (_, i) => i));
  });
  it("are refused as a whole for one that is wrong", () => {
    expect(codes({ slots: [{ slot: 5, energy: energy("x") }] })).to.deep.equal(["amountInvalid"]);
    expect(codes({ slots: [] })).to.deep.equal(["nothingChosen"]);
    expect(codes({ slots: [...context.slots, { slot: 7, energy: energy("0.6") }] })).to.deep.equal(["orderTooLarge"]);
    expect(codes({ slots: [{ slot: 7, energy: energy("0.001") }] })).to.deep.equal(["orderTooSmall"]);
  });
  it("need a limit that every slot's tariff allows", () => {
    const dearer = { lowest: 220_000n, highest: 300_000n };
    expect(codes({ bounds: [...context.bounds, dearer] })).to.deep.equal(["limitOutOfRange"]);
    expect(codes({ bounds: [...context.bounds, undefined] })).to.deep.equal(["loading"]);
  });
  it("need the money of all together", () => {
    expect(codes({ due: 60_001n })).to.deep.equal(["notEnoughMoney"]);
    expect(codes({ funds: { free: 0n, auctionAllowed: false } })).to.deep.equal(["depositFirst", "auctionNotAllowed"]);
  });
});
