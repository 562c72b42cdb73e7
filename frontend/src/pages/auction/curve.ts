/** Orders for many slots at once. Pure. */
import type { Parsed } from "../../format/index.ts";
import type { Reason } from "../../text/index.ts";
import { gateOf, type SlotTimes } from "./slots.ts";
import { limitReasons, traderReasons, moneyReasons, type OrderContext } from "./validate.ts";

export interface CurveSlot {
  slot: number;
  /** What was typed for it; empty: no order. */
  energy: Parsed;
}

/** Slots offered together: a person can oversee a day of hours, or some of the demo's minutes. */
export const MOST_SLOTS = 24;

/** The next slots that still take orders for at least `reserve` seconds. */
export function curveSlots(now: number, current: number, times: SlotTimes, reserve = 30): number[] {
  const count = Math.min(MOST_SLOTS, times.openAhead);
  return Array.from({ length: times.openAhead }, (_, i) => current + 1 + i)
    .filter((slot) => gateOf(slot, times) - now > reserve)
    .slice(0, count);
}

/** The orders of a curve; slots left empty have none. */
export function curveOrders(slots: readonly CurveSlot[]): { slot: number; energy: bigint }[] {
  return slots.flatMap(({ slot, energy }) =>
    energy.kind === "amount" && energy.value > 0n ? [{ slot, energy: energy.value }] : [],
  );
}

export interface CurveContext extends Pick<
  OrderContext,
  "session" | "paused" | "meter" | "lack" | "least" | "most" | "limit" | "limitPrice" | "due" | "funds"
> {
  slots: readonly CurveSlot[];
  /** As for one order, of every slot that has one. */
  bounds: readonly OrderContext["bounds"][];
}

/** What keeps a curve from being sent; all its orders go together or not at all. */
export function validateCurve(context: CurveContext): Reason[] {
  const { meter, slots, least, most, limit, limitPrice, bounds } = context;
  const reasons = traderReasons(context);
  for (const { energy } of slots)
    if (energy.kind === "invalid") return [...reasons, { code: "amountInvalid", message: energy.message }];
  const orders = curveOrders(slots);
  if (orders.length === 0) reasons.push({ code: "nothingChosen" });
  if (orders.some(({ energy }) => energy < least)) reasons.push({ code: "orderTooSmall", least });
  if (meter && orders.some(({ energy }) => energy > most)) reasons.push({ code: "orderTooLarge", most });
  return [...reasons, ...limitReasons(limit, limitPrice, bounds), ...moneyReasons(context)];
}
