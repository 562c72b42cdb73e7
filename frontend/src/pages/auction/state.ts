import type { AuctionRecord, OrderRecord, Status } from "../../data/index.ts";
import { type Depth, totalOf } from "./book.ts";
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

/** How far a slot's book has come: it takes orders, waits for its price, stays without orders and price, or is final. */
export type BookState = "open" | "closed" | "closedEmpty" | "cleared" | "void";

/** A slot that nobody ordered in is never cleared: what becomes of it is told by its gate. @param now chain time, Unix seconds */
export function bookStateOf(book: Depth & { slot: number; status: Status }, now: number, times: SlotTimes): BookState {
  if (book.status === "cleared" || book.status === "finalized") return "cleared";
  if (book.status === "void") return "void";
  if (now < gateOf(book.slot, times)) return "open";
  return totalOf(book.bids) + totalOf(book.asks) === 0n ? "closedEmpty" : "closed";
}
