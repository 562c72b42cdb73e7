import { expect } from "chai";
import { agreed, phaseOf, timeLeft, witness } from "./measure.ts";

const at = (takenAt: number, exported: bigint, imported = 0n) => ({ takenAt, exported, imported });

describe("witness of a delivery", () => {
  it("takes the live register, and its power in the delivery's direction", () => {
    const live = { ...at(130, 5_090n, 20n), powerW: 6_000 };
    expect(witness("exported", at(60, 5_000n), at(120, 5_050n), live, true, 100, 1_000n)).to.deep.equal({
      energy: 90n,
      powerW: 6_000,
      source: "live",
    });
    const sink = { ...at(130, 0n, 788n), powerW: -5_900 };
    expect(witness("imported", at(60, 0n, 700n), at(120, 0n, 749n), sink, true, 100, 1_000n)).to.deep.equal({
      energy: 88n,
      powerW: 5_900,
      source: "live",
    });
  });
  it("without live figures takes the last reading, and the average since the purchase", () => {
    // 50 Wh in 30 s after the purchase; the baseline is older, but nothing flowed before
    expect(witness("exported", at(60, 5_000n), at(130, 5_050n), undefined, false, 100, 1_000n)).to.deep.equal({
      energy: 50n,
      powerW: 6_000,
      source: "average",
    });
  });
  it("knows no power before the first reading after the purchase", () => {
    expect(witness("exported", at(60, 5_000n), at(60, 5_000n), undefined, false, 100, 1_000n)).to.deep.equal({
      energy: 0n,
      powerW: undefined,
      source: "average",
    });
  });
  it("keeps the register of figures that have become old, but not their power", () => {
    const old = { ...at(125, 5_070n), powerW: 5_000 };
    expect(witness("exported", at(60, 5_000n), at(130, 5_050n), old, false, 100, 1_000n)).to.deep.equal({
      energy: 70n,
      powerW: 6_000,
      source: "average",
    });
  });
  it("is never less than what the chain has already seen, nor negative", () => {
    const behind = { ...at(110, 5_010n), powerW: 100 };
    expect(witness("exported", at(60, 5_000n), at(120, 5_050n), behind, true, 100, 1_000n)?.energy).to.equal(50n);
    const other = { ...at(110, 4_000n), powerW: -100 };
    expect(witness("exported", at(60, 5_000n), at(60, 5_000n), other, true, 100, 1_000n)).to.deep.include({
      energy: 0n,
      powerW: 0,
    });
  });
});

describe("what both witnesses agree on", () => {
  it("is the lesser one, with the allowance for the line, and never more than bought", () => {
    expect(agreed(100n, 60n, 59n, 300n)).to.equal(60n); // 59 · 1.03 = 60.77
    expect(agreed(100n, 60n, 50n, 300n)).to.equal(52n); // 51.5, rounded up
    expect(agreed(100n, 120n, 118n, 300n)).to.equal(100n);
    expect(agreed(100n, 60n, 0n, 300n)).to.equal(0n);
  });
});

describe("time left", () => {
  it("is the rest over the power", () => {
    expect(timeLeft(100n, 40n, 6_000, 1_000n)).to.equal(36);
    expect(timeLeft(100_000n, 40_000n, 6_000, 1_000_000n)).to.equal(36);
  });
  it("is unknown while nothing flows, and zero when all is there", () => {
    expect(timeLeft(100n, 40n, 0, 1_000n)).to.equal(undefined);
    expect(timeLeft(100n, 40n, undefined, 1_000n)).to.equal(undefined);
    expect(timeLeft(100n, 100n, undefined, 1_000n)).to.equal(0);
  });
});

describe("phase of a delivery", () => {
  const context = { now: 100, deadline: 200, endedEarly: false, energy: 100n, measured: 0n, powerW: 0 };
  it("goes from waiting through flowing to settling", () => {
    expect(phaseOf(context)).to.equal("waiting");
    expect(phaseOf({ ...context, powerW: 5 })).to.equal("flowing");
    expect(phaseOf({ ...context, measured: 5n })).to.equal("flowing");
    expect(phaseOf({ ...context, measured: 100n })).to.equal("settling");
    expect(phaseOf({ ...context, now: 201 })).to.equal("settling");
  });
  it("says so when a party has ended it", () => {
    expect(phaseOf({ ...context, measured: 5n, endedEarly: true })).to.equal("ending");
    expect(phaseOf({ ...context, now: 201, endedEarly: true })).to.equal("settling");
  });
});
