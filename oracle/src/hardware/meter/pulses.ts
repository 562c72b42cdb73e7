import type { LineEvent } from "../transport/gpio-uapi.ts";

const NS_PER_S = 1e9;
const JOULES_PER_KWH = 3_600_000;
const SEQUENCE_MODULUS = 2 ** 32;
/** No pulse for so many of the last distances: the flow has stopped. */
const STOPPED_AFTER = 2;

/** The total of a pulse output, and the power that the distance of its pulses stands for. */
export class PulseCounter {
  readonly #joulesPerPulse: number;
  #total: bigint;
  /** Sequence number of the newest pulse; the kernel begins with 1 when the line is taken. */
  #sequence = 0;
  #newestNs: bigint | undefined;
  /** Mean distance of the newest pulses, ns. */
  #distanceNs: number | undefined;

  constructor(total: bigint, pulsesPerKWh: number) {
    this.#total = total;
    this.#joulesPerPulse = JOULES_PER_KWH / pulsesPerKWh;
  }

  get total(): bigint {
    return this.#total;
  }

  /** The total once these pulses are added. Pulses that a full queue has dropped show in the sequence and count, too. */
  totalWith(pulses: readonly LineEvent[]): bigint {
    const newest = pulses.at(-1);
    return newest ? this.#total + BigInt(this.#pulsesTo(newest)) : this.#total;
  }

  add(pulses: readonly LineEvent[]): void {
    for (const pulse of pulses) {
      const count = this.#pulsesTo(pulse);
      if (this.#newestNs !== undefined) this.#distanceNs = Number(pulse.timestampNs - this.#newestNs) / count;
      this.#newestNs = pulse.timestampNs;
      this.#sequence = pulse.sequence;
      this.#total += BigInt(count);
    }
  }

  /** Power, W: by the last distance, less when the next pulse is late, none when it stays away. */
  powerAt(nowNs: bigint): number {
    if (this.#newestNs === undefined || this.#distanceNs === undefined) return 0;
    const since = Number(nowNs - this.#newestNs);
    if (since > STOPPED_AFTER * this.#distanceNs) return 0;
    return (this.#joulesPerPulse * NS_PER_S) / Math.max(this.#distanceNs, since);
  }

  /** How long ago the newest pulse came, ms; 0 before the first. */
  sinceNewestMs(nowNs: bigint): number {
    return this.#newestNs === undefined ? 0 : Number(nowNs - this.#newestNs) / 1e6;
  }

  #pulsesTo({ sequence }: LineEvent): number {
    return (sequence - this.#sequence + SEQUENCE_MODULUS) % SEQUENCE_MODULUS;
  }
}
