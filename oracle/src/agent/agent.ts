import { endOf, formatKWh, slotOf } from "@ioe/protocol";
import { type Block, type Outbox, type Outcome } from "../chain/index.ts";
import { type Logger, reasonOf } from "../log.ts";
import { Balances } from "./balances.ts";
import { expectedTowardsZero, seasonOf, slotsBehind } from "./forecast.ts";
import type { Household } from "./household.ts";
import type { Market, MarketConstants, OrderBook } from "./market.ts";
import { type Battery, type Plan, type Preferences, planOrders, type SlotView } from "./plan.ts";

export interface AgentPreferences extends Preferences {
  /** Slots it has orders in at a time. */
  readonly slotsAhead: number;
  readonly battery?: { readonly reservePercent: number; readonly powerW: number } | undefined;
}

export interface AgentOptions {
  market: Market;
  book: OrderBook;
  /** Asks the oracle what is behind the meter. */
  household: () => Promise<Household>;
  trader: `0x${string}`;
  preferences: AgentPreferences;
  outbox: Outbox;
  log: Logger;
  /** What fails after it has aborted is no failure. */
  signal: AbortSignal;
}

/** One decision. */
export interface Decision extends Plan {
  /** First slot that was still open. */
  readonly slot: number;
  readonly views: readonly SlotView[];
  /** Why nothing is placed. */
  readonly obstacle?: string;
}

/** A gauge may show what the battery held so long ago, s: what was to flow since then is taken off as well. */
const GAUGE_AGE_S = 60;
/** Of a slot, sources wait so long for sinks to close, and their converters climb, s. */
const CLOSING_S = 5;
const MILLI_WH_PER_KWH = 1_000_000n;
const JOULES_PER_KWH = 3_600_000n;

/**
 * Trades for one household. Once for every slot, before its gate closes, it looks at what the household gave and took, at
 * its battery, its money and its orders, and makes the orders of the next slots what they should be:
 *
 *   gate of slot s−1            readings of the newest whole slot          gate of slot s
 *   ──────┬─────────────────────────────────┬──────────────────────────────────┬──▶
 *         │ waits for them ...              │ decides; at the last call even   │
 *         │                                 │ without them                     │
 *
 * An order is its own key, so a restart finds its orders on chain, and placing one again replaces it. Which of the owner's
 * orders it has placed itself, it remembers in its book.
 */
export class Agent {
  readonly #options: AgentOptions;
  readonly #balances: Balances;
  #constants: MarketConstants | undefined;
  /** First open slot of the last decision. */
  #decided = 0;
  #work: Promise<void> | undefined;
  #failures = 0;
  /** What was in the way the last time; nothing was decided yet when null. */
  #complaint: string | undefined | null = null;

  constructor(options: AgentOptions) {
    this.#options = options;
    this.#balances = new Balances(options.market, options.book);
  }

  /** A new head of the chain: decides when it is time to, unless it is still at it. */
  onHead({ timestamp }: Pick<Block, "timestamp">): void {
    this.#work ??= this.#step(timestamp).finally(() => (this.#work = undefined));
  }

  /** When what was begun has ended. */
  async idle(): Promise<void> {
    await this.#work;
  }

