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

const DAY = 86_400;
/** Seconds a slot must still take orders to be worth filling in. */
const RESERVE = 30;
/** Slots shown at a time. */
const PAGE = 24;
/**
 * Orders of one transaction, which may use 2²⁴ gas (EIP-7825), reserve included: about 105,000 for one that is the first of
 * its slot, and 40,000 for any other.
 */
const PER_TRANSACTION = 100;

const isOpen = (slot: number, now: number, times: SlotTimes) => gateOf(slot, times) - now > RESERVE;

/** The slots of a day from now on, as far as they take orders already. */
export function curveSlots(now: number, current: number, times: SlotTimes): number[] {
  const day = Math.ceil(DAY / times.slotDuration);
  return Array.from({ length: times.openAhead }, (_, i) => current + 1 + i)
    .filter((slot) => isOpen(slot, now, times))
    .slice(0, day);
}

export interface CurvePage {
  /** Stays the same while slots close. */
  number: number;
  slots: number[];
}

/** The slots by pages, less those that have closed since. None moves to another page while somebody types. */
export function curvePages(slots: readonly number[], now: number, times: SlotTimes): CurvePage[] {
  return inParts(slots, PAGE)
    .map((part, number) => ({ number, slots: part.filter((slot) => isOpen(slot, now, times)) }))
    .filter((page) => page.slots.length > 0);
}

/** Orders by transactions. */
export const curveBatches = <T>(orders: readonly T[]): T[][] => inParts(orders, PER_TRANSACTION);

function inParts<T>(list: readonly T[], size: number): T[][] {
  return Array.from({ length: Math.ceil(list.length / size) }, (_, i) => list.slice(i * size, (i + 1) * size));
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

/** What keeps a curve from being sent; nothing of it goes while anything of it is wrong. */
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
