/** What moved an account's free money. Pure; base units. */
import type { Hex } from "@ioe/protocol";
import { sameAddress } from "../../data/address.ts";
import type { DeliveryRecord, Ledger, OrderRecord } from "../../data/index.ts";

/** What an entry is about. */
export type Subject =
  | { kind: "deposited" | "withdrawn"; transaction: Hex }
  | { kind: "bought" | "sold"; delivery: DeliveryRecord }
  | { kind: "bid" | "ask"; order: OrderRecord }
  | { kind: "fee" | "dust"; delivery: DeliveryRecord }
  | { kind: "slotFee" | "slotDust"; slot: number; transaction: Hex };

/** Who gets a market's grid fees, and what its rounding leaves. */
export interface Receivers {
  gridOperator: string;
  dustAccount: string;
}

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
export function statementOf(
  ledger: Ledger,
  account: string,
  receivers: { market: Receivers; auction: Receivers },
): Entry[] {
  const { market, auction } = receivers;
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
    if (!bill) continue;
    if (sameAddress(market.gridOperator, account) && bill.gridFee > 0n) {
      entries.push({ kind: "fee", delivery, key: `fee-${id}`, block, amount: bill.gridFee, isSetAside: false });
    }
    const dust = bill.cost - bill.sellerPaid - bill.gridFee;
    if (sameAddress(market.dustAccount, account) && dust > 0n) {
      entries.push({ kind: "dust", delivery, key: `dust-${id}`, block, amount: dust, isSetAside: false });
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
  for (const { slot, fee, dust } of ledger.auctions.values()) {
    for (const [kind, credit, receiver] of [
      ["slotFee", fee, auction.gridOperator],
      ["slotDust", dust, auction.dustAccount],
    ] as const) {
      if (!credit || credit.amount === 0n || !sameAddress(receiver, account)) continue;
      const { amount, inBlock: block, transaction } = credit;
      entries.push({ kind, slot, transaction, key: `${kind}-${slot}`, block, amount, isSetAside: false });
    }
  }
  return entries.sort((a, b) => (a.block < b.block ? 1 : a.block > b.block ? -1 : 0));
}
