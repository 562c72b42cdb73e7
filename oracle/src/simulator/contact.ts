/** Time between the coil's current and the contact's movement, ms: an ordinary power relay's operate and release times. */
const OPERATE_MS = 15;
const RELEASE_MS = 10;

/** Movements remembered. */
const HISTORY = 1_000;

export type Cause = "command" | "watchdog" | "stop";

export interface Movement {
  /** World time, monotonic ms. */
  readonly at: number;
  readonly closed: boolean;
  /** What switched the coil. */
  readonly cause: Cause;
}

/** A relay contact: it follows its coil after a delay, unless it is welded or jammed. */
export class Contact {
  readonly history: Movement[] = [];
  closed = false;
  /** A welded contact that is closed, or closes, stays closed. */
  welded = false;
  /** A jammed contact that is open stays open. */
  jammed = false;
  #coil = false;
  #cause: Cause = "command";
  #movesAt = 0;

  /** Switches the coil at world time `at`. */
  switch(on: boolean, at: number, cause: Cause): void {
    if (on === this.#coil) return;
    this.#coil = on;
    this.#cause = cause;
    this.#movesAt = at + (on ? OPERATE_MS : RELEASE_MS);
  }

  step(now: number): void {
    if (this.closed === this.#coil || now < this.#movesAt) return;
    if (this.closed ? this.welded : this.jammed) return;
    this.closed = this.#coil;
    this.history.push({ at: now, closed: this.closed, cause: this.#cause });
    if (this.history.length > HISTORY) this.history.shift();
  }
}
