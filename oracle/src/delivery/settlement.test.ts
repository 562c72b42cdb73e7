import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import { type DeliveryView, Settlement, type SettlementInputs, planSettlement } from "./settlement.ts";

const D = 60;
// slots 10 (600, 660] to 14 (840, 900]
const view = (change: Partial<DeliveryView> = {}): DeliveryView => ({
  energy: 1_000n,
  delivered: 0n,
  startSlot: 10,
  deadlineSlot: 14,
  deadline: 900,
  closed: false,
  sellerTakenAt: 600,
  buyerTakenAt: 600,
  resolution: 1n,
  ...change,
});

const plan = (of: Partial<DeliveryView>, change: Partial<SettlementInputs> = {}) =>
  planSettlement({
    view: view(of),
    role: "source",
    ended: undefined,
    moved: 10n,
    settledMoved: 0n,
    settled: new Map(),
    headTimestamp: 730,
    slotDuration: D,
    grace: 120,
    ...change,
  });

const target = { because: "target", at: 700 } as const;

describe("what to settle and when to close", () => {
  const nothing = { settle: [], close: false };
  const table: [string, Partial<DeliveryView>, Partial<SettlementInputs>, ReturnType<typeof plan>][] = [
    ["nothing while a meter has not been read since the purchase's slot began", { sellerTakenAt: 720 }, {}, nothing],
    [
      "the current slot once both have been read in it",
      { sellerTakenAt: 640, buyerTakenAt: 630 },
      {},
      { settle: [10], close: false },
    ],
    ["every slot both have reached", { sellerTakenAt: 720, buyerTakenAt: 725 }, {}, { settle: [10, 11], close: false }],
    [
      "nothing when our meter has moved nothing since the last time",
      { sellerTakenAt: 720, buyerTakenAt: 720 },
      { settledMoved: 10n },
      nothing,
    ],
    [
      "a finished slot once, the current one after each new reading",
      { sellerTakenAt: 700, buyerTakenAt: 700 },
      {
        settled: new Map([
          [10, 660],
          [11, 680],
        ]),
      },
      { settle: [11], close: false },
    ],
    ["complete: close", { delivered: 1_000n, sellerTakenAt: 700, buyerTakenAt: 690 }, {}, { settle: [], close: true }],
    [
      "complete, but the seller's side goes first",
      { delivered: 1_000n, sellerTakenAt: 725, buyerTakenAt: 724 },
      { role: "sink" },
      nothing,
    ],
    [
      "complete, and the seller's side did not",
      { delivered: 1_000n, sellerTakenAt: 722, buyerTakenAt: 722 },
      { role: "sink" },
      { settle: [], close: true },
    ],
    ["closed: nothing at all", { closed: true, delivered: 1_000n }, {}, nothing],
    [
      "ended early: the first close ends it with the current slot",
      {},
      { ended: { because: "no-flow", at: 730 } },
      { settle: [], close: true },
    ],
    [
      "ended early in the last slot: there is nothing to cut off",
      {},
      { ended: { because: "no-flow", at: 850 }, headTimestamp: 850 },
      nothing,
    ],
    [
      "the target is reached: the other side's last reading may complete it",
      {},
      { ended: target, headTimestamp: 729 },
      nothing,
    ],
    ["the target was reached long ago", {}, { ended: target, headTimestamp: 730 }, { settle: [], close: true }],
    [
      "settling goes before ending early",
      { sellerTakenAt: 640, buyerTakenAt: 630 },
      { ended: { because: "fault", at: 640 } },
      { settle: [10], close: false },
    ],
    [
      "past the deadline, both meters read: close",
      { sellerTakenAt: 900, buyerTakenAt: 905 },
      { headTimestamp: 905 },
      { settle: [], close: true },
    ],
    [
      "past the deadline, one meter silent: not before the grace is over",
      { sellerTakenAt: 900 },
      { headTimestamp: 1_020, settledMoved: 10n },
      nothing,
    ],
    [
      "past the grace: close whoever was silent",
      { sellerTakenAt: 900 },
      { headTimestamp: 1_021 },
      { settle: [], close: true },
    ],
    [
      "past the grace the sink leaves it to the source at first",
      { sellerTakenAt: 900 },
      { headTimestamp: 1_027, role: "sink" },
      nothing,
    ],
    ["… and then does it", { sellerTakenAt: 900 }, { headTimestamp: 1_028, role: "sink" }, { settle: [], close: true }],
  ];
  for (const [what, of, change, expected] of table) {
    it(what, () => expect(plan(of, change)).to.deep.equal(expected));
  }
});

describe("settlement", () => {
  it("does not repeat a refused close before its pause is over, and pauses longer each time", async () => {
    const clock = new ManualClock();
    const calls: number[] = [];
    const settlement = new Settlement({
      deliveryId: 1n,
      role: "source",
      settler: {
        settle: () => Promise.resolve({ status: "mined" }),
        close: () => {
          calls.push(clock.monotonicMs());
          return Promise.resolve({ status: "refused", error: "DeliveryNotDue", reason: "DeliveryNotDue" });
        },
      },
      slotDuration: D,
      grace: 120,
      clock,
      log: createLogger({ write: () => undefined }),
    });
    for (let second = 0; second < 60; second++) {
      await settlement.step(view({ delivered: 1_000n }), 0n, undefined, 800 + second);
      await clock.advance(1_000);
    }
    expect(calls).to.deep.equal([0, 5_000, 15_000, 35_000]);
  });
});
