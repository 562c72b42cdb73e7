import { draws } from "../../test/contracts/auction-books.ts";

/** What happens by chance, the same for a seed. */
export class Random {
  readonly #draw: (below: number) => number;

  constructor(seed: number) {
    this.#draw = draws(seed);
  }

  /** A whole number, both ends included. */
  within(low: number, high: number): number {
    return low + this.#draw(high - low + 1);
  }

  chance(percent: number): boolean {
    return this.#draw(100) < percent;
  }

  pick<T>(things: readonly T[]): T {
    return things[this.#draw(things.length)]!;
  }
}
