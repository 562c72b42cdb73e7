import { unpackOrderId } from "@ioe/protocol";
import { callAuctionAbi, directMarketAbi, energyTokenAbi, meterRegistryAbi, vaultAbi } from "@ioe/protocol/abi";
import type { GetLogsReturnType } from "viem";
import type { Credit, Ledger, MoneyMove, Outcome } from "./records.ts";

/**
 * What the events of the markets, the registry's meters, the vault and the certificates add up to. A pure fold over logs
 * in chain order; see `ledger.test.ts`. Readings are not part of it: they are many, and the registry's views answer for
 * them.
 */

/** The events of an ABI with these names, typed as exactly those. */
function pick<const A extends readonly { type: string }[], const N extends string>(abi: A, names: readonly N[]) {
  const isWanted = (item: { type: string; name?: string }): item is Extract<A[number], { type: "event"; name: N }> =>
    item.type === "event" && (names as readonly string[]).includes(item.name ?? "");
  return abi.filter(isWanted);
}

export const LEDGER_EVENTS = [
  ...pick(meterRegistryAbi, ["MeterRegistered", "MeterTransferStarted", "MeterTransferred", "TraderSet", "ActiveSet"]),
  ...pick(directMarketAbi, [
    "Listed",
    "ListingCancelled",
    "Bought",
    "DeliveryRequested",
    "DeliveryProgress",
    "DeliveryEnding",
    "DeliveryClosed",
    "DeliveryBilled",
  ]),
  ...pick(callAuctionAbi, [
    "SlotOpened",
    "OrderPlaced",
    "OrderCancelled",
    "SlotCleared",
    "SlotFinalized",
    "SlotClosed",
    "OrderSettled",
  ]),
  ...pick(vaultAbi, ["Deposited", "Withdrawn"]),
  ...pick(energyTokenAbi, ["TransferSingle", "TransferBatch", "Held", "Released"]),
];

export type LedgerLog = GetLogsReturnType<undefined, typeof LEDGER_EVENTS, true>[number];

export type {
  AuctionRecord,
  DeliveryRecord,
  Ledger,
  ListingRecord,
  Meter,
  MoneyMove,
  OrderRecord,
  Outcome,
  Tenure,
} from "./records.ts";

/** Raise it when a record's fields change: browsers keep ledgers between visits. */
export const LEDGER_SHAPE = 4;

/** Events whose time somebody may want to see: nothing else would ask for their blocks. */
const TIMED: ReadonlySet<LedgerLog["eventName"]> = new Set([
  "MeterTransferred",
  "Bought",
  "DeliveryClosed",
  "OrderPlaced",
  "OrderSettled",
  "Deposited",
  "Withdrawn",
]);

const ZERO = "0x0000000000000000000000000000000000000000";
const OUTCOMES: readonly Outcome[] = ["complete", "short", "nothing"];

export const EMPTY_LEDGER: Ledger = {
  times: new Map(),
  meters: new Map(),
  tenures: new Map(),
  offered: new Map(),
  listings: new Map(),
  deliveries: new Map(),
  auctions: new Map(),
  orders: new Map(),
  moves: new Map(),
  certificates: new Map(),
  held: new Map(),
};

/** A copy of a map, and how its records are changed: each by a changed copy. */
function draft<Id, Of extends object>(from: ReadonlyMap<Id, Of>) {
  const map = new Map(from);
  return {
    map,
    /** Changes a record that is there. */
    change(id: Id, change: (record: Of) => Partial<Of>) {
      const record = map.get(id);
      if (record) map.set(id, { ...record, ...change(record) });
    },
  };
}

/** Amounts by account and certificate. */
function draftBook(from: ReadonlyMap<string, ReadonlyMap<bigint, bigint>>) {
  const map = new Map(from);
  const copied = new Map<string, Map<bigint, bigint>>();
  return {
    map,
    add(account: string, id: bigint, amount: bigint) {
      const key = account.toLowerCase();
      const ids = copied.get(key) ?? new Map(map.get(key));
      copied.set(key, ids);
      map.set(key, ids);
      const sum = (ids.get(id) ?? 0n) + amount;
      if (sum === 0n) ids.delete(id);
      else ids.set(id, sum);
    },
  };
}

