import { expect } from "chai";
import { parseValue, showValue } from "./values.ts";

describe("debug values", () => {
  it("reads each type as viem takes it", () => {
    expect(parseValue({ type: "uint256" }, "12345678901234567890")).to.equal(12_345_678_901_234_567_890n);
    expect(parseValue({ type: "uint40" }, "0x10")).to.equal(16);
    expect(parseValue({ type: "bool" }, "true")).to.equal(true);
    expect(parseValue({ type: "string" }, "heat pump")).to.equal("heat pump");
    expect(parseValue({ type: "uint256[]" }, '["1", 2]')).to.deep.equal([1n, 2n]);
  });
  it("reads lists of structs", () => {
    const components = [
      { name: "slot", type: "uint40" },
      { name: "energy", type: "uint64" },
    ];
    expect(parseValue({ type: "tuple[]", components }, '[{"slot": 5, "energy": "7"}]')).to.deep.equal([
      { slot: 5, energy: 7n },
    ]);
  });
  it("says what is wrong", () => {
    expect(() => parseValue({ type: "uint8" }, "many")).to.throw("not an integer");
    expect(() => parseValue({ type: "address" }, "me")).to.throw("0x");
    expect(() => parseValue({ type: "uint8[]" }, "1")).to.throw("list");
    expect(() => parseValue({ type: "uint8[]" }, "")).to.throw("JSON");
  });
  it("shows integers of any size", () => expect(showValue([2n ** 100n])).to.contain((2n ** 100n).toString()));
});
