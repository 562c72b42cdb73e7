/** What a book comes to. Pure; the contract's twin is `TickBook.cross`. Energy in energy units, by tick at the seller's price. */
import type { OrderSide } from "@ioe/protocol";

export interface Depth {
  bids: readonly bigint[];
  asks: readonly bigint[];
}

/** First and last tick of a slot, at the seller's price. */
export interface Bounds {
  lowest: number;
  highest: number;
}

/** A marginal tick, and how much of its total is accepted. */
interface Margin {
  tick: number;
  filled: bigint;
  total: bigint;
}

export interface Crossing {
  volume: bigint;
  priceTick: number;
  bid: Margin;
  ask: Margin;
}

const smaller = (a: bigint, b: bigint) => (a < b ? a : b);

/**
 * Largest volume, and the price in the middle of the interval in which it clears: the cheapest ask meets the dearest bid
 * until they no longer do. Undefined when nothing matches.
 */
export function cross({ bids, asks }: Depth, { lowest, highest }: Bounds): Crossing | undefined {
  const nextAsk = (from: number) => {
    for (let tick = from; tick <= highest; tick++) if (asks[tick]) return tick;
    return undefined;
  };
  const nextBid = (from: number) => {
    for (let tick = from; tick >= lowest; tick--) if (bids[tick]) return tick;
    return undefined;
  };
  const at = (totals: readonly bigint[], tick: number | undefined) => (tick === undefined ? 0n : (totals[tick] ?? 0n));
  let [askTick, bidTick] = [nextAsk(lowest), nextBid(highest)];
  let [askLeft, bidLeft] = [at(asks, askTick), at(bids, bidTick)];
  let crossing: Crossing | undefined;
  while (askTick !== undefined && bidTick !== undefined && askTick <= bidTick) {
    const matched = smaller(askLeft, bidLeft);
    askLeft -= matched;
    bidLeft -= matched;
    const [askTotal, bidTotal] = [at(asks, askTick), at(bids, bidTick)];
    crossing = {
      volume: (crossing?.volume ?? 0n) + matched,
      priceTick: 0,
      ask: { tick: askTick, filled: askTotal - askLeft, total: askTotal },
      bid: { tick: bidTick, filled: bidTotal - bidLeft, total: bidTotal },
    };
    if (askLeft === 0n) askLeft = at(asks, (askTick = nextAsk(askTick + 1)));
    if (bidLeft === 0n) bidLeft = at(bids, (bidTick = nextBid(bidTick - 1)));
  }
  if (!crossing) return undefined;
  // Between the last accepted orders, and not beyond the first unserved ones.
  const low = Math.max(crossing.ask.tick, bidTick ?? lowest);
  const high = Math.min(crossing.bid.tick, askTick ?? highest);
  return { ...crossing, priceTick: Math.floor((low + high) / 2) };
}

/** Part of an order at a tick that a crossing accepts, rounded down: pro rata at the margin. */
export function fillAt(crossing: Crossing, side: OrderSide, tick: number, energy: bigint): bigint {
  const margin = crossing[side];
  if (tick === margin.tick) return (energy * margin.filled) / margin.total;
  return (side === "bid" ? tick > margin.tick : tick < margin.tick) ? energy : 0n;
}

/**
 * What an order would come to if its slot closed now.
 * @param replaced energy of the order with the same key, which it takes the place of
 */
export function expectedFill(
  depth: Depth,
  bounds: Bounds,
  order: { side: OrderSide; tick: number; energy: bigint; replaced: bigint },
): { filled: bigint; priceTick: number } | undefined {
  const change = (totals: readonly bigint[]) =>
    totals.with(order.tick, (totals[order.tick] ?? 0n) + order.energy - order.replaced);
  const changed =
    order.side === "bid"
      ? { bids: change(depth.bids), asks: depth.asks }
      : { bids: depth.bids, asks: change(depth.asks) };
  const crossing = cross(changed, bounds);
  return crossing && { filled: fillAt(crossing, order.side, order.tick, order.energy), priceTick: crossing.priceTick };
}

/** One step of a curve: energy from `from` to `to` at a tick. */
export interface Step {
  tick: number;
  from: bigint;
  to: bigint;
}

/** The curve of a side in merit order: asks cheapest first, bids dearest first. */
export function stepsOf(totals: readonly bigint[], side: OrderSide): Step[] {
  const ticks = [...totals.keys()].filter((tick) => totals[tick]);
  if (side === "bid") ticks.reverse();
  let sum = 0n;
  return ticks.map((tick) => {
    const from = sum;
    sum += totals[tick] ?? 0n;
    return { tick, from, to: sum };
  });
}

export const totalOf = (totals: readonly bigint[]) => totals.reduce((sum, energy) => sum + energy, 0n);
