import type { Address } from "@ioe/protocol";
import type { Ledger } from "./ledger.ts";
import type { Prices } from "./prices.ts";

/** An offer as it stands now. */
export interface Offer {
  id: bigint;
  account: Address;
  meterId: number;
  /** Energy units left to buy. */
  remaining: bigint;
  minEnergy: bigint;
  mode: "fixed" | "index";
  /** Base units per kWh: the listing's own price, or the floor of an index listing. */
  listedPrice: bigint;
  expiresAt: number;
  /** Base units per kWh in this moment: seller's price, the grid's fee, and both. */
  price: bigint;
  gridFee: bigint;
  allIn: bigint;
  /** The open delivery that occupies the seller's meter. */
  busy: { deliveryId: bigint; deadline: number } | undefined;
  /** What the meter promised and delivered so far, energy units. */
  record: { promised: bigint; delivered: bigint };
}

/** Computed once for each ledger: the page asks every second, the ledger changes with a block. */
function onceFor<T>(compute: (ledger: Ledger) => T): (ledger: Ledger) => T {
  const known = new WeakMap<Ledger, { value: T }>();
  return (ledger) => {
    let entry = known.get(ledger);
    if (!entry) known.set(ledger, (entry = { value: compute(ledger) }));
    return entry.value;
  };
}

/** The open delivery a meter takes part in, in either role. */
export const busyMeters = onceFor((ledger) => {
  const busy = new Map<number, NonNullable<Offer["busy"]>>();
  for (const { id, outcome, deadline, sellerMeterId, buyerMeterId } of ledger.deliveries.values()) {
    if (outcome !== undefined) continue;
    busy.set(sellerMeterId, { deliveryId: id, deadline });
    busy.set(buyerMeterId, { deliveryId: id, deadline });
  }
  return busy;
});

const recordsOf = onceFor((ledger) => {
  const records = new Map<number, Offer["record"]>();
  for (const { sellerMeterId, energy, delivered, outcome } of ledger.deliveries.values()) {
    if (outcome === undefined) continue;
    const record = records.get(sellerMeterId) ?? { promised: 0n, delivered: 0n };
    records.set(sellerMeterId, { promised: record.promised + energy, delivered: record.delivered + delivered });
  }
  return records;
});

/**
 * Offers that can be bought now or as soon as their meter is free, in the order of their ids. Out of the events alone, so
 * that a thousand offers cost no more reading than one; the contract's twins are `quote` and `recordOf`.
 */
export function offersOf(
  ledger: Ledger,
  { feedIn, retail, gridFee, sell }: Pick<Prices, "feedIn" | "retail" | "gridFee" | "sell">,
  now: number,
): Offer[] {
  const [busy, records] = [busyMeters(ledger), recordsOf(ledger)];
  const offers: Offer[] = [];
  for (const listing of ledger.listings.values()) {
    const { id, account, meterId, remaining, minEnergy, mode, price: listedPrice, expiresAt } = listing;
    const price = mode === "index" && sell > listedPrice ? sell : listedPrice;
    const isStale = ledger.meters.get(meterId)?.owner.toLowerCase() !== account.toLowerCase();
    if (remaining === 0n || expiresAt <= now || isStale || price < feedIn || price + gridFee > retail) continue;
    offers.push({
      id,
      account,
      meterId,
      remaining,
      minEnergy,
      mode,
      listedPrice,
      expiresAt,
      price,
      gridFee,
      allIn: price + gridFee,
      busy: busy.get(meterId),
      record: records.get(meterId) ?? { promised: 0n, delivered: 0n },
    });
  }
  return offers;
}
