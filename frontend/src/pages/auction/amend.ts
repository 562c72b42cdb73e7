/** What becomes of an order that is being changed. Pure. */
import { type OrderKey, packOrderId } from "@ioe/protocol";
import { sameAddress } from "../../data/address.ts";
import type { OrderRecord } from "../../data/index.ts";
import type { Depth } from "./book.ts";
import { levelOf } from "./limit.ts";
import { gateOf, type SlotTimes } from "./slots.ts";

/** An order that is to be changed, as it is by now. */
export interface Amendment {
  order: OrderRecord;
  /** Its gate is closed, so that a new order would stand beside it. */
  isLate: boolean;
}

/** @returns undefined when there is none, or when it has been taken back: a new order has nothing to stand beside. */
export function amendmentOf(
  amended: OrderRecord | undefined,
  orders: readonly OrderRecord[] | undefined,
  now: number,
  times: SlotTimes,
): Amendment | undefined {
  const order = orders?.find(({ id }) => id === amended?.id);
  return order && { order, isLate: order.settled !== undefined || now >= gateOf(order.slot, times) };
}

/**
 * The contract changes only the energy of an order. With any other term it would stand beside the new one, and both would
 * have money set aside: so it is taken back first.
 * @param next undefined while the form is not filled in
 */
export const mustTakeBack = (order: OrderRecord | undefined, next: OrderKey | undefined): OrderRecord | undefined =>
  order && next && order.id !== packOrderId(next) ? order : undefined;

/** Money that an order which is taken back, or replaced, gives an account. */
export const freedBy = (before: OrderRecord | undefined, account: string | undefined): bigint =>
  before && sameAddress(before.account, account) ? before.locked : 0n;

/** How what a new order sets aside compares with what the order before it frees. */
export function lockChange(freed: bigint, locked: bigint): { kind: "none" } | { kind: "kept" | "back"; money: bigint } {
  if (freed === 0n) return { kind: "none" };
  return freed > locked ? { kind: "back", money: freed - locked } : { kind: "kept", money: freed };
}

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
