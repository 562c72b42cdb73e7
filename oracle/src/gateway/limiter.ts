import type { Clock } from "../clock.ts";

/** A bucket that is not used for so long is full again and forgotten. */
const FORGET_MS = 600_000;

/** Token buckets by key: `burst` at once, then `perSecond`. */
export class Limiter<Key> {
  readonly #buckets = new Map<Key, { tokens: number; at: number }>();
  readonly #limits: { burst: number; perSecond: number };
  readonly #clock: Clock;
  #sweptAt: number;

  constructor(limits: { burst: number; perSecond: number }, clock: Clock) {
    this.#limits = limits;
    this.#clock = clock;
    this.#sweptAt = clock.monotonicMs();
  }

  /** Takes `count` tokens if there are so many. */
  take(key: Key, count = 1): boolean {
    const { burst, perSecond } = this.#limits;
    const now = this.#clock.monotonicMs();
    this.#sweep(now);
    const bucket = this.#buckets.get(key) ?? { tokens: burst, at: now };
    const tokens = Math.min(burst, bucket.tokens + ((now - bucket.at) / 1_000) * perSecond);
    const enough = tokens >= count;
    this.#buckets.set(key, { tokens: enough ? tokens - count : tokens, at: now });
    return enough;
  }

  #sweep(now: number): void {
    if (now - this.#sweptAt < FORGET_MS) return;
    this.#sweptAt = now;
    for (const [key, { at }] of this.#buckets) if (now - at >= FORGET_MS) this.#buckets.delete(key);
  }
}
