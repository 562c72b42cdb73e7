/**
 * What the call auction has to do, written down as plainly as possible: orders one by one, exact fractions, no packing,
 * no shortcuts. The contract is held against it.
 */
import { Fraction } from "./fraction.ts";

export const Side = { Bid: 0, Ask: 1 } as const;

export interface Rules {
  minPrice: bigint;
  tickSize: bigint;
  feedInTick: number;
  retailTick: number;
  feeTicks: number;
  unitsPerKWh: bigint;
}

export interface Order {
  meterId: number;
  side: number;
  /** Limit; of a bid with the grid fee in it. */
  tick: number;
  energy: bigint;
}

export interface Outcome {
  volume: bigint;
  priceTick: number;
  /** Accepted energy by order: exact for bids, whole units for asks. */
  fills: Map<Order, Fraction>;
}

/** What an order ends with. */
export interface Settled {
  filled: bigint;
  energy: bigint;
  money: bigint;
  fee: bigint;
  penalty: bigint;
  /** Everything its account gets back or paid. */
  credited: bigint;
}

export interface Settlement {
  orders: Map<Order, Settled>;
  delivered: bigint;
  gridFee: bigint;
  dust: bigint;
}

const sum = (values: Iterable<bigint>): bigint => [...values].reduce((a, b) => a + b, 0n);
const min = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** The seller's price at which an order competes. */
export const levelOf = (order: Order, rules: Rules): number =>
  order.side === Side.Bid ? order.tick - rules.feeTicks : order.tick;

export const priceOf = (tick: number, rules: Rules): bigint => rules.minPrice + BigInt(tick) * rules.tickSize;

/** What an order locks: a bid its limit, an ask what the buyers could lose by it. */
export function lockOf(order: Order, rules: Rules): bigint {
  const limit = priceOf(order.tick, rules);
  const highest = priceOf(rules.retailTick - rules.feeTicks, rules);
  const perKWh = order.side === Side.Bid ? limit : highest - limit;
  return new Fraction(order.energy * perKWh, rules.unitsPerKWh).up();
}

/** One side's totals by price, the most generous price first. */
function tiersOf(orders: Order[], rules: Rules): { level: number; total: bigint }[] {
  const totals = new Map<number, bigint>();
  for (const order of orders) {
    const level = levelOf(order, rules);
    totals.set(level, (totals.get(level) ?? 0n) + order.energy);
  }
  const generous = orders[0]?.side === Side.Bid ? -1 : 1;
  return [...totals].map(([level, total]) => ({ level, total })).sort((a, b) => generous * (a.level - b.level));
}

/** Serves the tiers one after the other until the volume is used up. */
function serve(tiers: { level: number; total: bigint }[], volume: bigint) {
  const served = new Map<number, Fraction>();
  let left = volume;
  let last: number | undefined;
  let firstUnserved: number | undefined;
  for (const { level, total } of tiers) {
    const part = min(total, left);
    left -= part;
    if (part > 0n) last = level;
    if (part < total) firstUnserved ??= level;
    served.set(level, new Fraction(part, total));
  }
  return { served, last: last!, firstUnserved };
}

export function clear(orders: Order[], rules: Rules): Outcome {
  const bids = orders.filter(({ side }) => side === Side.Bid);
  const asks = orders.filter(({ side }) => side === Side.Ask);
  let volume = 0n;
  for (let price = rules.feedInTick; price <= rules.retailTick - rules.feeTicks; price++) {
    const demand = sum(bids.filter((bid) => levelOf(bid, rules) >= price).map(({ energy }) => energy));
    const supply = sum(asks.filter((ask) => ask.tick <= price).map(({ energy }) => energy));
    if (min(demand, supply) > volume) volume = min(demand, supply);
  }
  const fills = new Map(orders.map((order) => [order, new Fraction(0n, 1n)]));
  if (volume === 0n) return { volume, priceTick: 0, fills };

  const demand = serve(tiersOf(bids, rules), volume);
  const supply = serve(tiersOf(asks, rules), volume);
  for (const bid of bids) fills.set(bid, demand.served.get(levelOf(bid, rules))!.times(bid.energy));
  for (const ask of asks) fills.set(ask, new Fraction(supply.served.get(ask.tick)!.times(ask.energy).down(), 1n));
  const low = Math.max(supply.last, demand.firstUnserved ?? supply.last);
  const high = Math.min(demand.last, supply.firstUnserved ?? demand.last);
  return { volume, priceTick: Math.floor((low + high) / 2), fills };
}

/**
 * Settles every order, asks in the order in which they stand in the book.
 * @param exports What each meter exported in the slot and nobody else claimed.
 * @param silent Asks that are still open at the end of the claim window.
 */
export function settle(
  orders: Order[],
  { volume, priceTick, fills }: Outcome,
  exports: ReadonlyMap<number, bigint>,
  rules: Rules,
  silent: ReadonlySet<Order> = new Set(),
): Settlement {
  const settled = new Map<Order, Settled>();
  const left = new Map(exports);
  const price = priceOf(priceTick, rules);
  const gridFee = BigInt(rules.feeTicks) * rules.tickSize;
  const forgone = priceOf(rules.retailTick - rules.feeTicks, rules) - price;
  const worth = (energy: Fraction, perKWh: bigint): Fraction => energy.times(perKWh).over(rules.unitsPerKWh);
  const nothing = { filled: 0n, energy: 0n, money: 0n, fee: 0n, penalty: 0n };

  let delivered = 0n;
  let pool = 0n;
  for (const ask of orders.filter(({ side }) => side === Side.Ask)) {
    const filled = fills.get(ask)!.down();
    if (filled === 0n || silent.has(ask)) {
      settled.set(ask, { ...nothing, credited: lockOf(ask, rules) });
      continue;
    }
    const energy = min(filled, left.get(ask.meterId) ?? 0n);
    left.set(ask.meterId, (left.get(ask.meterId) ?? 0n) - energy);
    const money = worth(new Fraction(energy, 1n), price).down();
    const penalty = worth(new Fraction(filled - energy, 1n), forgone).up();
    settled.set(ask, { filled, energy, money, fee: 0n, penalty, credited: lockOf(ask, rules) + money - penalty });
    delivered += energy;
    pool += penalty;
  }
  for (const bid of orders.filter(({ side }) => side === Side.Bid)) {
    const fill = fills.get(bid)!;
    const part = volume === 0n ? fill : fill.over(volume);
    const share = part.times(delivered);
    const money = worth(share, price + gridFee).up();
    const penalty = part.times(pool).down();
    settled.set(bid, {
      filled: fill.down(),
      energy: share.down(),
      money,
      fee: worth(share, gridFee).down(),
      penalty,
      credited: lockOf(bid, rules) - money + penalty,
    });
  }
  const toOperator = worth(new Fraction(delivered, 1n), gridFee).down();
  const locked = sum(orders.map((order) => lockOf(order, rules)));
  const credited = sum([...settled.values()].map((each) => each.credited));
  return { orders: settled, delivered, gridFee: toOperator, dust: locked - credited - toOperator };
}
