import type { LiveEvent } from "@ioe/protocol";
import type { Clock } from "../clock.ts";
import type { BatteryGauge } from "../hardware/index.ts";
import { type Logger, reasonOf } from "../log.ts";

/** A state of charge moves slowly. */
const EVERY_MS = 10_000;
/** An older one is none. */
const STALE_MS = 60_000;

/** Asks a battery from time to time how full it is. A gauge that fails is missing on a page, and nothing else. */
export class Gauge {
  readonly #battery: BatteryGauge;
  readonly #clock: Clock;
  readonly #log: Logger;
  #last: { stateOfCharge: number; at: number } | undefined;

  constructor(battery: BatteryGauge, clock: Clock, log: Logger) {
    this.#battery = battery;
    this.#clock = clock;
    this.#log = log;
  }

  get latest(): LiveEvent["battery"] {
    if (!this.#last || this.#clock.monotonicMs() - this.#last.at > STALE_MS) return undefined;
    return { stateOfCharge: this.#last.stateOfCharge, capacityWh: this.#battery.capacityWh };
  }

  /** Until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    let failing = false;
    while (!signal.aborted) {
      try {
        const stateOfCharge = await this.#battery.read(signal);
        this.#last = { stateOfCharge, at: this.#clock.monotonicMs() };
        failing = false;
      } catch (error) {
        if (!failing && !signal.aborted) this.#log.warn("battery.no-answer", { reason: reasonOf(error) });
        failing = true;
      }
      await this.#clock.sleep(EVERY_MS, signal).catch(() => undefined); // aborted: the loop ends
    }
  }
}
