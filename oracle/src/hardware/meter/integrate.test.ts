import { expect } from "chai";
import fc from "fast-check";
import { NOTHING, PICOJOULES_PER_KWH, between, divide } from "./integrate.ts";

const S = 1_000_000n;
const W = 1_000_000n;
const J = 1_000_000_000_000n;
const at = (seconds: bigint, watts: bigint) => ({ at: seconds * S, power: watts * W });

describe("energy from samples of power", () => {
  it("is the trapezoid between two samples", () => {
    expect(between(at(0n, 100n), at(2n, 200n), 5n * S)).to.deep.equal({ imported: 0n, exported: 300n * J });
    expect(between(at(0n, -100n), at(1n, 0n), 5n * S)).to.deep.equal({ imported: 50n * J, exported: 0n });
  });

  it("is a kWh for a kW and an hour of them", () => {
    let energy = 0n;
    for (let s = 0n; s < 3_600n; s++) energy += between(at(s, 1_000n), at(s + 1n, 1_000n), 2n * S).exported;
    expect(energy).to.equal(PICOJOULES_PER_KWH);
  });

  it("goes to both directions when power changes its sign", () => {
    // Crosses zero after 3 of 4 s: triangles of 3 s · 300 W / 2 and 1 s · 100 W / 2.
    expect(between(at(0n, 300n), at(4n, -100n), 5n * S)).to.deep.equal({ imported: 50n * J, exported: 450n * J });
    expect(between(at(0n, -100n), at(4n, 300n), 5n * S)).to.deep.equal({ imported: 50n * J, exported: 450n * J });
  });

  it("is nothing for time that was not sampled", () => {
    expect(between(at(0n, 100n), at(6n, 100n), 5n * S)).to.deep.equal(NOTHING);
    expect(between(at(6n, 100n), at(6n, 100n), 5n * S)).to.deep.equal(NOTHING);
    expect(between(at(6n, 100n), at(5n, 100n), 5n * S)).to.deep.equal(NOTHING);
  });

  it("is never negative and never more than the larger power for the whole time", () => {
    const power = fc.bigInt({ min: -(10n ** 11n), max: 10n ** 11n });
    fc.assert(
      fc.property(power, power, fc.bigInt({ min: 0n, max: 5n * S }), (p, q, time) => {
        const { imported, exported } = between({ at: 0n, power: p }, { at: time, power: q }, 5n * S);
        const largest = [p, q].map((x) => (x < 0n ? -x : x)).reduce((a, b) => (a > b ? a : b));
        expect(imported >= 0n && exported >= 0n).to.equal(true);
        expect(imported + exported <= largest * time).to.equal(true);
      }),
    );
  });

  it("divides what was measured without making more of it", () => {
    expect(divide(100n, { imported: 1n, exported: 2n })).to.deep.equal({ imported: 33n, exported: 66n });
    expect(divide(100n, NOTHING)).to.deep.equal(NOTHING);
  });
});
