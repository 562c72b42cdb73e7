/** What a meter has still to give. Pure; energy units. */
import type { Ledger, Offer, OrderRecord } from "../../data/index.ts";

/** Asks of a meter whose auction is over, but which are not settled: what was accepted of them is the contract's to say. */
export const clearedAsks = (
  { orders, auctions }: Pick<Ledger, "orders" | "auctions">,
  meterId: number,
): OrderRecord[] => asksOf(orders, meterId).filter(({ slot }) => auctions.get(slot)?.cleared);

const asksOf = (orders: Ledger["orders"], meterId: number) =>
  [...orders.values()].filter((order) => order.meterId === meterId && order.side === "ask" && !order.settled);

/**
 * Open offers, orders, and what running deliveries still have to bring. An order counts whole until its auction is over,
 * then with what was accepted of it; one without a price when its slot begins is void.
 * @param fills what was accepted of `clearedAsks`, by id, as far as it is read
 * @param now chain time, Unix seconds
 */
export function promisedBy(
  meterId: number,
  { orders, auctions, deliveries }: Pick<Ledger, "orders" | "auctions" | "deliveries">,
  offers: readonly Pick<Offer, "meterId" | "remaining">[],
  fills: ReadonlyMap<bigint, bigint>,
  now: number,
  slotDuration: number,
): bigint {
  const add = (energies: bigint[]) => energies.reduce((sum, each) => sum + each, 0n);
  const promised = ({ id, slot, energy }: OrderRecord) =>
    auctions.get(slot)?.cleared ? (fills.get(id) ?? energy) : now > slot * slotDuration ? 0n : energy;
  return (
    add(offers.filter((offer) => offer.meterId === meterId).map((offer) => offer.remaining)) +
    add(asksOf(orders, meterId).map(promised)) +
    add(
      [...deliveries.values()]
        .filter((delivery) => delivery.sellerMeterId === meterId && delivery.outcome === undefined)
        .map((delivery) => delivery.energy - delivery.delivered),
    )
  );
}
