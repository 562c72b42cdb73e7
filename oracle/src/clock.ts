import { setImmediate as nextTurn } from "node:timers/promises";

/**
 * Time as the oracle sees it. Durations, leases and timeouts use the monotonic clock, which never jumps; only slot times
 * and signatures use the wall clock.
 */
export interface Clock {
  /** Milliseconds (with fraction) since an arbitrary start; never goes back and is not touched by NTP. */
  monotonicMs(): number;
  /** Wall clock: milliseconds since 1970-01-01T00:00:00Z. */
  unixMs(): number;
  /** Resolves after `ms` (0 or more). Rejects with the signal's reason as soon as the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

export const systemClock: Clock = {
  monotonicMs: () => performance.now(),
  unixMs: () => Date.now(),
  sleep: (ms, signal) =>
    new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = () => {
        clearTimeout(timer);
        reject(signal?.reason as Error);
      };
      const timer = setTimeout(() => {
        signal?.removeEventListener("abort", onAbort);
        resolve();
      }, ms);
      signal?.addEventListener("abort", onAbort, { once: true });
    }),
};

interface Sleeper {
  readonly wakeAt: number;
  readonly wake: () => void;
}

/** A clock that stands still until it is told to advance: tests of timing need no waiting. */
export class ManualClock implements Clock {
  #unixStart: number;
  #now = 0;
  #sleepers: Sleeper[] = [];

  /** @param unixStart wall clock at the start, ms since 1970; the monotonic clock starts at 0. */
  constructor(unixStart = 1_700_000_000_000) {
    this.#unixStart = unixStart;
  }

  monotonicMs(): number {
    return this.#now;
  }

  unixMs(): number {
    return this.#unixStart + this.#now;
  }

  /** Somebody sets the wall clock. */
  setUnixMs(unixMs: number): void {
    this.#unixStart = unixMs - this.#now;
  }

  sleep(ms: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = () => {
        this.#sleepers = this.#sleepers.filter((other) => other !== sleeper);
        reject(signal?.reason as Error);
      };
      const sleeper: Sleeper = {
        wakeAt: this.#now + Math.max(0, ms),
        wake: () => {
          signal?.removeEventListener("abort", onAbort);
          resolve();
        },
      };
      this.#sleepers.push(sleeper);
      signal?.addEventListener("abort", onAbort, { once: true });
    });
  }

  /**
   * Moves both clocks on by `ms`, waking sleepers in the order of their time. After each wake-up pending promise
   * reactions run before time moves on, so a loop that sleeps again within the interval is woken again.
   */
  async advance(ms: number): Promise<void> {
    const target = this.#now + ms;
    await nextTurn();
    for (let due = this.#takeDue(target); due; due = this.#takeDue(target)) {
      this.#now = due.wakeAt;
      due.wake();
      await nextTurn();
    }
    this.#now = target;
  }

  /** Removes and returns the earliest sleeper due at `until` or before. */
  #takeDue(until: number): Sleeper | undefined {
    let first: Sleeper | undefined;
    for (const sleeper of this.#sleepers) if (!first || sleeper.wakeAt < first.wakeAt) first = sleeper;
    if (!first || first.wakeAt > until) return undefined;
    this.#sleepers = this.#sleepers.filter((other) => other !== first);
    return first;
  }
}
