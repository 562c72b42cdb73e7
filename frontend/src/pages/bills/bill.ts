import { costUp, paymentDown } from "@ioe/protocol";
import type { AuctionRecord, DeliveryRecord, OrderRecord, Outcome } from "../../data/index.ts";

/**
 * One side of a closed delivery, or a settled order of the auction. Energy in energy units, money in base units, prices in
 * base units per kWh.
 */
export interface Bill {
  market: "direct" | "auction";
  /** Of the delivery or the order. */
  id: bigint;
  /** Slot of the energy; of a delivery: in which it was bought. */
  slot: number;
  side: "bought" | "sold";
  /** Unix seconds. */
  closedAt: number;
  ownMeterId: number;
  /** Undefined in the auction, whose energy comes from and goes to everybody. */
  otherMeterId: number | undefined;
  delivered: bigint;
  /** What was bought, or what the clearing accepted. */
  energy: bigint;
  outcome: Outcome;
  price: bigint;
  gridFeePrice: bigint;
  /** What the buyer paid in all: seller's money, grid fee and dust. */
  cost: bigint;
  sellerPaid: bigint;
  gridFee: bigint;
  /** Rounding, at most one base unit: what is left of the cost. */
  dust: bigint;
  /** What came back of what was set aside: the rest of a buyer's money, or a seller's bond, penalty taken off. */
  refund: bigint;
  /** Auction, for energy that was not delivered: what a seller paid, or what the buyer got. */
  penalty: bigint;
  feedIn: bigint;
  retail: bigint;
  /** Bought: less than the utility would have charged. Sold: more than it would have paid. */
  benefit: bigint;
}

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** The bill of a settled order; none for an order the clearing did not accept, which got everything back. */
export function billOfOrder(
  order: OrderRecord,
  auction: AuctionRecord,
  settledAt: number,
  unitsPerKWh: bigint,
): Bill | undefined {
  const { settled, side, locked } = order;
  if (!settled || settled.filled === 0n) return undefined;
  const { filled, energy, money, fee, penalty } = settled;
  const { feedIn, retail, gridFee, cleared } = auction;
  const common = {
    market: "auction" as const,
    id: order.id,
    slot: order.slot,
    closedAt: settledAt,
    ownMeterId: order.meterId,
    otherMeterId: undefined,
    delivered: energy,
    energy: filled,
    outcome: outcomeOf(energy, filled),
    price: cleared?.price ?? 0n,
    gridFeePrice: gridFee,
    gridFee: fee,
    dust: 0n,
    penalty,
    feedIn,
    retail,
  };
  return side === "bid"
    ? {
        ...common,
        side: "bought",
        cost: money,
        sellerPaid: money - fee,
        refund: locked - money,
        benefit: costUp(energy, retail, unitsPerKWh) - money + penalty,
      }
    : {
        ...common,
        side: "sold",
        cost: 0n,
        sellerPaid: money,
        refund: locked - penalty,
        benefit: money - penalty - paymentDown(energy, feedIn, unitsPerKWh),
      };
}

function outcomeOf(energy: bigint, filled: bigint): Outcome {
  if (energy === 0n) return "nothing";
  return energy < filled ? "short" : "complete";
}

/** What a bill says beside the delivery: when it was bought and closed, and what the utility asked and paid then. */
export interface Terms {
  slot: number;
  /** Unix seconds. */
  closedAt: number;
  prices: { feedIn: bigint; retail: bigint };
}

/** The bills an account gets for a closed delivery: one, or two when it traded between meters of its own. */
export function billsOf(delivery: DeliveryRecord, terms: Terms, account: string, unitsPerKWh: bigint): Bill[] {
  const { bill, outcome, delivered } = delivery;
  if (!bill || !outcome) return [];
  const { slot, closedAt, prices } = terms;
  const common = {
    market: "direct" as const,
    id: delivery.id,
    slot,
    closedAt,
    delivered,
    energy: delivery.energy,
    outcome,
    price: delivery.price,
    gridFeePrice: delivery.gridFee,
    ...bill,
    dust: bill.cost - bill.sellerPaid - bill.gridFee,
    penalty: 0n,
    feedIn: prices.feedIn,
    retail: prices.retail,
  };
  const bills: Bill[] = [];
  if (same(delivery.buyer, account)) {
    bills.push({
      ...common,
      side: "bought",
      ownMeterId: delivery.buyerMeterId,
      otherMeterId: delivery.sellerMeterId,
      benefit: costUp(delivered, prices.retail, unitsPerKWh) - bill.cost,
    });
  }
  if (same(delivery.seller, account)) {
    bills.push({
      ...common,
      side: "sold",
      ownMeterId: delivery.sellerMeterId,
      otherMeterId: delivery.buyerMeterId,
      benefit: bill.sellerPaid - paymentDown(delivered, prices.feedIn, unitsPerKWh),
    });
  }
  return bills;
}

/** What a trade cost or earned in the end, base units. */
export const amountOf = (bill: Bill) => (bill.side === "bought" ? bill.cost : bill.sellerPaid) - bill.penalty;

export interface Total {
  energy: bigint;
  money: bigint;
  benefit: bigint;
}

/** What the trades of one side come to. */
export function totalOf(bills: readonly Bill[], side: Bill["side"]): Total {
  const trades = bills.filter((bill) => bill.side === side);
  const sum = (figure: (bill: Bill) => bigint) => trades.reduce((total, bill) => total + figure(bill), 0n);
  return { energy: sum(({ delivered }) => delivered), money: sum(amountOf), benefit: sum(({ benefit }) => benefit) };
}
