import { expect } from "chai";
import type { Bill } from "./bill.ts";
import { monthsOf } from "./month.ts";
import { type SlotLine, slotLines, slotsToCsv } from "./slots.ts";
import { standsOf } from "./stands.ts";

const HOUR = 3_600;
const units = { slotDuration: HOUR, unitsPerKWh: 1_000n };
const slotAt = (...at: [number, number, number, number]) => new Date(...at).getTime() / 1000 / HOUR;
const schedule = [
  { fromSlot: 0, feedIn: 80_000n, retail: 300_000n },
  { fromSlot: slotAt(2026, 10, 20, 0), feedIn: 100_000n, retail: 400_000n },
];
const bill = (slot: number, side: Bill["side"], money: bigint) =>
  ({ slot, side, cost: money, sellerPaid: money, penalty: 0n, delivered: 0n, benefit: 0n }) as Bill;
/** One slot of meter 1. */
const line = (slot: number, imported: bigint, exported: bigint, bought = 0n, sold = 0n): SlotLine =>
  slotLines(
    new Map([[1, new Map([[slot, { imported, exported }]])]]),
    new Map([[1, new Map([[slot, { bought, sold }]])]]),
  )[0]!;

describe("a month's bill", () => {
  const early = slotAt(2026, 10, 3, 12);
  const late = slotAt(2026, 10, 25, 12);
  it("charges what the registers show less what was traded at the utility's prices of its time", () => {
    const lines = [line(early, 2_000n, 0n, 500n), line(late, 1_000n, 0n)];
    const [month] = monthsOf(lines, [bill(early, "bought", 75_000n)], schedule, units);
    expect(month).to.include({ taken: 3_000n, bought: 500n, rest: 2_500n, localCost: 75_000n });
    expect(month!.parts.map(({ rest, restCost }) => [rest, restCost])).to.deep.equal([
      [1_500n, 450_000n],
      [1_000n, 400_000n],
    ]);
    expect(month!.restCost).to.equal(450_000n + 400_000n);
    expect(month!.alone).to.equal(600_000n + 400_000n);
    expect(month!.saved).to.equal(1_000_000n - 925_000n);
  });
  it("pays for what was given alike, and reconciles with the registers", () => {
    const [month] = monthsOf([line(early, 0n, 1_000n, 0n, 400n)], [bill(early, "sold", 60_000n)], schedule, units);
    expect(month).to.include({ given: 1_000n, sold: 400n, surplus: 600n, surplusEarned: 48_000n });
    expect(month!.sold + month!.surplus).to.equal(month!.given);
    expect(month!.total).to.equal(-108_000n);
    expect(month!.saved).to.equal(28_000n);
  });
  it("leaves to the utility what passed in both directions without a trade, as its meter shows it", () => {
    const [month] = monthsOf([line(early, 300n, 200n)], [], schedule, units);
    expect(month).to.include({ taken: 300n, rest: 300n, given: 200n, surplus: 200n });
  });
  it("keeps months apart, newest first, and ends where the next begins", () => {
    const months = monthsOf([line(early, 1n, 0n), line(slotAt(2026, 9, 31, 23), 1n, 0n)], [], schedule, units);
    expect(months.map(({ start }) => new Date(start * 1000).getMonth())).to.deep.equal([10, 9]);
    expect(months[1]!.end).to.equal(months[0]!.start);
  });
});

describe("the readings a bill begins and ends with", () => {
  const energy = (imported: bigint, exported: bigint) => ({ imported, exported });
  it("differ by what was counted", () => {
    const registered = new Map([
      [
        1,
        new Map([
          [5, { before: energy(100n, 0n), after: energy(150n, 0n) }],
          [7, { before: energy(150n, 0n), after: energy(180n, 20n) }],
        ]),
      ],
    ]);
    expect(standsOf([line(5, 50n, 0n), line(7, 30n, 20n)], registered)).to.deep.equal([
      {
        meterId: 1,
        first: energy(100n, 0n),
        last: energy(180n, 20n),
        counted: energy(80n, 20n),
        correction: energy(0n, 0n),
      },
    ]);
  });
  it("say by how much they do not, when the device was replaced", () => {
    const registered = new Map([[1, new Map([[5, { before: energy(900n, 0n), after: energy(10n, 0n) }]])]]);
    expect(standsOf([line(5, 60n, 0n)], registered)[0]?.correction).to.deep.equal(energy(950n, 0n));
  });
});

describe("the file of time slots", () => {
  const imported = (energy: bigint) => new Map([[2, new Map([[1, { imported: energy, exported: 0n }]])]]);
  const bought = (energy: bigint) => new Map([[2, new Map([[1, { bought: energy, sold: 0n }]])]]);
  it("has a line for each meter and slot with what the utility must net", () => {
    const [head, row, end] = slotsToCsv(slotLines(imported(1_500n), bought(500n)), units).split("\r\n");
    expect(head).to.contain("meter").and.contain("bought locally (kWh)");
    expect(row).to.equal("1970-01-01T01:00:00.000Z,1,2,1.5,0,0.5,0,1,0");
    expect(end).to.equal("");
  });
  it("nets no more than the meter saw, so that every line adds up to its registers", () => {
    const [only] = slotLines(imported(97n), bought(100n));
    expect(only).to.include({ imported: 97n, bought: 97n, fromUtility: 0n });
  });
});
