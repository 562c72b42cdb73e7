import { expect } from "chai";
import { pulseTime } from "./tasmota.ts";

describe("Tasmota PulseTime", () => {
  it("counts tenths of a second up to 11 s and whole seconds above", () => {
    expect([1, 6, 11, 12, 13, 360].map(pulseTime)).to.deep.equal([10, 60, 110, 112, 113, 460]);
  });
});