const NEW_DELIVERY = {
  listingId: 0n,
  seller: ZERO,
  buyer: ZERO,
  sellerMeterId: 0,
  buyerMeterId: 0,
  energy: 0n,
  delivered: 0n,
  bySlot: new Map(),
  price: 0n,
  gridFee: 0n,
  locked: 0n,
  paid: 0n,
  deadline: 0,
  endedEarly: false,
  outcome: undefined,
  closedInBlock: undefined,
  bill: undefined,
} as const;

const NEW_AUCTION = { cleared: undefined, delivered: undefined, fee: undefined, dust: undefined } as const;

const creditOf = (log: LedgerLog, amount: bigint): Credit => ({
  amount,
  inBlock: log.blockNumber,
  transaction: log.transactionHash,
});

/** Carries a ledger forward by logs, which must be in chain order. The ledger it is given stays as it was. */
export function addToLedger(ledger: Ledger, logs: readonly LedgerLog[]): Ledger {
  const times = new Map(ledger.times);
  const meters = draft(ledger.meters);
  const tenures = new Map(ledger.tenures);
  const offered = new Map(ledger.offered);
  const listings = draft(ledger.listings);
  const deliveries = draft(ledger.deliveries);
  const auctions = draft(ledger.auctions);
  const orders = draft(ledger.orders);
  const moves = new Map(ledger.moves);
  const certificates = draftBook(ledger.certificates);
  const held = draftBook(ledger.held);
  const transfer = (from: string, to: string, id: bigint, value: bigint) => {
    if (from !== ZERO) certificates.add(from, id, -value);
    if (to !== ZERO) certificates.add(to, id, value);
  };
  const offerAgain = (listingId: bigint, energy: bigint) =>
    listings.change(listingId, ({ remaining }) => ({ remaining: remaining + energy }));
  const moved = (kind: MoneyMove["kind"], log: { args: { account: string; amount: bigint } } & LedgerLog) => {
    const { account, amount } = log.args;
    const before = moves.get(account.toLowerCase()) ?? [];
    const move = { kind, amount, inBlock: log.blockNumber, transaction: log.transactionHash };
    moves.set(account.toLowerCase(), [...before, move]);
  };

  for (const log of logs) {
    if (log.blockTimestamp && TIMED.has(log.eventName)) times.set(log.blockNumber, Number(log.blockTimestamp));
    switch (log.eventName) {
      case "MeterRegistered": {
        const { meterId, owner, kind, maxPowerW } = log.args;
        meters.map.set(meterId, { id: meterId, owner, trader: ZERO, kind, maxPowerW, active: true });
        tenures.set(meterId, [{ owner, sinceBlock: log.blockNumber }]);
        break;
      }
      case "MeterTransferStarted": {
        const { meterId, to } = log.args;
        if (to === ZERO) offered.delete(meterId);
        else offered.set(meterId, { to, inBlock: log.blockNumber });
        break;
      }
      case "MeterTransferred": {
        const { meterId, to: owner } = log.args;
        offered.delete(meterId);
        meters.change(meterId, () => ({ owner, trader: ZERO }));
        tenures.set(meterId, [...(tenures.get(meterId) ?? []), { owner, sinceBlock: log.blockNumber }]);
        break;
      }
      case "TraderSet":
        meters.change(log.args.meterId, () => ({ trader: log.args.trader }));
        break;
      case "ActiveSet":
        meters.change(log.args.meterId, () => ({ active: log.args.active }));
        break;
      case "Listed": {
        const { listingId: id, account, meterId, price, expiresAt } = log.args;
        listings.map.set(id, {
          id,
          account,
          meterId,
          remaining: BigInt(log.args.energy),
          minEnergy: BigInt(log.args.minEnergy),
          mode: log.args.mode === 0 ? "fixed" : "index",
          price,
          expiresAt,
        });
        break;
      }
      case "ListingCancelled":
        listings.map.delete(log.args.listingId);
        break;
      case "Bought": {
        const { deliveryId: id, listingId, buyer, seller, gridFee, locked } = log.args;
        const boughtInBlock = log.blockNumber;
        deliveries.map.set(id, { ...NEW_DELIVERY, id, listingId, buyer, seller, gridFee, locked, boughtInBlock });
        break;
      }
      case "DeliveryRequested": {
        const { deliveryId, sellerMeterId, buyerMeterId, price, deadline } = log.args;
        const energy = BigInt(log.args.energy);
        deliveries.change(deliveryId, ({ listingId }) => {
          offerAgain(listingId, -energy);
          return { sellerMeterId, buyerMeterId, energy, price, deadline };
        });
        break;
      }
      case "DeliveryProgress": {
        const { deliveryId, slot, paid } = log.args;
        const delivered = BigInt(log.args.delivered);
        deliveries.change(deliveryId, (before) => ({
          delivered,
          paid,
          bySlot: new Map(before.bySlot).set(slot, (before.bySlot.get(slot) ?? 0n) + delivered - before.delivered),
        }));
        break;
      }
      case "DeliveryEnding":
        deliveries.change(log.args.deliveryId, () => ({ deadline: log.args.deadline, endedEarly: true }));
        break;
      case "DeliveryClosed": {
        const delivered = BigInt(log.args.delivered);
        deliveries.change(log.args.deliveryId, ({ listingId, energy }) => {
          offerAgain(listingId, energy - delivered);
          return { delivered, outcome: OUTCOMES[log.args.outcome], closedInBlock: log.blockNumber };
        });
        break;
      }
      case "DeliveryBilled": {
        const { deliveryId, cost, sellerPaid, gridFee, refund } = log.args;
        deliveries.change(deliveryId, () => ({ paid: sellerPaid, bill: { cost, sellerPaid, gridFee, refund } }));
        break;
      }
      case "SlotOpened": {
        const { slot, feedIn, retail, gridFee } = log.args;
        auctions.map.set(slot, { ...NEW_AUCTION, slot, feedIn, retail, gridFee });
        break;
      }
      case "OrderPlaced": {
        const { orderId: id, account, locked } = log.args;
        orders.map.set(id, {
          ...unpackOrderId(id),
          id,
          account,
          energy: BigInt(log.args.energy),
          locked,
          placedInBlock: log.blockNumber,
          settled: undefined,
        });
        break;
      }
      case "OrderCancelled":
        orders.map.delete(log.args.orderId);
        break;
      case "SlotCleared": {
        const { slot, price, volume } = log.args;
        auctions.change(slot, () => ({ cleared: { price, volume }, clearedInBlock: log.blockNumber }));
        break;
      }
      case "SlotFinalized":
        auctions.change(log.args.slot, () => ({ delivered: log.args.delivered, fee: creditOf(log, log.args.gridFee) }));
        break;
      case "SlotClosed":
        auctions.change(log.args.slot, () => ({ dust: creditOf(log, log.args.dust) }));
        break;
      case "OrderSettled": {
        const { orderId, money, fee, penalty } = log.args;
        const [filled, energy] = [BigInt(log.args.filled), BigInt(log.args.energy)];
        orders.change(orderId, () => ({ settled: { filled, energy, money, fee, penalty, inBlock: log.blockNumber } }));
        break;
      }
      case "Deposited":
        moved("deposited", log);
        break;
      case "Withdrawn":
        moved("withdrawn", log);
        break;
      case "TransferSingle":
        transfer(log.args.from, log.args.to, log.args.id, log.args.value);
        break;
      case "TransferBatch":
        for (const [i, id] of log.args.ids.entries())
          transfer(log.args.from, log.args.to, id, log.args.values[i] ?? 0n);
        break;
      case "Held":
        held.add(log.args.account, log.args.id, log.args.amount);
        break;
      case "Released":
        held.add(log.args.account, log.args.id, -log.args.amount);
        break;
    }
  }
  return {
    times,
    meters: meters.map,
    tenures,
    offered,
    listings: listings.map,
    deliveries: deliveries.map,
    auctions: auctions.map,
    orders: orders.map,
    moves,
    certificates: certificates.map,
    held: held.map,
  };
}

/** What logs add up to from the beginning. */
export const foldLedger = (logs: readonly LedgerLog[]): Ledger => addToLedger(EMPTY_LEDGER, logs);
