/** Where energy came from and where it went, slot by slot. Pure; energy units. */
import type { DeliveryRecord, OrderRecord } from "./ledger.ts";
import type { SlotEnergy } from "./slotEnergy.ts";

/** What a person's meters took and gave in some time. `own`: at the same time by one's own meters. */
export interface Flows {
  taken: bigint;
  given: bigint;
  own: bigint;
  /** Bought from and sold to neighbours. */
  bought: bigint;
  sold: bigint;
  /** The rest: the utility's. */
  fromUtility: bigint;
  toUtility: bigint;
}

export const NO_FLOWS: Flows = {
  taken: 0n,
  given: 0n,
  own: 0n,
  bought: 0n,
  sold: 0n,
  fromUtility: 0n,
  toUtility: 0n,
};

/** Energy traded by slot. */
export interface Traded {
  bought: bigint;
  sold: bigint;
}

const least = (a: bigint, b: bigint) => (a < b ? a : b);

/**
 * Trades come first, since they are paid for; what is left of both directions in the same slot supplied itself.
 * More can be bought than is taken (the auction is take-or-pay): only what the meter took flowed to it.
 */
export function flowsOf(taken: bigint, given: bigint, traded: Traded): Flows {
  const [bought, sold] = [least(traded.bought, taken), least(traded.sold, given)];
  const own = least(taken - bought, given - sold);
  return {
    taken,
    given,
    own,
    bought,
    sold,
    fromUtility: taken - bought - own,
    toUtility: given - sold - own,
  };
}

export function addFlows(a: Flows, b: Flows): Flows {
  return {
    taken: a.taken + b.taken,
    given: a.given + b.given,
    own: a.own + b.own,
    bought: a.bought + b.bought,
    sold: a.sold + b.sold,
    fromUtility: a.fromUtility + b.fromUtility,
    toUtility: a.toUtility + b.toUtility,
  };
}

/**
 * What meters traded by slot: deliveries of both markets, as far as they are settled.
 * @param isOwn whether a meter's trades of a slot count
 */
export function tradedBySlot(
  isOwn: (meterId: number, slot: number) => boolean,
  deliveries: Iterable<Pick<DeliveryRecord, "sellerMeterId" | "buyerMeterId" | "bySlot">>,
  orders: Iterable<Pick<OrderRecord, "slot" | "meterId" | "side" | "settled">>,
): Map<number, Traded> {
  const slots = new Map<number, Traded>();
  const add = (slot: number, bought: bigint, sold: bigint) => {
    const sum = slots.get(slot) ?? { bought: 0n, sold: 0n };
    slots.set(slot, { bought: sum.bought + bought, sold: sum.sold + sold });
  };
  for (const { sellerMeterId, buyerMeterId, bySlot } of deliveries) {
    for (const [slot, energy] of bySlot) {
      const [sells, buys] = [isOwn(sellerMeterId, slot), isOwn(buyerMeterId, slot)];
      if (sells || buys) add(slot, buys ? energy : 0n, sells ? energy : 0n);
    }
  }
  for (const { slot, meterId, side, settled } of orders) {
    if (!settled || settled.energy === 0n || !isOwn(meterId, slot)) continue;
    if (side === "bid") add(slot, settled.energy, 0n);
    else add(slot, 0n, settled.energy);
  }
  return slots;
}

/** Flows of every slot in which the meters moved anything. */
export function flowsBySlot(
  measured: Iterable<ReadonlyMap<number, SlotEnergy>>,
  traded: ReadonlyMap<number, Traded>,
): Map<number, Flows> {
  const sums = new Map<number, SlotEnergy>();
  for (const slots of measured) {
    for (const [slot, { imported, exported }] of slots) {
      const sum = sums.get(slot) ?? { imported: 0n, exported: 0n };
      sums.set(slot, { imported: sum.imported + imported, exported: sum.exported + exported });
    }
  }
  return new Map(
    [...sums].map(([slot, { imported, exported }]) => [
      slot,
      flowsOf(imported, exported, traded.get(slot) ?? { bought: 0n, sold: 0n }),
    ]),
  );
}
