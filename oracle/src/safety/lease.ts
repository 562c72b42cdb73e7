import type { Clock } from "../clock.ts";

/** A permission that ends by itself: when it is not renewed in time, `onExpiry` is called once. */
export class Lease {
  readonly #clock: Clock;
  readonly #onExpiry: () => void;
  #until = -Infinity;
  #watch: AbortController | undefined;

  constructor(clock: Clock, onExpiry: () => void) {
    this.#clock = clock;
    this.#onExpiry = onExpiry;
  }

  get valid(): boolean {
    return this.#clock.monotonicMs() < this.#until;
  }

  /** Valid for `ms` from now on. */
  renew(ms: number): void {
    this.#until = this.#clock.monotonicMs() + ms;
    if (this.#watch) return;
    this.#watch = new AbortController();
    void this.#expire(this.#watch.signal);
  }

  /** Ends it without calling `onExpiry`. */
  end(): void {
    this.#until = -Infinity;
    this.#watch?.abort();
    this.#watch = undefined;
  }

  async #expire(signal: AbortSignal): Promise<void> {
    try {
      for (let left = this.#left(); left > 0; left = this.#left()) await this.#clock.sleep(left, signal);
    } catch {
      return; // ended
    }
    this.#watch = undefined;
    this.#onExpiry();
  }

  #left(): number {
    return this.#until - this.#clock.monotonicMs();
  }
}
