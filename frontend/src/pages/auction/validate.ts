import type { Parsed } from "../../format/index.ts";
import { amountReasons, type MeterLack, meterReasons, type SessionKind, sessionReasons } from "../../forms/index.ts";
import type { Reason } from "../../text/index.ts";

export interface OrderContext {
  session: SessionKind;
  paused: boolean;
  /** Chain time, Unix seconds. */
  now: number;
  /** From this instant on the slot takes no more orders. */
  gate: number;
  /** The order that was to be changed no longer can be. */
  changeTooLate: boolean;
  meter: { id: number; active: boolean } | undefined;
  /** Why there is no meter, if there is none. */
  lack: MeterLack;
  energy: Parsed;
  /** Energy units: the smallest order, and what the meter moves in a slot. */
  least: bigint;
  most: bigint;
  /** As typed, base units per kWh. */
  limit: Parsed;
  /** The price step the limit counts as. */
  limitPrice: bigint | undefined;
  /** Base units per kWh; undefined while the slot's tariff is being read. */
  bounds: { lowest: bigint; highest: bigint } | undefined;
  /** What the order sets aside, less what the one it replaces has set aside already; base units. */
  due: bigint;
  /** Vault money of the meter's owner; undefined while it is being read. */
  funds: { free: bigint; auctionAllowed: boolean } | undefined;
}

/** Prices an order may name, base units per kWh. */
type Bounds = NonNullable<OrderContext["bounds"]>;

/** What keeps somebody from placing any order. */
export function traderReasons({
  session,
  paused,
  meter,
  lack,
}: Pick<OrderContext, "session" | "paused" | "meter" | "lack">): Reason[] {
  const reasons = sessionReasons(session);
  if (paused) reasons.push({ code: "auctionPaused" });
  return session === "ready" ? [...reasons, ...meterReasons(meter, lack)] : reasons;
}

/** @param bounds of every slot an order is for; undefined while a slot's tariff is being read */
export function limitReasons(
  limit: Parsed,
  limitPrice: bigint | undefined,
  bounds: readonly (Bounds | undefined)[],
): Reason[] {
  if (bounds.includes(undefined)) return [{ code: "loading" }];
  if (limit.kind === "empty") return [{ code: "priceMissing" }];
  if (limit.kind === "invalid") return [{ code: "priceInvalid", message: limit.message }];
  const isWithin = (each: Bounds | undefined) =>
    each !== undefined && limitPrice !== undefined && limitPrice >= each.lowest && limitPrice <= each.highest;
  const beyond = bounds.find((each) => !isWithin(each));
  return beyond ? [{ code: "limitOutOfRange", ...beyond }] : [];
}

/** An order that sets nothing aside needs neither money nor permission. */
export function moneyReasons({
  session,
  meter,
  due,
  funds,
}: Pick<OrderContext, "session" | "meter" | "due" | "funds">) {
  const reasons: Reason[] = [];
  if (session !== "ready" || !meter || due <= 0n) return reasons;
  if (!funds) return [{ code: "loading" } satisfies Reason];
  if (funds.free === 0n) reasons.push({ code: "depositFirst", missing: due });
  else if (due > funds.free) reasons.push({ code: "notEnoughMoney", cost: due, free: funds.free });
  if (!funds.auctionAllowed) reasons.push({ code: "auctionNotAllowed" });
  return reasons;
}

/** What keeps an order from being sent, first things first; empty when nothing does. */
export function validateOrder(context: OrderContext): Reason[] {
  const { now, gate, meter, energy, least, most, limit, limitPrice, bounds } = context;
  const reasons = traderReasons(context);
  // Another slot would not help.
  if (context.changeTooLate) reasons.push({ code: "changeTooLate" });
  else if (now >= gate) reasons.push({ code: "gateClosed", closedAt: gate });
  reasons.push(...amountReasons(energy));
  if (energy.kind === "amount" && energy.value > 0n) {
    if (energy.value < least) reasons.push({ code: "orderTooSmall", least });
    else if (meter && energy.value > most) reasons.push({ code: "orderTooLarge", most });
  }
  return [...reasons, ...limitReasons(limit, limitPrice, [bounds]), ...moneyReasons(context)];
}
