import { expect } from "chai";
import { flowsBySlot, flowsOf, tradedBySlot } from "../../data/flows.ts";
import { batteryShares } from "./battery.ts";
import { validateRetire } from "./validate.ts";
import { divide, rangeOf, total } from "./periods.ts";

describe("where energy came from and went", () => {
  it("splits both directions without losing a unit", () => {
    const flows = flowsOf(100n, 60n, { bought: 30n, sold: 20n });
    expect(flows).to.include({ own: 40n, bought: 30n, sold: 20n, fromUtility: 30n, toUtility: 0n });
    expect(flows.own + flows.bought + flows.fromUtility).to.equal(flows.taken);
    expect(flows.own + flows.sold + flows.toUtility).to.equal(flows.given);
  });
  it("shows no more than the meter took when more was bought", () => {
    expect(flowsOf(10n, 0n, { bought: 30n, sold: 0n })).to.include({ bought: 10n, fromUtility: 0n });
  });
  it("adds up deliveries by slot and settled orders, for own meters only", () => {
    const bySlot = new Map([
      [7, 30n],
      [8, 20n],
    ]);
    const order = { slot: 8, meterId: 1, side: "bid" as const };
    const settled = { filled: 9n, energy: 5n, money: 0n, fee: 0n, penalty: 0n, inBlock: 0n };
    const traded = tradedBySlot(
      (meterId) => meterId === 1,
      [
        { sellerMeterId: 2, buyerMeterId: 1, bySlot },
        { sellerMeterId: 2, buyerMeterId: 3, bySlot },
      ],
      [
        { ...order, settled },
        { ...order, settled: undefined },
      ],
    );
    expect([...traded]).to.deep.equal([
      [7, { bought: 30n, sold: 0n }],
      [8, { bought: 25n, sold: 0n }],
    ]);
  });
  it("nets one's own meters only within a slot", () => {
    const flows = flowsBySlot(
      [
        new Map([[1, { imported: 10n, exported: 0n }]]),
        new Map([
          [1, { imported: 0n, exported: 4n }],
          [2, { imported: 0n, exported: 6n }],
        ]),
      ],
      new Map(),
    );
    expect(flows.get(1)).to.include({ own: 4n, fromUtility: 6n, toUtility: 0n });
    expect(flows.get(2)).to.include({ own: 0n, toUtility: 6n });
  });
});

describe("a meter that changed hands", () => {
  it("counts the trades of the slots in which it was one's own", () => {
    const bySlot = new Map([
      [7, 10n],
      [8, 20n],
    ]);
    const order = { meterId: 1, side: "ask" as const };
    const settled = { filled: 9n, energy: 5n, money: 0n, fee: 0n, penalty: 0n, inBlock: 0n };
    const traded = tradedBySlot(
      (meterId, slot) => meterId === 1 && slot >= 8,
      [{ sellerMeterId: 2, buyerMeterId: 1, bySlot }],
      [
        { ...order, slot: 7, settled },
        { ...order, slot: 9, settled },
      ],
    );
    expect([...traded]).to.deep.equal([
      [8, { bought: 20n, sold: 0n }],
      [9, { bought: 0n, sold: 5n }],
    ]);
  });
});

describe("retiring certificates", () => {
  const me = "0x00000000000000000000000000000000000000b1";
  const amount = (value: bigint) => ({ kind: "amount", value }) as const;
  it("needs an amount that is there, somebody, and a purpose", () => {
    expect(validateRetire("ready", amount(5n), 5n, ` ${me}`, "heat pump")).to.deep.equal([]);
    expect(validateRetire("ready", amount(6n), 5n, "0xb1", " ").map((reason) => reason.code)).to.deep.equal([
      "aboveCertificates",
      "addressInvalid",
      "purposeMissing",
    ]);
  });
});

describe("periods", () => {
  const local = (...at: [number, number, number, number?]) =>
    new Date(...(at as [number, number, number])).getTime() / 1000;
  const noon = new Date(2026, 10, 18, 12, 30).getTime() / 1000; // a Wednesday
  it("begin and end where people's days, weeks and months do", () => {
    expect(rangeOf("day", noon, 0, 900)).to.include({ start: local(2026, 10, 18), end: local(2026, 10, 19) });
    expect(rangeOf("week", noon, 0, 900)).to.include({ start: local(2026, 10, 16), end: local(2026, 10, 23) });
    expect(rangeOf("month", noon, 1, 900)).to.include({ start: local(2026, 9, 1), end: local(2026, 10, 1) });
    expect(rangeOf("month", noon, 9, 900).starts).to.have.length(28);
  });
  it("divide an hour into slots", () => {
    expect(rangeOf("hour", noon, 0, 60).starts).to.have.length(60);
    expect(rangeOf("hour", noon, 0, 900).starts).to.have.length(4);
  });
  it("hold each slot once", () => {
    const range = rangeOf("day", noon, 0, 900);
    const slots = new Map(
      [-1, 0, 3, 4, 95, 96].map((i) => [range.start / 900 + i, flowsOf(1n, 0n, { bought: 0n, sold: 0n })]),
    );
    const parts = divide(slots, range, 900);
    expect(total(parts).taken).to.equal(4n);
    expect(parts[0]!.flows.taken).to.equal(2n);
  });
});

describe("a battery's shares", () => {
  const half = { stateOfCharge: 500, capacityWh: 10_000 };
  it("are what is promised, what is free, and room", () => {
    expect(batteryShares(half, 2_000n, 1_000n)).to.deep.equal({
      capacity: 10_000n,
      stored: 5_000n,
      locked: 2_000n,
      free: 3_000n,
      missing: 0n,
    });
    expect(batteryShares(half, 0n, 1_000_000n)).to.include({ stored: 5_000_000n });
  });
  it("say what has been promised and is not there", () => {
    expect(batteryShares(half, 6_500n, 1_000n)).to.include({ locked: 5_000n, free: 0n, missing: 1_500n });
  });
});
