import { expect } from "chai";
import type { WordsHarness } from "../../types/contracts/index.ts";
import { ethers } from "./fixture.ts";

/** Name and bits of every field, from the lowest bit of the word on. */
type Layout = readonly (readonly [name: string, bits: number])[];
type Fields = Record<string, bigint>;

const OFFER: Layout = [
  ["meterId", 32],
  ["tenure", 16],
  ["energy", 32],
  ["minEnergy", 32],
  ["mode", 1],
  ["price", 48],
  ["expiresAt", 40],
];
const TRADE: Layout = [
  ["listingId", 32],
  ["buyerMeterId", 32],
  ["buyerTenure", 16],
  ["energy", 32],
  ["delivered", 32],
  ["price", 48],
  ["feeTicks", 8],
  ["startSlot", 40],
  ["lastSlot", 8],
  ["closed", 1],
];
const METER: Layout = [
  ["lastTakenAt", 40],
  ["imported", 64],
  ["exported", 64],
  ["maxPowerW", 32],
  ["resolution", 32],
  ["epoch", 16],
  ["sum", 1],
];
const BOOKING: Layout = [
  ["slot", 40],
  ["covered", 24],
  ["exported", 32],
  ["imported", 32],
  ["exportClaimed", 32],
  ["importClaimed", 32],
];
const TOTALS: Layout = [
  ["exported", 64],
  ["imported", 64],
  ["completeMeters", 32],
];

const largest = (bits: number): bigint => (1n << BigInt(bits)) - 1n;

/** An enum or a flag takes a whole byte of the word. */
const widthOf = (bits: number): bigint => BigInt(Math.max(bits, 8));

function pack(layout: Layout, fields: Fields): bigint {
  let [word, offset] = [0n, 0n];
  for (const [name, bits] of layout) {
    word |= (fields[name] ?? 0n) << offset;
    offset += widthOf(bits);
  }
  return word;
}

const full = (layout: Layout): Fields => Object.fromEntries(layout.map(([name, bits]) => [name, largest(bits)]));

/** Nothing, everything, each field alone as large as can be, and each one missing from everything. */
function casesOf(layout: Layout): Fields[] {
  const [none, all] = [Object.fromEntries(layout.map(([name]) => [name, 0n])), full(layout)];
  const single = layout.map(([name, bits]) => ({ ...none, [name]: largest(bits) }));
  return [none, all, ...single, ...layout.map(([name]) => ({ ...all, [name]: 0n }))];
}

/** What a contract answered, flags as numbers. */
const numbers = (answer: Iterable<unknown>): bigint[] => [...answer].map((value) => BigInt(value as bigint | boolean));

describe("packed words", () => {
  let harness: WordsHarness;
  before(async () => {
    harness = await ethers.deployContract("WordsHarness");
  });

  it("keep every field of an offer and of a trade apart, up to the largest", async () => {
    for (const fields of casesOf(OFFER)) {
      const word = pack(OFFER, fields);
      const { fields: read, again } = await harness.offer(word);
      expect([numbers(read), again]).to.deep.equal([Object.values(fields), word]);
    }
    for (const fields of casesOf(TRADE)) {
      const word = pack(TRADE, fields);
      const { fields: read, again } = await harness.trade(word);
      expect([numbers(read), again]).to.deep.equal([Object.values(fields), word]);
    }
  });

  it("keep every field of a meter apart, up to the largest", async () => {
    for (const fields of casesOf(METER)) {
      expect(numbers(await harness.meter(pack(METER, fields)))).to.deep.equal(Object.values(fields));
    }
    for (const [maxPowerW, resolution] of [
      [largest(32), 0n],
      [0n, largest(32)],
    ] as const) {
      expect(await harness.newMeter(maxPowerW, resolution)).to.equal(pack(METER, { maxPowerW, resolution }));
    }
  });

  it("change in a meter what is told and nothing else", async () => {
    for (const fields of casesOf(METER)) {
      const word = pack(METER, fields);
      for (const [lastTakenAt, imported, exported] of [
        [largest(40), 0n, 0n],
        [0n, largest(64), 0n],
        [0n, 0n, largest(64)],
      ] as const) {
        const moved = { ...fields, lastTakenAt, imported, exported };
        expect(await harness.moved(word, lastTakenAt, imported, exported)).to.equal(pack(METER, moved));
      }
      for (const epoch of [0n, 1n, largest(16)]) {
        expect(await harness.withEpoch(word, epoch)).to.equal(pack(METER, { ...fields, epoch }));
      }
      for (const sum of [0n, 1n, 2n]) {
        expect(await harness.withSum(word, sum)).to.equal(pack(METER, { ...fields, sum }));
      }
    }
  });

  it("keep every field of a booking apart, and what is left of it", async () => {
    for (const fields of casesOf(BOOKING)) {
      const { slot, covered, exported, imported, exportClaimed, importClaimed } = fields as Record<string, bigint>;
      const answer = harness.booking(pack(BOOKING, fields));
      if (exportClaimed! > exported! || importClaimed! > imported!) await expect(answer).to.be.revertedWithPanic(0x11);
      else {
        const left = [exported! - exportClaimed!, imported! - importClaimed!];
        expect(await answer).to.deep.equal([slot, covered, exported, imported, ...left]);
      }
    }
  });

  it("change in a booking what is told and nothing else", async () => {
    for (const fields of casesOf(BOOKING)) {
      const word = pack(BOOKING, fields);
      for (const covered of [0n, 1n, largest(24)]) {
        expect(await harness.withCovered(word, covered)).to.equal(pack(BOOKING, { ...fields, covered }));
      }
      for (const slot of [fields.slot!, fields.slot! ^ 1n, fields.slot! ^ (1n << 39n)]) {
        expect(await harness.atSlot(word, slot)).to.equal(slot === fields.slot ? word : slot);
      }
    }
    const fields = { ...full(BOOKING), exported: 3n, imported: 5n, exportClaimed: 1n, importClaimed: 2n };
    const word = pack(BOOKING, fields);
    expect(await harness.booked(word, 7, 11)).to.equal(pack(BOOKING, { ...fields, exported: 10n, imported: 16n }));
    const most = { ...fields, exported: largest(32), imported: largest(32) };
    expect(await harness.booked(word, most.exported - 3n, most.imported - 5n)).to.equal(pack(BOOKING, most));
    const claims = { exportClaimed: 3n, importClaimed: 5n };
    expect(await harness.claimed(word, 2, 3)).to.equal(pack(BOOKING, { ...fields, ...claims }));
  });

  it("add up the meters of a slot, the complete ones counted", async () => {
    for (const fields of casesOf(TOTALS)) {
      expect(await harness.totals(pack(TOTALS, fields))).to.deep.equal(Object.values(fields));
    }
    const fields = { exported: 2n ** 40n, imported: 2n ** 41n, completeMeters: 7n };
    const sums = { exported: fields.exported + largest(32), imported: fields.imported + largest(32) };
    const add = (complete: boolean) => harness.added(pack(TOTALS, fields), largest(32), largest(32), complete);
    expect(await add(false)).to.equal(pack(TOTALS, { ...fields, ...sums }));
    expect(await add(true)).to.equal(pack(TOTALS, { ...fields, ...sums, completeMeters: 8n }));
  });
});
