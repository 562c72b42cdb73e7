import { expect } from "chai";
import { registersAt } from "./interpolate.ts";

const sample = (at: number, imported: bigint, exported: bigint) => ({ at, imported, exported });

describe("registers between samples", () => {
  const samples = [sample(0, 100n, 10n), sample(500, 103n, 10n), sample(1_000, 104n, 17n), sample(3_000, 110n, 20n)];
  const table: [string, number, number, [bigint, bigint] | undefined][] = [
    ["exactly on a sample", 500, 1_500, [103n, 10n]],
    ["exactly on the first sample", 0, 1_500, [100n, 10n]],
    ["between two, rounded down", 250, 1_500, [101n, 10n]],
    ["just before the next one", 999, 1_500, [103n, 16n]],
    ["in a gap", 2_000, 1_500, undefined],
    ["on the far side of a gap", 3_000, 1_500, [110n, 20n]],
    ["before the first sample", -1, 1_500, undefined],
    ["after the last sample", 3_001, 1_500, undefined],
    ["in a gap as wide as allowed", 2_000, 2_000, [107n, 18n]],
  ];
  for (const [what, at, maxGap, expected] of table) {
    it(what, () => {
      const registers = registersAt(samples, at, maxGap);
      expect(registers && [registers.imported, registers.exported]).to.deep.equal(expected);
    });
  }

  it("are unknown without samples", () => {
    expect(registersAt([], 0, 1_000)).to.equal(undefined);
  });

  it("never go back, whatever the sequence of instants", () => {
    const wide = [
      sample(0.25, 0n, 0n),
      sample(499.9, 7n, 123_456_789_012_345_678n),
      sample(1_001.3, 7n, 123_456_789_012_345_699n),
    ];
    let before = registersAt(wide, 0.25, 1_000)!;
    for (let at = 0.5; at <= 1_001; at += 0.37) {
      const now = registersAt(wide, at, 1_000)!;
      expect(now.imported >= before.imported && now.exported >= before.exported, `at ${at}`).to.equal(true);
      before = now;
    }
  });
});
