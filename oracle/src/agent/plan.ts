import { affordableDown, costUp, mulDivDown, type OrderKey, type OrderSide } from "@ioe/protocol";

/** What the household wants. Prices are base units per kWh; a bid's has everything in it, an ask's is what it gets. */
export interface Preferences {
  /** Left out: what the utility pays. */
  readonly lowestSellPrice?: bigint | undefined;
  /** Left out: what the utility charges. */
  readonly highestBuyPrice?: bigint | undefined;
  /** Most that orders of slots to come may lock together, base units. Left out: all the free money in the vault. */
  readonly budget?: bigint | undefined;
}

/** A battery that carries out the trades, energy units. */
export interface Battery {
  readonly stored: bigint;
  readonly capacity: bigint;
  /** The household keeps so much for itself, and buys what it lacks. */
  readonly reserve: bigint;
  /** What its converter moves in a slot. */
  readonly mostPerSlot: bigint;
}

/** Prices of a slot and the ladder they stand on, see ITariff. */
export interface Tariff {
  readonly feedIn: bigint;
  readonly retail: bigint;
  readonly gridFee: bigint;
  readonly minPrice: bigint;
  readonly tickSize: bigint;
}

/** Energy that can still flow: of an order all of it before the clearing, then the fill. */
export interface Promised {
  readonly side: OrderSide;
  readonly due: bigint;
}

/**
 * Whose an order is: the agent remembers that it has placed it; it is another one of the meter's owner; or it is of a stranger,
 * who owned the meter before and has locked money of his own.
 */
export type Placer = "agent" | "owner" | "stranger";

export type PlacedOrder = OrderKey & Promised & { readonly id: bigint; readonly energy: bigint; readonly by: Placer };

/** A slot from the running one on, and the meter's orders in it. */
export interface SlotView {
  readonly slot: number;
  readonly tariff: Tariff;
  readonly orders: readonly PlacedOrder[];
  /** Its gate is open: orders are taken and given back. */
  readonly open: boolean;
  /** A direct delivery has the meter; it goes before a fill. */
  readonly busy: boolean;
  /** Balance the household expects, energy units: positive for a surplus. Nothing when it cannot say. */
  readonly expected: bigint | undefined;
}

export interface Situation {
  /** In the order of time. */
  readonly slots: readonly SlotView[];
  readonly preferences: Preferences;
  readonly battery: Battery | undefined;
  /** What direct deliveries have still to move. */
  readonly underway: readonly Promised[];
  /** The meter is of a kind that may not sell. */
  readonly onlyBuys: boolean;
  /** Bounds of one order: the auction's, and what the meter's rated power moves in a slot. */
  readonly minOrder: bigint;
  readonly mostPerOrder: bigint;
  /** Of the owner's vault account, base units. */
  readonly freeMoney: bigint;
  readonly unitsPerKWh: bigint;
}

export interface Wanted {
  readonly slot: number;
  readonly side: OrderSide;
  readonly tick: number;
  readonly energy: bigint;
}

export interface Plan {
  readonly cancel: bigint[];
  readonly place: Wanted[];
  /** Slots with orders that are not ours: a person trades by hand there, or somebody did who owned the meter before. */
  readonly leftAlone: number[];
}

/** A slot's orders: those we may keep or take back, and those that stand whatever we do. */
interface Split {
  readonly ours: readonly PlacedOrder[];
  readonly others: readonly PlacedOrder[];
}

/** What is in the battery in the worst of both ways. */
interface Stored {
  least: bigint;
  most: bigint;
}

/** An order that differs by less than this part of what is wanted is not worth a transaction. */
const TOLERANCE = 8n;

/**
 * What to change so that each open slot has the one order the household wants:
 *
 *   without a battery   sells the surplus it expects, buys the need
 *   with one            sells what is stored above reserve and expected need, buys what is missing to them
 *
 * What the slots have promised is taken off the battery in the worst of both ways: `least` is in it when every ask and no
 * bid is filled, `most` when every bid and no ask is. So asks never touch the reserve, and bids always fit. Money goes to
 * the earliest slots first. In a slot with an order that is not ours nothing is placed; what we have there at a limit that
 * is no longer ours is taken back.
 */
export function planOrders(situation: Situation): Plan {
  const { slots, battery, unitsPerKWh } = situation;
  const plan: Plan = { cancel: [], place: [], leftAlone: [] };
  const limits = slots.map(({ tariff }) => limitsOf(tariff, situation.preferences));
  const split = slots.map((view, i) => splitOrders(view, limits[i]!));
  let money = moneyFor(situation, split);
  const stored: Stored = { least: battery?.stored ?? 0n, most: battery?.stored ?? 0n };
  const promise = (orders: readonly Promised[]) => {
    for (const { side, due } of orders) {
      if (side === "ask") stored.least -= due;
      else stored.most += due;
    }
  };

  promise(situation.underway);
  for (const { others } of split) promise(others);

  for (const [i, view] of slots.entries()) {
    const { slot, tariff, open } = view;
    const { ours, others } = split[i]!;
    if (!open) continue;
    const isFree = others.length === 0;
    if (!isFree) plan.leftAlone.push(slot);
    const order = isFree ? orderIn(view, limits[i]!, stored, money, situation) : undefined;
    const standing = order && ours.find((one) => isAt(one, order));
    plan.cancel.push(...ours.filter((one) => one !== standing).map(({ id }) => id));
    if (!order) continue;
    if (standing?.energy !== order.energy) plan.place.push(order);
    money -= lockOf(order, tariff, unitsPerKWh);
    promise([{ side: order.side, due: order.energy }]);
  }
  return plan;
}

/**
 * An order at today's limit is ours even when we do not remember it. Beside an order that is not, it stays: it may be of the
 * same person.
 */
