import type { Address } from "@ioe/protocol";
import type { Present } from "./present.ts";

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

/** Base units per kWh, see `Prices`. */
type OfferPrices = Record<"feedIn" | "retail" | "gridFee" | "sell", bigint>;

/**
 * Offers that can be bought now or as soon as their meter is free, in the order of their ids; the price's twin in the
 * contract is `quote`.
 */
export function offersOf(
  { meters, listings, busy, records }: Present,
  { feedIn, retail, gridFee, sell }: OfferPrices,
  now: number,
): Offer[] {
  const offers: Offer[] = [];
  for (const listing of listings.values()) {
    const { id, account, meterId, remaining, minEnergy, mode, price: listedPrice, expiresAt } = listing;
    const price = mode === "index" && sell > listedPrice ? sell : listedPrice;
    const isStale = meters.get(meterId)?.owner.toLowerCase() !== account.toLowerCase();
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
