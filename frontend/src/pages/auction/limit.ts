import type { OrderSide } from "@ioe/protocol";

/** Price(tick) = minPrice + tick · tickSize, base units per kWh. */
export interface Ladder {
  minPrice: bigint;
  tickSize: bigint;
}

/** Allowed limits of a side, in ticks. A bid's limit includes the grid fee, an ask's does not. */
export function limitsOf(
  side: OrderSide,
  { feedInTick, retailTick, feeTicks }: { feedInTick: number; retailTick: number; feeTicks: number },
): { lowest: number; highest: number } {
  return side === "bid"
    ? { lowest: feedInTick + feeTicks, highest: retailTick }
    : { lowest: feedInTick, highest: retailTick - feeTicks };
}

/** The tick at which an order competes: the seller's price. */
export const levelOf = ({ side, tick }: { side: OrderSide; tick: number }, feeTicks: number): number =>
  side === "bid" ? tick - feeTicks : tick;

/** The tick of a price, never worse for who asks for it: a buyer's limit goes down to a step, a seller's up. */
export function tickOf(price: bigint, side: OrderSide, { minPrice, tickSize }: Ladder): number {
  const above = price - minPrice;
  const down = above / tickSize - (above % tickSize < 0n ? 1n : 0n);
  return Number(side === "ask" && above % tickSize !== 0n ? down + 1n : down);
}

/** Money an order sets aside per kWh: a bid its limit, an ask what a buyer could lose by it. Ticks as in the slot. */
export function lockPrice(
  side: OrderSide,
  tick: number,
  { retailTick, feeTicks }: { retailTick: number; feeTicks: number },
  { minPrice, tickSize }: Ladder,
): bigint {
  return side === "bid" ? minPrice + BigInt(tick) * tickSize : BigInt(retailTick - feeTicks - tick) * tickSize;
}
