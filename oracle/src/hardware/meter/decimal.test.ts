import { expect } from "chai";
import { readDecimal } from "./decimal.ts";
import { floor, times } from "./register.ts";

describe("decimal numbers of devices", () => {
  it("are taken as they were written", () => {
    expect(readDecimal(0.29)).to.deep.equal({ num: 29n, den: 100n });
    expect(readDecimal("12345.678")).to.deep.equal({ num: 12_345_678n, den: 1_000n });
    expect(readDecimal("-7")).to.deep.equal({ num: -7n, den: 1n });
    expect(readDecimal(1e-7)).to.deep.equal({ num: 1n, den: 10_000_000n });
    expect(readDecimal("1.5e3")).to.deep.equal({ num: 1_500n, den: 1n });
    expect(floor(times(readDecimal(0.29)!, { num: 1_000n, den: 1n })), "a double would give 289").to.equal(290n);
  });

  it("are nothing when they are none", () => {
    for (const value of [NaN, Infinity, "", "ON", "1,5", "0x10", null, undefined, true, {}, [1], "1e9999"])
      expect(readDecimal(value), JSON.stringify(value)).to.equal(undefined);
  });
});
