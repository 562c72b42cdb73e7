import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import type { Role } from "./routes.ts";
import { type DeliveryView, Settlement, type SettlementInputs, type Settler, planSettlement } from "./settlement.ts";

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
      "ended early with something left to settle",
      { sellerTakenAt: 640, buyerTakenAt: 630 },
      { ended: { because: "fault", at: 640 } },
      { settle: [10], close: true },
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
  ];
  for (const [what, of, change, expected] of table) {
    it(what, () => expect(plan(of, change)).to.deep.equal(expected));
  }
});

describe("settlement", () => {
  type Outcome = Awaited<ReturnType<Settler["close"]>>;
  const ended = { because: "no-flow", at: 700 } as const;
  const complete = view({ delivered: 1_000n });

  /** One side's settlement, a block every so many seconds, and what it has told the market by when. */
  function settling(role: Role, secondsPerBlock: number, answer: Outcome = { status: "mined" }) {
    const clock = new ManualClock();
    const calls: string[] = [];
    const settlement = new Settlement({
      deliveryId: 1n,
      role,
      settler: {
        settle: (_id, slot) => {
          calls.push(`${clock.monotonicMs() / 1_000}: settle ${slot}`);
          return Promise.resolve({ status: "mined" });
        },
        close: () => {
          calls.push(`${clock.monotonicMs() / 1_000}: close`);
          return Promise.resolve(answer);
        },
      },
      slotDuration: D,
      grace: 120,
      clock,
      log: createLogger({ write: () => undefined }),
    });
    let number = 0n;
    const live = async (state: DeliveryView, blocks: number, moved = 0n) => {
      for (let i = 0; i < blocks; i++) {
        const timestamp = 730 + clock.monotonicMs() / 1_000;
        await settlement.step(state, moved, ended, { number: number++, timestamp });
        await clock.advance(secondsPerBlock * 1_000);
      }
    };
    return { calls, live };
  }

  it("does not repeat a refused close before its pause is over, and pauses longer each time", async () => {
    const answer = { status: "refused", error: "DeliveryNotDue", reason: "DeliveryNotDue" };
    const { calls, live } = settling("source", 1, answer);
    await live(complete, 60);
    expect(calls).to.deep.equal(["0: close", "5: close", "15: close", "35: close"]);
  });

  for (const [secondsPerBlock, closesAt] of [
    [1, 8],
    [2, 8],
    [12, 36],
  ] as const) {
    it(`the sink closes ${closesAt} s after the source could have, with a block every ${secondsPerBlock} s`, async () => {
      const { calls, live } = settling("sink", secondsPerBlock);
      await live(complete, closesAt / secondsPerBlock);
      expect(calls).to.deep.equal([]);
      await live(complete, 1);
      expect(calls).to.deep.equal([`${closesAt}: close`]);
    });
  }

  it("readings that come meanwhile are settled first, and do not put the sink's turn off", async () => {
    const { calls, live } = settling("sink", 2);
    for (let i = 0; i < 2; i++) {
      const takenAt = 620 + 10 * i;
      await live(view({ sellerTakenAt: takenAt, buyerTakenAt: takenAt }), 2, BigInt(10 + i));
    }
    expect(calls).to.deep.equal(["0: settle 10", "4: settle 10"]);
    await live(view({ sellerTakenAt: 630, buyerTakenAt: 630 }), 1, 11n);
    expect(calls.at(-1)).to.equal("8: close");
  });

  it("the sink leaves the source the first chance at each close anew: at the one that ends it, and at the last", async () => {
    const { calls, live } = settling("sink", 1);
    await live(view(), 5);
    const cutShort = view({ deadlineSlot: 12, deadline: 780 });
    await live(cutShort, 20);
    expect(calls).to.deep.equal([]);
    await live({ ...cutShort, sellerTakenAt: 780, buyerTakenAt: 780 }, 9);
    expect(calls).to.deep.equal(["33: close"]);
  });
});
