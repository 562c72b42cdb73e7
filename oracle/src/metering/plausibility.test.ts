import { expect } from "chai";
import type { MeterSample } from "../hardware/types.ts";
import { judge } from "./plausibility.ts";

const meter = { maxPowerW: 8_000, resolution: 1n };
const none = { imported: 0n, exported: 0n };
const sample = (at: number, imported: bigint, exported: bigint, powerW = 0) => ({ at, imported, exported, powerW });
const before = sample(1_000, 500n, 700n);

/** Why it is not believed, nothing when it is. */
function doubt(next: MeterSample, previous: Parameters<typeof judge>[1], of = meter as Parameters<typeof judge>[3]) {
  const answer = judge(next, previous, none, of, 1_000n);
  return "reason" in answer ? answer.reason : undefined;
}

describe("plausibility of a sample", () => {
  const table: [string, MeterSample, RegExp | undefined][] = [
    ["a small step", sample(1_500, 501n, 700n), undefined],
    ["no step at all", sample(1_500, 500n, 700n), undefined],
    ["full power over a minute", sample(61_000, 633n, 700n), undefined],
    [
      "a register that went back",
      sample(1_500, 499n, 700n),
      /imported went back from 500 to 499; .* ioe meter replace/,
    ],
    ["a reset meter", sample(1_500, 0n, 0n), /went back/],
    ["a jump no power explains", sample(1_500, 500n, 5_000n), /exported rose by 4300 .* 8000 W/],
    ["twice the rated power for a minute", sample(61_000, 766n, 700n), /imported rose by 266/],
    ["a power that is no number", sample(1_500, 500n, 700n, NaN), /power is NaN/],
    ["an endless power", sample(1_500, 500n, 700n, Infinity), /power is Infinity/],
    ["a sample of the same instant", sample(1_000, 500n, 700n), /not newer/],
    ["a sample of the past", sample(900, 500n, 700n), /not newer/],
    ["a sample of no time", sample(NaN, 500n, 700n), /time is NaN/],
    ["a negative register", sample(1_500, -1n, 700n), /negative/],
  ];
  for (const [what, next, reason] of table) {
    it(`${reason ? "refuses" : "believes"} ${what}`, () => {
      const answer = doubt(next, before);
      if (reason) expect(answer).to.match(reason);
      else expect(answer).to.equal(undefined);
    });
  }

  it("believes the first sample of all whatever its registers, as long as they fit", () => {
    expect(doubt(sample(0, 10n ** 12n, 3n), undefined)).to.equal(undefined);
    expect(doubt(sample(0, 1n << 63n, 3n), undefined)).to.match(/imported is 9223372036854775808/);
  });

  it("allows a coarse register its step, and a slow one its latency", () => {
    expect(doubt(sample(1_500, 1_500n, 700n), before, { maxPowerW: 8_000, resolution: 1_000n })).to.equal(undefined);
    expect(doubt(sample(1_500, 620n, 700n), before, { ...meter, latencyMs: 60_000 })).to.equal(undefined);
  });

  it("knows the direction even when nobody knows how much time has passed", () => {
    const unknown = { ...before, at: undefined };
    expect(doubt(sample(1_500, 10n ** 9n, 700n), unknown)).to.equal(undefined);
    expect(doubt(sample(1_500, 499n, 700n), unknown)).to.match(/went back/);
  });
});

describe("a register that wraps", () => {
  const wrapping = { ...meter, wrap: 10_000_000n };
  const late = { at: 1_000, imported: 9_999_999n, exported: 42n };

  it("goes on, and what was added is known", () => {
    expect(judge(sample(1_500, 1n, 42n), late, none, wrapping, 1_000n)).to.deep.equal({
      sample: sample(1_500, 10_000_001n, 42n),
      offsets: { imported: 10_000_000n, exported: 0n },
    });
  });

  it("goes on a second time", () => {
    const offsets = { imported: 10_000_000n, exported: 0n };
    const previous = { ...late, imported: 19_999_999n };
    expect(judge(sample(1_500, 2n, 42n), previous, offsets, wrapping, 1_000n)).to.deep.include({
      offsets: { imported: 20_000_000n, exported: 0n },
    });
  });

  it("is told from a reset: the way over the end is too long for the power", () => {
    expect(doubt(sample(1_500, 0n, 42n), { ...late, imported: 9_000_000n }, wrapping)).to.match(/went back/);
  });

  it("is not guessed after so long a time that a new meter could look like it", () => {
    const month = 30 * 24 * 3_600_000;
    expect(doubt(sample(month, 0n, 42n), { ...late, imported: 6_000_000n }, wrapping)).to.match(/went back/);
  });

  it("is not guessed for a product of which nobody knows where it does", () => {
    expect(doubt(sample(1_500, 1n, 42n), late)).to.match(/went back/);
  });
});
