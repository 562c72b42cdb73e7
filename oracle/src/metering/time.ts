import type { Clock } from "../clock.ts";

/** A larger disagreement of the two clocks is a step (somebody set the clock), a smaller one is drift to be followed. */
const STEP_MS = 1_000;

/**
 * Dates samples. Durations between samples come from the monotonic clock; the wall clock only anchors it, so that a
 * clock that is set does not tear a hole into the readings unnoticed.
 */
export class SampleTime {
  readonly #clock: Clock;
  #anchor: number;

  constructor(clock: Clock) {
    this.#clock = clock;
    this.#anchor = clock.unixMs() - clock.monotonicMs();
  }

  /** Unix milliseconds of a monotonic instant. */
  unixMsAt(monotonicMs: number): number {
    return monotonicMs + this.#anchor;
  }

  /** Unix milliseconds now. */
  now(): number {
    return this.unixMsAt(this.#clock.monotonicMs());
  }

  /** Follows the wall clock. @returns the step in ms when it was set, else 0. */
  follow(): number {
    const measured = this.#clock.unixMs() - this.#clock.monotonicMs();
    const difference = measured - this.#anchor;
    this.#anchor = measured;
    return Math.abs(difference) >= STEP_MS ? difference : 0;
  }
}
