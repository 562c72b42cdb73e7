import { expect } from "chai";
import { type Parsed, parseInput } from "../../format/index.ts";
import { curveOrders, curveSlots, validateCurve } from "./curve.ts";

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
    expect(curveSlots(601, 10, times)).to.have.length(24);
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
