/** What moved an account's free money. Pure; base units. */
import type { Hex } from "@ioe/protocol";
import { sameAddress } from "../../data/address.ts";
import type { DeliveryRecord, Ledger, OrderRecord } from "../../data/index.ts";

/** What an entry is about. */
export type Subject =
  | { kind: "deposited" | "withdrawn"; transaction: Hex }
  | { kind: "bought" | "sold"; delivery: DeliveryRecord }
  | { kind: "bid" | "ask"; order: OrderRecord };

export type Entry = Subject & {
  key: string;
  /** Block of the latest change. */
  block: bigint;
  /** Change of the free money: below zero when it was paid or set aside. */
  amount: bigint;
  /** The rest comes back when the trade is over. */
  isSetAside: boolean;
};

/**
 * All that has moved an account's free money, newest first; the entries add up to it. A trade is one entry: what it set
 * aside while it runs, what it cost or earned when it is over.
 */
export function statementOf(ledger: Ledger, account: string): Entry[] {
  const entries: Entry[] = [];
  for (const [i, move] of (ledger.moves.get(account.toLowerCase()) ?? []).entries()) {
    const { kind, inBlock: block, transaction } = move;
    const amount = kind === "deposited" ? move.amount : -move.amount;
    entries.push({ kind, transaction, key: `move-${i}`, block, amount, isSetAside: false });
  }
  for (const delivery of ledger.deliveries.values()) {
    const { id, bill, locked, paid } = delivery;
    const block = delivery.closedInBlock ?? delivery.boughtInBlock;
    if (sameAddress(delivery.buyer, account)) {
      const amount = bill ? -bill.cost : -locked;
      entries.push({ kind: "bought", delivery, key: `bought-${id}`, block, amount, isSetAside: !bill });
    }
    if (sameAddress(delivery.seller, account) && paid > 0n) {
      entries.push({ kind: "sold", delivery, key: `sold-${id}`, block, amount: paid, isSetAside: false });
    }
  }
  for (const order of ledger.orders.values()) {
    if (!sameAddress(order.account, account)) continue;
    const { id, side: kind, settled, locked, placedInBlock } = order;
    const net = settled ? settled.money - settled.penalty : locked;
    const amount = settled && kind === "ask" ? net : -net;
    const block = settled?.inBlock ?? placedInBlock;
    if (amount !== 0n) entries.push({ kind, order, key: `order-${id}`, block, amount, isSetAside: !settled });
  }
  return entries.sort((a, b) => (a.block < b.block ? 1 : a.block > b.block ? -1 : 0));
}
