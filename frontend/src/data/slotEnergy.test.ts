import { expect } from "chai";
import { addReadings, NO_READINGS, type ReadingLog } from "./slotEnergy.ts";

const reading = (slot: number, takenAt: number, imported: number, exported: number, rebased = false): ReadingLog => ({
  meterId: 1,
  slot,
  takenAt,
  imported: BigInt(imported),
  exported: BigInt(exported),
  rebased,
  blockNumber: 1n,
  blockHash: null,
  logIndex: 0,
});
const LIMITS = { maxPowerW: () => 6_000, unitsPerKWh: 1_000n };
const sum = (...logs: ReadingLog[]) =>
  addReadings(NO_READINGS, logs, LIMITS).slots.get(1) ?? new Map<number, unknown>();

describe("energy by slot", () => {
  it("adds the steps of a slot's readings, the first being the baseline", () => {
    const slots = sum(
      reading(1, 90, 100, 0),
      reading(1, 110, 130, 0),
      reading(1, 120, 150, 5),
      reading(2, 180, 150, 9),
    );
    expect(slots.get(1)).to.deep.equal({ imported: 50n, exported: 5n });
    expect(slots.get(2)).to.deep.equal({ imported: 0n, exported: 4n });
  });
  it("goes on where an earlier sum stopped, which stays as it was", () => {
    const before = addReadings(NO_READINGS, [reading(1, 90, 100, 0), reading(1, 110, 130, 0)], LIMITS);
    const after = addReadings(before, [reading(1, 120, 150, 5)], LIMITS);
    expect(before.slots.get(1)?.get(1)).to.deep.equal({ imported: 30n, exported: 0n });
    expect(after.slots.get(1)?.get(1)).to.deep.equal({ imported: 50n, exported: 5n });
  });
  it("counts what flowed during a gap in the readings", () => {
    expect(sum(reading(1, 100, 100, 0), reading(9, 600, 180, 0, true)).get(9)).to.deep.equal({
      imported: 80n,
      exported: 0n,
    });
  });
  it("counts nothing when another device took over or the registers jumped", () => {
    expect(sum(reading(1, 100, 100, 50), reading(2, 130, 0, 0, true)).get(2)).to.equal(undefined);
    expect(sum(reading(1, 100, 0, 0), reading(2, 160, 90_000, 0, true)).get(2)).to.equal(undefined);
  });
});

describe("registers by slot", () => {
  it("are those before the first step and after the last", () => {
    const first = addReadings(NO_READINGS, [reading(1, 90, 100, 0), reading(1, 120, 150, 5)], LIMITS);
    const slots = addReadings(first, [reading(2, 150, 155, 5), reading(2, 180, 160, 9)], LIMITS).registers.get(1)!;
    expect(slots.get(1)).to.deep.equal({
      before: { imported: 100n, exported: 0n },
      after: { imported: 150n, exported: 5n },
    });
    expect(slots.get(2)).to.deep.equal({
      before: { imported: 150n, exported: 5n },
      after: { imported: 160n, exported: 9n },
    });
  });
});