  async #step(now: number): Promise<void> {
    const { log, signal } = this.#options;
    try {
      this.#constants ??= await this.#options.market.constants();
      const slot = firstOpen(now, this.#constants);
      if (slot > this.#decided && (await this.#isTime(now, slot, this.#constants))) {
        await this.carryOut(await this.decide(now));
        this.#decided = slot;
      }
      if (this.#failures > 0) log.info("agent.recovered", { failures: this.#failures });
      this.#failures = 0;
    } catch (error) {
      if (signal.aborted) return;
      if (this.#failures++ === 0) log.warn("agent.failed", { reason: reasonOf(error) });
    }
  }

  /**
   * What to do at this time of the chain, Unix seconds; changes nothing.
   * @throws when chain or oracle do not answer
   */
  async decide(now: number): Promise<Decision> {
    const { market, trader, preferences } = this.#options;
    const constants = (this.#constants ??= await market.constants());
    const slot = firstOpen(now, constants);
    const standing = await market.standing(trader);
    const nothing = { slot, views: [], cancel: [], place: [], leftAlone: [] };
    if (standing.obstacle !== undefined) return { ...nothing, obstacle: standing.obstacle };
    const household = await this.#options.household();
    const battery = this.#batteryOf(household, constants);
    if (household.switched && !battery) return { ...nothing, obstacle: withoutBattery(household) };

    const delivery = await market.delivery();
    const views = await this.#look(now, slot, standing.owner, household, delivery, constants);
    const { unitsPerKWh, minOrder, slotDuration } = constants;
    const plan = planOrders({
      slots: views,
      preferences,
      battery,
      onlyBuys: standing.onlyBuys,
      underway: delivery ? [delivery] : [],
      minOrder,
      mostPerOrder: energyDown(standing.maxPowerW, slotDuration, unitsPerKWh),
      freeMoney: standing.freeMoney,
      unitsPerKWh,
    });
    return { slot, views, ...plan };
  }

  /** Whether the readings that a decision should know are there, or cannot be waited for any longer. */
  async #isTime(now: number, slot: number, { slotDuration, gateClosure }: MarketConstants): Promise<boolean> {
    const gate = endOf(slot - 1, slotDuration) - gateClosure;
    const lastCall = gate - slotDuration / 4;
    const newest = newestWhole(slot, { slotDuration, gateClosure });
    return now >= lastCall || (now >= endOf(newest, slotDuration) && (await this.#balances.covers(newest)));
  }

  // ------------------------------------------------------------------- looking

  /** The slots from the running one on, with what the household expects of the open ones. */
  async #look(
    now: number,
    slot: number,
    owner: `0x${string}`,
    { switched }: Household,
    delivery: { first: number; last: number } | undefined,
    constants: MarketConstants,
  ): Promise<SlotView[]> {
    const { market, preferences } = this.#options;
    const { slotDuration, claimWindow, openAhead } = constants;
    const running = slotOf(now, slotDuration);
    const slots = range(slotOf(now - GAUGE_AGE_S, slotDuration), slot + preferences.slotsAhead - 1);
    const states = await Promise.all(
      slots.filter((each) => each <= running + openAhead).map((each) => market.slot(each, owner, constants)),
    );
    for (const { slot: each, orders, cleared } of states)
      if (cleared && each >= running) this.#balances.noteFills(each, orders);
    if (delivery) this.#balances.noteDelivery(delivery);

    const past = { newest: newestWhole(slot, constants), ...seasonOf(slotDuration, claimWindow) };
    await this.#balances.load(slotsBehind(range(slot, slots.at(-1)!), past));
    const history = { ...past, balance: this.#balances.of(switched) };
    return states.map((state) => {
      const open = state.slot >= slot;
      const busy = delivery !== undefined && state.slot <= delivery.last;
      return { ...state, open, busy, expected: open ? expectedTowardsZero(state.slot, history) : undefined };
    });
  }

  #batteryOf({ battery, switched }: Household, { unitsPerKWh, slotDuration }: MarketConstants): Battery | undefined {
    const preference = this.#options.preferences.battery;
    if (!battery || !preference || !switched) return undefined;
    const units = (milliWh: bigint) => (milliWh * unitsPerKWh) / MILLI_WH_PER_KWH;
    const capacity = units(battery.capacity);
    return {
      stored: units(battery.stored),
      capacity,
      reserve: (capacity * BigInt(preference.reservePercent)) / 100n,
      mostPerSlot: energyDown(preference.powerW, Math.max(slotDuration - CLOSING_S, 0), unitsPerKWh),
    };
  }

  // -------------------------------------------------------------------- acting

  /** Sends what was decided. @throws when no node answers */
  async carryOut(decision: Decision): Promise<void> {
    const { market, book, outbox, log } = this.#options;
    const { unitsPerKWh, minPrice, tickSize } = this.#constants!;
    const { slot: first, obstacle, cancel, place, leftAlone } = decision;
    this.#complain(obstacle);
    if (leftAlone.length > 0) log.debug("agent.left-alone", { slots: leftAlone });
    // First, so that what they locked is free.
    if (cancel.length > 0) {
      const outcome = await outbox.send("cancel orders", market.cancelling(cancel));
      if (!this.#note("cancelled", { orders: cancel }, outcome)) return;
    }
    if (place.length > 0) {
      const orders = place.map(({ slot, side, tick, energy }) => ({
        ...{ slot, side, kWh: formatKWh(energy, unitsPerKWh) },
        limit: minPrice + BigInt(tick) * tickSize,
      }));
      const own = place.map((order) => market.withId(order));
      book.addOwnOrders(own, first);
      this.#note("placed", { orders }, await outbox.send("place orders", market.placing(place)));
    }
  }

  /** @returns whether it is done. */
  #note(action: string, details: object, outcome: Outcome): boolean {
    const { log } = this.#options;
    if (outcome.status === "mined") log.info(`agent.${action}`, { ...details, hash: outcome.hash });
    else log.warn(`agent.not-${action}`, { ...details, ...outcome });
    return outcome.status === "mined";
  }

  /** Says once what is in the way, and once that nothing is. */
  #complain(obstacle: string | undefined): void {
    const { log } = this.#options;
    if (obstacle === this.#complaint) return;
    this.#complaint = obstacle;
    if (obstacle === undefined) log.info("agent.trading");
    else log.warn("agent.not-trading", { reason: obstacle });
  }
}

/** First slot whose gate is open at a time. */
function firstOpen(
  now: number,
  { slotDuration, gateClosure }: Pick<MarketConstants, "slotDuration" | "gateClosure">,
): number {
  return Math.floor((now + gateClosure) / slotDuration) + 1;
}

/** Newest slot that is over when the gate of another one closes. */
function newestWhole(
  slot: number,
  { slotDuration, gateClosure }: Pick<MarketConstants, "slotDuration" | "gateClosure">,
): number {
  return Math.floor((endOf(slot - 1, slotDuration) - gateClosure) / slotDuration) - 1;
}

/** Why a household whose relays carry out what is traded cannot trade. */
function withoutBattery({ battery }: Household): string {
  return battery
    ? "relays carry out what is traded; say in preferences.battery what may be done with the battery"
    : "relays carry out what is traded, and the oracle does not tell how full the battery is; give it a section battery, or see why its gauge does not answer";
}

function energyDown(powerW: number, seconds: number, unitsPerKWh: bigint): bigint {
  return (BigInt(Math.floor(powerW)) * BigInt(seconds) * unitsPerKWh) / JOULES_PER_KWH;
}

function range(first: number, last: number): number[] {
  return Array.from({ length: last - first + 1 }, (_, i) => first + i);
}
