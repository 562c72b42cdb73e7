import { endOf, type OrderKey } from "@ioe/protocol";

/** As in ICallAuction. */
export const STATUS = ["none", "open", "cleared", "finalized", "void"] as const;
export type Status = (typeof STATUS)[number];

/** A slot's auction and its open orders, all of one block. */
export interface SlotView {
  readonly slot: number;
  readonly status: Status;
  /** Energy of accepted asks that are not settled yet. */
  readonly openAsks: bigint;
  readonly orders: readonly OrderView[];
}

export interface Order extends OrderKey {
  readonly id: bigint;
}

export interface OrderView extends Order {
  /** Energy the clearing accepted. */
  readonly filled: bigint;
  /** Nothing more can be booked for the order's meter in its slot. */
  readonly meterFinal: boolean;
}

/** Times in seconds; see ICallAuction for their meaning. */
export interface Times {
  readonly slotDuration: number;
  readonly gateClosure: number;
  readonly claimWindow: number;
}

/** After a start or an outage, so many slots are looked at again. */
const MISSED_SLOTS = 96;

export interface SlotPlan {
  readonly clear: boolean;
  /** Orders that `settle` would not skip. */
  readonly settle: bigint[];
}

/**
 * What a slot needs at a time:
 *
 *   gate closure .. start   clear
 *   void                    settle everything: all locks go back
 *   cleared                 settle what the clearing left out, and asks as their meters become final;
 *                           bids when no accepted ask is open, or when the claim window is over
 *   finalized               settle what is left
 */
export function planSlot(view: SlotView, now: number, times: Times): SlotPlan {
  const start = endOf(view.slot - 1, times.slotDuration);
  switch (view.status) {
    case "none":
      return { clear: false, settle: [] };
    case "open":
      return { clear: now >= start - times.gateClosure && now < start, settle: [] };
    case "void":
    case "finalized":
      return { clear: false, settle: view.orders.map(({ id }) => id) };
    case "cleared": {
      const windowOver = now > endOf(view.slot, times.slotDuration) + times.claimWindow;
      const bidsDue = view.openAsks === 0n || windowOver;
      const due = view.orders.filter(({ side, filled, meterFinal }) => {
        if (filled === 0n || windowOver) return true;
        return side === "ask" ? meterFinal : bidsDue;
      });
      return { clear: false, settle: due.map(({ id }) => id) };
    }
  }
}

/**
 * Slots whose feeder check is due: their totals are frozen, and nobody has looked at them yet.
 * @param checkedTo newest slot that was looked at; nothing before the first look.
 * @param waitS so much later than the freezing, s: keepers that wait differently see each other's evidence.
 */
export function slotsToReconcile(
  checkedTo: number | undefined,
  now: number,
  { slotDuration }: Pick<Times, "slotDuration">,
  waitS: number,
): number[] {
  // The totals of a slot can still change until one slot after its end, see IMeterRegistry.totalsIn.
  const newest = Math.floor((now - waitS - 1) / slotDuration) - 2;
  const first = Math.max((checkedTo ?? -1) + 1, newest - MISSED_SLOTS);
  return Array.from({ length: Math.max(newest - first + 1, 0) }, (_, i) => first + i);
}
