import type { Balance } from "./forecast.ts";
import type { Market, OrderBook } from "./market.ts";
import type { Promised } from "./plan.ts";

/**
 * What the household gave or took in slots that are over. What relays carried for a trade is taken out: fills in full,
 * though they make a little less of the meter's figure, for the household goes on while a relay is closed. Slots with a
 * direct delivery are not known, nor slots whose fills nobody looked at while they flowed (the agent did not run).
 */
export class Balances {
  readonly #market: Pick<Market, "balance">;
  readonly #book: Pick<OrderBook, "ordersIn">;
  /** What the meter showed; it does not change any more. */
  readonly #shown = new Map<number, bigint>();
  /** What fills made it show. */
  readonly #traded = new Map<number, bigint>();
  readonly #delivered = new Set<number>();

  constructor(market: Pick<Market, "balance">, book: Pick<OrderBook, "ordersIn">) {
    this.#market = market;
    this.#book = book;
  }

  /** Fills of a slot that is cleared and not over: all of its orders are still there. */
  noteFills(slot: number, orders: readonly Promised[]): void {
    const net = orders.reduce((sum, { side, due }) => (side === "ask" ? sum + due : sum - due), 0n);
    this.#traded.set(slot, net);
  }

  noteDelivery({ first, last }: { first: number; last: number }): void {
    for (let slot = first; slot <= last; slot++) this.#delivered.add(slot);
  }

  /** Whether the meter's readings cover the slot; looks on chain unless that is known. */
  async covers(slot: number): Promise<boolean> {
    if (this.#shown.has(slot)) return true;
    const balance = await this.#market.balance(slot);
    if (balance !== undefined) this.#shown.set(slot, balance);
    return balance !== undefined;
  }

  /** Looks up these slots, and forgets those before all of them. */
  async load(slots: readonly number[]): Promise<void> {
    await Promise.all(slots.map((slot) => this.covers(slot)));
    const oldest = Math.min(...slots);
    for (const memory of [this.#shown, this.#traded, this.#delivered])
      for (const slot of memory.keys()) if (slot < oldest) memory.delete(slot);
  }

  /** @param switched relays carry out what is traded; without them a trade moves nothing. */
  of(switched: boolean): Balance {
    return (slot) => {
      const shown = this.#shown.get(slot);
      if (shown === undefined || !switched) return shown;
      if (this.#delivered.has(slot)) return undefined;
      const traded = this.#traded.get(slot) ?? (this.#book.ordersIn(slot).length === 0 ? 0n : undefined);
      return traded === undefined ? undefined : shown - traded;
    };
  }
}