function splitOrders({ open, orders }: SlotView, limits: Record<OrderSide, number | undefined>): Split {
  if (!open) return { ours: [], others: orders };
  const atLimit = ({ side, tick, by }: PlacedOrder) => by !== "stranger" && limits[side] === tick;
  const outdated = orders.filter((order) => order.by === "agent" && !atLimit(order));
  const rest = orders.filter((order) => !outdated.includes(order));
  return rest.every(atLimit) ? { ours: orders, others: [] } : { ours: outdated, others: rest };
}

function isAt(order: Pick<Wanted, "side" | "tick">, { side, tick }: Pick<Wanted, "side" | "tick">): boolean {
  return order.side === side && order.tick === tick;
}

/** The order a slot should have: one that stands already when it is near enough. */
function orderIn(
  { slot, tariff, orders, busy, expected }: SlotView,
  limits: Record<OrderSide, number | undefined>,
  stored: Stored,
  money: bigint,
  situation: Situation,
): Wanted | undefined {
  const want = busy ? undefined : wantedIn(stored, expected, situation);
  const tick = want && limits[want.side];
  if (!want || tick === undefined || (want.side === "ask" && situation.onlyBuys)) return undefined;
  const { side } = want;
  const perKWh = lockPerKWh({ side, tick }, tariff);
  // An ask at the highest price locks nothing.
  const affordable = perKWh === 0n ? want.most : affordableDown(money, perKWh, situation.unitsPerKWh);
  const most = min(want.most, affordable);
  const wanted = min(want.energy, most);
  const standing = orders.find((order) => isAt(order, { side, tick }));
  const energy = standing && standing.energy <= most && isNear(standing.energy, wanted) ? standing.energy : wanted;
  return energy >= situation.minOrder ? { slot, side, tick, energy } : undefined;
}

/**
 * What our orders may lock together: the free money and what they have locked already, but no more than the budget leaves
 * beside the owner's other orders.
 */
function moneyFor({ slots, preferences, freeMoney, unitsPerKWh }: Situation, split: readonly Split[]): bigint {
  const lockedBy = (which: keyof Split) =>
    slots.flatMap(({ tariff }, i) =>
      split[i]![which].filter(({ by }) => by !== "stranger").map((order) => lockOf(order, tariff, unitsPerKWh)),
    );
  const money = freeMoney + sum(lockedBy("ours"));
  if (preferences.budget === undefined) return money;
  return min(money, max(preferences.budget - sum(lockedBy("others")), 0n));
}

/** Our limit on each side in ticks, on the household's side of its price; nothing when the tariff has no room for it. */
export function limitsOf(
  tariff: Tariff,
  { lowestSellPrice, highestBuyPrice }: Preferences,
): Record<OrderSide, number | undefined> {
  const { feedIn, retail, gridFee, minPrice, tickSize } = tariff;
  const ask = max(lowestSellPrice ?? feedIn, feedIn);
  const bid = min(highestBuyPrice ?? retail, retail);
  const askTickUp = Number((ask - minPrice + tickSize - 1n) / tickSize);
  const bidTickDown = Number((bid - minPrice) / tickSize);
  return {
    ask: minPrice + BigInt(askTickUp) * tickSize <= retail - gridFee ? askTickUp : undefined,
    bid: bid >= feedIn + gridFee ? bidTickDown : undefined,
  };
}

function lockOf(order: Pick<Wanted, "side" | "tick" | "energy">, tariff: Tariff, unitsPerKWh: bigint): bigint {
  return costUp(order.energy, lockPerKWh(order, tariff), unitsPerKWh);
}

/** What an order locks per kWh: a bid its limit, an ask what a buyer could lose by a seller who delivers nothing. */
function lockPerKWh({ side, tick }: Pick<Wanted, "side" | "tick">, tariff: Tariff): bigint {
  const limit = tariff.minPrice + BigInt(tick) * tariff.tickSize;
  return side === "bid" ? limit : tariff.retail - tariff.gridFee - limit;
}

/** The side and energy the household wants in a slot, and the most it may be. */
function wantedIn(
  stored: Stored,
  expected: bigint | undefined,
  { battery, mostPerOrder }: Situation,
): { side: OrderSide; energy: bigint; most: bigint } | undefined {
  if (!battery) {
    if (!expected) return undefined;
    const energy = expected > 0n ? expected : -expected;
    return { side: expected > 0n ? "ask" : "bid", energy: min(energy, mostPerOrder), most: mostPerOrder };
  }
  const mostPerSlot = min(battery.mostPerSlot, mostPerOrder);
  // A surplus is not sold twice: what the battery takes up of it shows in its state of charge.
  const need = max(-(expected ?? 0n), 0n);
  const spare = stored.least - battery.reserve - need;
  if (spare > 0n) {
    return { side: "ask", energy: min(spare, mostPerSlot), most: min(stored.least - battery.reserve, mostPerSlot) };
  }
  const missing = battery.reserve + need - stored.most;
  const room = max(battery.capacity - stored.most, 0n);
  if (missing > 0n) return { side: "bid", energy: min(missing, room, mostPerSlot), most: min(room, mostPerSlot) };
  return undefined;
}

function isNear(energy: bigint, wanted: bigint): boolean {
  const difference = energy > wanted ? energy - wanted : wanted - energy;
  return difference <= mulDivDown(wanted, 1n, TOLERANCE);
}

function sum(values: readonly bigint[]): bigint {
  return values.reduce((a, b) => a + b, 0n);
}

function min(...values: [bigint, ...bigint[]]): bigint {
  return values.reduce((a, b) => (b < a ? b : a));
}

function max(a: bigint, b: bigint): bigint {
  return a > b ? a : b;
}
