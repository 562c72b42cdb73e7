import type { AuctionRecord, OrderRecord } from "../../data/index.ts";
import { gateOf, type SlotTimes } from "./slots.ts";

/** How far an order that is not settled has come. */
export type OrderState =
  | { kind: "open"; until: number }
  | { kind: "gateClosed" }
  | { kind: "accepted"; filled: bigint }
  | { kind: "rejected" }
  | { kind: "void" }
  | { kind: "reading" };

/**
 * @param filled what the clearing accepted; undefined while it is read
 * @param now chain time, Unix seconds
 */
export function stateOf(
  order: Pick<OrderRecord, "slot">,
  auction: Pick<AuctionRecord, "cleared"> | undefined,
  filled: bigint | undefined,
  now: number,
  times: SlotTimes,
): OrderState {
  if (auction?.cleared) {
    if (auction.cleared.volume === 0n) return { kind: "rejected" };
    if (filled === undefined) return { kind: "reading" };
    return filled > 0n ? { kind: "accepted", filled } : { kind: "rejected" };
  }
  const gate = gateOf(order.slot, times);
  if (now < gate) return { kind: "open", until: gate };
  return isVoid(order.slot, auction, now, times) ? { kind: "void" } : { kind: "gateClosed" };
}

/** Nobody asked for the price before the slot began: all its orders are without effect. */
export function isVoid(
  slot: number,
  auction: Pick<AuctionRecord, "cleared"> | undefined,
  now: number,
  { slotDuration }: SlotTimes,
): boolean {
  return !auction?.cleared && now > slot * slotDuration;
}
