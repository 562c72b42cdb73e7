import { expect } from "chai";
import { confirmationsFor } from "./finality.ts";

describe("finality by value", () => {
  const table = [
    { fromValue: 1_000_000, confirmations: 3 },
    { fromValue: 50_000_000, confirmations: 12 },
  ];

  for (const [value, confirmations] of [
    [0n, 0],
    [999_999n, 0],
    [1_000_000n, 3],
    [49_999_999n, 3],
    [50_000_000n, 12],
    [10n ** 20n, 12],
  ] as const) {
    it(`waits for ${confirmations} blocks on a purchase of ${value} base units`, () => {
      expect(confirmationsFor(table, value)).to.equal(confirmations);
    });
  }

  it("waits for none without a table, and never for less because a step is out of order", () => {
    expect(confirmationsFor([], 10n ** 20n)).to.equal(0);
    expect(confirmationsFor([...table].reverse(), 60_000_000n)).to.equal(12);
  });
});
