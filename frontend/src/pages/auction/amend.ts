/** What becomes of an order that is being changed. Pure. */
import { type OrderKey, packOrderId } from "@ioe/protocol";
import { sameAddress } from "../../data/address.ts";
import type { OrderRecord } from "../../data/index.ts";
import type { Depth } from "./book.ts";
import { levelOf } from "./limit.ts";
import { gateOf, type SlotTimes } from "./slots.ts";

/** The order as it still stands, so that it can be changed: neither taken back nor settled, and its gate is open. */
export function openOrder(
  amended: OrderRecord | undefined,
  orders: readonly OrderRecord[] | undefined,
  now: number,
  times: SlotTimes,
): OrderRecord | undefined {
  const order = orders?.find(({ id }) => id === amended?.id);
  return order && !order.settled && now < gateOf(order.slot, times) ? order : undefined;
}

/**
 * The contract changes only the energy of an order. With any other term it would stand beside the new one, and both would
 * have money set aside: so it is taken back first.
 * @param next undefined while the form is not filled in
 */
export const mustTakeBack = (order: OrderRecord | undefined, next: OrderKey | undefined): OrderRecord | undefined =>
  order && next && order.id !== packOrderId(next) ? order : undefined;

/** Money that an order which is taken back gives an account. */
export const freedBy = (takenBack: OrderRecord | undefined, account: string | undefined): bigint =>
  takenBack && sameAddress(takenBack.account, account) ? takenBack.locked : 0n;

/** A slot's book as it is without an order. */
export function bookWithout<B extends Depth & { slot: number; feeTicks: number }>(
  book: B,
  order: OrderRecord | undefined,
): B {
  if (order?.slot !== book.slot) return book;
  const totals = order.side === "bid" ? "bids" : "asks";
  const level = levelOf(order, book.feeTicks);
  return { ...book, [totals]: book[totals].with(level, (book[totals][level] ?? 0n) - order.energy) };
}
