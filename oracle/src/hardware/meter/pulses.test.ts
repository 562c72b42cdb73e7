import { expect } from "chai";
import { PulseCounter } from "./pulses.ts";

const pulse = (sequence: number, seconds: number) => ({ sequence, timestampNs: BigInt(seconds * 1e9) });
const ns = (seconds: number) => BigInt(Math.round(seconds * 1e9));

describe("pulse counter", () => {
  it("adds pulses to what was counted before", () => {
    const counter = new PulseCounter(41n, 1_000);
    counter.add([pulse(1, 10)]);
    expect(counter.total).to.equal(42n);
  });

  it("knows the total before the pulses are added", () => {
    const counter = new PulseCounter(5n, 1_000);
    expect(counter.totalWith([])).to.equal(5n);
    expect(counter.totalWith([pulse(1, 1), pulse(2, 2)])).to.equal(7n);
    expect(counter.total).to.equal(5n);
  });

  it("counts the pulses that a full queue has dropped", () => {
    const counter = new PulseCounter(0n, 1_000);
    counter.add([pulse(1, 1), pulse(2_000, 2_000)]);
    expect(counter.total).to.equal(2_000n);
    expect(counter.powerAt(ns(2_000))).to.be.closeTo(3_600, 1);
  });

  it("goes on when the sequence number wraps", () => {
    const counter = new PulseCounter(0n, 1_000);
    counter.add([pulse(0xffff_ffff, 1), pulse(1, 2)]);
    expect(counter.total).to.equal(0xffff_ffffn + 2n);
  });

  for (const [now, watts] of [
    [12, 1_800],
    [13, 1_800],
    [15, 1_200],
    [16, 900],
    [16.1, 0],
  ] as const) {
    it(`shows ${watts} W ${(now - 12).toFixed(1)} s after a pulse that came 2 s after its predecessor`, () => {
      const counter = new PulseCounter(0n, 1_000);
      counter.add([pulse(1, 10), pulse(2, 12)]);
      expect(counter.powerAt(ns(now))).to.be.closeTo(watts, 0.001);
    });
  }

  it("knows no power before the second pulse", () => {
    const counter = new PulseCounter(0n, 1_000);
    expect(counter.powerAt(ns(1))).to.equal(0);
    counter.add([pulse(1, 1)]);
    expect(counter.powerAt(ns(1.1))).to.equal(0);
  });
});
