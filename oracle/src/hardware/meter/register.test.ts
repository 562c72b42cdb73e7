import { expect } from "chai";
import { ceil, decimal, decode, encode, floor, inOrder, isMissing, times, ulp } from "./register.ts";

const hex = (text: string) => Buffer.from(text, "hex");

describe("registers", () => {
  it("are read as the standards write them", () => {
    expect(decode("float32", hex("42f6e979"))).to.deep.equal({ num: 16181625n, den: 131072n }); // 123.456…
    expect(decode("float64", hex("3ff8000000000000"))).to.deep.equal({ num: 3n, den: 2n });
    expect(decode("int64", hex("fffffffffffffffe"))).to.deep.equal({ num: -2n, den: 1n });
    expect(decode("uint32", hex("ffffffff"))).to.deep.equal({ num: 4294967295n, den: 1n });
    expect(decode("float32", hex("000042f6e979"), 2).num).to.equal(16181625n);
  });

  it("come with their words in either order", () => {
    const bytes = hex("e2400001");
    expect(decode("uint32", inOrder(bytes, "low-first")).num).to.equal(123_456n);
    expect(inOrder(inOrder(bytes, "low-first"), "low-first").equals(bytes)).to.equal(true);
    expect(inOrder(bytes)).to.equal(bytes);
  });

  it("have a value that stands for none", () => {
    for (const [type, bytes] of [
      ["uint16", "ffff"],
      ["int16", "8000"],
      ["uint32", "ffffffff"],
      ["int32", "80000000"],
      ["uint64", "ffffffffffffffff"],
      ["int64", "8000000000000000"],
    ] as const) {
      expect(isMissing(type, decode(type, hex(bytes))), type).to.equal(true);
      expect(isMissing(type, { num: 1n, den: 1n }), type).to.equal(false);
    }
  });

  it("take scales as they are written", () => {
    expect([0.01, 1_000, 1e-7, 2.5e21].map(decimal)).to.deep.equal([
      { num: 1n, den: 100n },
      { num: 1_000n, den: 1n },
      { num: 1n, den: 10_000_000n },
      { num: 2_500_000_000_000_000_000_000n, den: 1n },
    ]);
  });

  it("refuse NaN and the infinities", () => {
    for (const bytes of ["7fc00000", "ffc00000", "7f800000", "ff800000"]) {
      expect(() => decode("float32", hex(bytes))).to.throw(RangeError);
    }
    expect(() => decode("float64", hex("7ff8000000000000"))).to.throw(RangeError);
  });

  it("come back as they were written", () => {
    for (const type of ["uint32", "int64", "float32", "float64"] as const) {
      expect(decode(type, encode(type, { num: 4_000n, den: 1n })), type).to.deep.equal({ num: 4_000n, den: 1n });
    }
    expect(floor(decode("int64", encode("int64", { num: 7n, den: 2n })))).to.equal(3n);
  });

  it("keep a double's every bit on the way to an integer", () => {
    // 2^53 − 1 Wh: as mWh no double can hold it.
    const wh = decode("float64", encode("float64", { num: 9007199254740991n, den: 1n }));
    expect(floor(times(wh, { num: 1000n, den: 1n }))).to.equal(9007199254740991000n);
  });

  it("know the step to the next value they can hold", () => {
    expect(ulp("int64", { num: 5n, den: 1n })).to.deep.equal({ num: 1n, den: 1n });
    const step = ulp("float32", { num: 131_072n, den: 1n });
    expect(Number(step.num) / Number(step.den)).to.equal(1 / 64);
    expect(ceil(times(step, { num: 1000n, den: 1n })), "15.6 Wh at 131 072 kWh").to.equal(16n);
  });
});
