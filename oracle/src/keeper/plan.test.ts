import { expect } from "chai";
import { type OrderView, planSlot, slotsToReconcile, type SlotView, type Status, type Times } from "./plan.ts";

const times: Times = { slotDuration: 60, gateClosure: 15, claimWindow: 600 };
const SLOT = 10;
/** The slot's energy flows from START to END. */
const START = 600;
const END = 660;

const order = (id: bigint, side: "bid" | "ask", filled: bigint, meterFinal = false): OrderView => ({
  id,
  slot: SLOT,
  meterId: Number(id),
  side,
  tick: 0,
  filled,
  meterFinal,
});
const view = (status: Status, orders: OrderView[] = [], openAsks = 0n): SlotView => ({
  slot: SLOT,
  status,
  openAsks,
  orders,
});

describe("the keeper's plan for a slot", () => {
  it("clears between gate closure and the slot's start, and at no other time", () => {
    const clears = (now: number) => planSlot(view("open"), now, times).clear;
    expect([START - 16, START - 15, START - 1, START].map(clears)).to.deep.equal([false, true, true, false]);
    expect(planSlot(view("cleared"), START - 10, times).clear).to.equal(false);
  });

  it("gives everybody the lock of a void slot back", () => {
    const orders = [order(1n, "bid", 0n), order(2n, "ask", 0n)];
    expect(planSlot(view("void", orders), START, times).settle).to.deep.equal([1n, 2n]);
  });

  const accepted = [order(1n, "bid", 5n), order(2n, "ask", 5n, true), order(3n, "ask", 5n), order(4n, "bid", 0n)];

  it("settles what the clearing left out at once, asks when their meter is final, and keeps bids for after all asks", () => {
    expect(planSlot(view("cleared", accepted, 10n), END + 5, times).settle).to.deep.equal([2n, 4n]);
    expect(planSlot(view("cleared", [accepted[0]!], 0n), END + 5, times).settle).to.deep.equal([1n]);
  });

  it("settles everything when the claim window is over", () => {
    expect(planSlot(view("cleared", accepted, 10n), END + 601, times).settle).to.deep.equal([1n, 2n, 3n, 4n]);
  });
});

describe("the keeper's feeder check", () => {
  const FROZEN = END + times.slotDuration;
  const slots = (checkedTo: number | undefined, now: number, waitS = 0) =>
    slotsToReconcile(checkedTo, now, times, waitS);

  it("looks at a slot once, when its totals can no longer change", () => {
    expect(slots(SLOT - 1, FROZEN)).to.deep.equal([]);
    expect(slots(SLOT - 1, FROZEN + 1)).to.deep.equal([SLOT]);
    expect(slots(SLOT, FROZEN + 1)).to.deep.equal([]);
  });

  it("waits, so that of two keepers the later one sees the other's evidence", () => {
    expect(slots(SLOT - 1, FROZEN + 7, 7)).to.deep.equal([]);
    expect(slots(SLOT - 1, FROZEN + 8, 7)).to.deep.equal([SLOT]);
  });

  it("catches up after an outage, but not for ever", () => {
    expect(slots(SLOT - 3, FROZEN + 1)).to.deep.equal([SLOT - 2, SLOT - 1, SLOT]);
    expect(slots(0, 1_000_000)).to.have.lengthOf(97);
    expect(slots(undefined, 1_000_000), "after a start").to.deep.equal(slots(0, 1_000_000));
    expect(slots(undefined, FROZEN + 1).at(0), "no slot before the first").to.equal(0);
  });
});
