/** Random order books, always the same ones for a seed; the awkward kinds as often as the plain ones. */
import { type Order, type Rules, Side } from "./auction-reference.ts";

/** How many books are crossed by the bare tick book, and how many of them are played on the contracts. */
export const CROSSED_BOOKS = Number(process.env.IOE_CROSSED_BOOKS ?? 150);
export const PLAYED_BOOKS = Number(process.env.IOE_PLAYED_BOOKS ?? 40);

/** What a search came across, for `npm run prove:books`. */
export function tell(counts: Record<string, number>): void {
  if (process.env.IOE_CROSSED_BOOKS !== undefined) console.log(`counts ${JSON.stringify(counts)}`);
}

export type Draw = (below: number) => number;

/** Random integers below 2³² (xorshift128, Marsaglia 2003). */
export function draws(seed: number): Draw {
  const state = [seed, 0x9e3779b9, 0x243f6a88, 0xb7e15162];
  const next = (): number => {
    let t = state[3]!;
    t ^= t << 11;
    t ^= t >>> 8;
    const s = state[0]!;
    state.unshift((t ^ s ^ (s >>> 19)) >>> 0);
    state.pop();
    return state[0]!;
  };
  for (let i = 0; i < 20; i++) next();
  return (below) => Math.floor((next() / 2 ** 32) * below);
}

interface Size {
  meters: number;
  orders: number;
  least: number;
  most: number;
}

type Levels = (draw: Draw, side: number, lowest: number, highest: number) => number;
type Energies = (draw: Draw, size: Size) => number;

const anywhere: Levels = (draw, _side, lowest, highest) => lowest + draw(highest - lowest + 1);
const anything: Energies = (draw, { least, most }) => least + draw(most - least + 1);
const equal: Energies = (_draw, { least, most }) => Math.floor((least + most) / 2);

/** Kinds of books; levels are seller's prices. */
const KINDS: Record<string, { levels?: Levels; energies?: Energies; sides?: number[] }> = {
  scattered: {},
  "all at one tick": { levels: (_draw, _side, lowest) => lowest + 7 },
  "ties at few ticks": { levels: (draw, _side, lowest) => lowest + 16 * draw(3) },
  "equal energies, so that demand and supply often meet exactly": { energies: equal },
  "equal energies at few ticks": { levels: (draw, _side, lowest) => lowest + draw(6), energies: equal },
  "nothing but bids": { sides: [Side.Bid] },
  "nothing but asks": { sides: [Side.Ask] },
  dust: { energies: (draw, { least }) => least + draw(2) },
  "dust against giants": { energies: (draw, { least, most }) => (draw(2) === 0 ? least : most) },
  "as large as can be": { energies: (_draw, { most }) => most },
  "at the bounds of the tariff": { levels: (draw, _side, lowest, highest) => (draw(2) === 0 ? lowest : highest) },
  // The bids' limits are above the asks; the grid fee is what keeps them apart.
  "a gap smaller than the fee": {
    levels: (draw, side, lowest) => lowest + 20 + (side === Side.Bid ? -draw(10) - 1 : draw(3)),
  },
  "a wide gap": { levels: (draw, side, lowest, highest) => (side === Side.Bid ? highest - draw(3) : lowest + draw(3)) },
};

export const KIND_NAMES = Object.keys(KINDS);

/** A book of one of the kinds; no two orders of a meter at the same side and tick. */
export function drawBook(draw: Draw, kind: string, size: Size, rules: Rules): Order[] {
  const { levels = anywhere, energies = anything, sides = [Side.Bid, Side.Ask] } = KINDS[kind]!;
  const orders = new Map<string, Order>();
  const highest = rules.retailTick - rules.feeTicks;
  const count = 1 + draw(size.orders);
  for (let i = 0; i < count; i++) {
    const side = sides[draw(sides.length)]!;
    const tick = levels(draw, side, rules.feedInTick, highest) + (side === Side.Bid ? rules.feeTicks : 0);
    const order = { meterId: 1 + draw(size.meters), side, tick, energy: BigInt(energies(draw, size)) };
    orders.set(`${order.meterId}/${side}/${tick}`, order);
  }
  return [...orders.values()];
}

export function shuffle<T>(draw: Draw, items: readonly T[]): T[] {
  const mixed = [...items];
  for (let i = mixed.length - 1; i > 0; i--) {
    const j = draw(i + 1);
    [mixed[i], mixed[j]] = [mixed[j]!, mixed[i]!];
  }
  return mixed;
}
