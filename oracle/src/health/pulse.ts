import type { Clock } from "../clock.ts";

/**
 * Whether the control loop moves: a cycle is complete when each of its parts has beaten once. A part that hangs keeps the
 * cycle from completing, however lively the others are.
 */
export class Pulse<Part extends string> {
  readonly #clock: Clock;
  readonly #parts: readonly Part[];
  readonly #limitMs: number;
  readonly #onCycle: () => void;
  #waitingFor: Set<Part>;
  #cycleAt: number;

  /** @param limitMs a cycle that takes longer has stopped. @param onCycle called at the end of each. */
  constructor(clock: Clock, parts: readonly Part[], limitMs: number, onCycle: () => void = () => undefined) {
    this.#clock = clock;
    this.#parts = parts;
    this.#limitMs = limitMs;
    this.#onCycle = onCycle;
    this.#waitingFor = new Set(parts);
    this.#cycleAt = clock.monotonicMs();
  }

  /** The part has done its work once. */
  beat(part: Part): void {
    this.#waitingFor.delete(part);
    if (this.#waitingFor.size > 0) return;
    this.#waitingFor = new Set(this.#parts);
    this.#cycleAt = this.#clock.monotonicMs();
    this.#onCycle();
  }

  /** Age of the last complete cycle, ms. */
  get ageMs(): number {
    return this.#clock.monotonicMs() - this.#cycleAt;
  }

  /** Why the loop counts as stopped; nothing while it moves. */
  get trouble(): string | undefined {
    if (this.ageMs <= this.#limitMs) return undefined;
    const parts = [...this.#waitingFor].join(" and ");
    return `the control cycle stands still for ${Math.round(this.ageMs / 1_000)} s, waiting for: ${parts}`;
  }
}
