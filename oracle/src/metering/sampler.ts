import type { Clock } from "../clock.ts";
import { DeviceError, type EnergyMeter, type MeterSample } from "../hardware/types.ts";
import { type Logger, reasonOf } from "../log.ts";
import { type Registers, registersAt } from "./interpolate.ts";
import { type Believed, type Offsets, judge } from "./plausibility.ts";

/** Why the meter cannot be trusted at the moment. */
export interface MeterFault {
  readonly kind: "unreadable" | "implausible";
  readonly reason: string;
}

export interface SamplerOptions {
  meter: EnergyMeter;
  clock: Clock;
  log: Logger;
  pollMs: number;
  unitsPerKWh: bigint;
  /** How long samples are kept, ms. */
  historyMs?: number;
  /** Registers of the time before this process, which the first sample must continue. */
  believed?: () => Believed | undefined;
  /** What is added to the meter's registers; 0 if left out. */
  offsets?: Offsets;
  /** The meter has wrapped: the new offsets, to be kept before the sample is used. */
  onOffsets?: (offsets: Offsets) => void;
}

/** Samples around an instant may be so many polls apart to interpolate: two, and one for jitter. */
const GAP_POLLS = 3;
/** A fault that lasts is logged again after so many polls. */
const REPEAT_POLLS = 120;

/** Polls the meter for as long as the oracle runs and keeps what was believed. */
export class Sampler {
  readonly #options: SamplerOptions;
  readonly #listeners: ((sample: MeterSample) => void)[] = [];
  readonly #faultListeners: ((fault: MeterFault) => void)[] = [];
  readonly #history: MeterSample[] = [];
  readonly #breakListeners: ((reason: string) => void)[] = [];
  #faults = 0;
  #offsets: Offsets;
  /** Refused because no power explains the step to it. */
  #jump: { sample: MeterSample; reason: string } | undefined;

  constructor(options: SamplerOptions) {
    this.#options = options;
    this.#offsets = options.offsets ?? { imported: 0n, exported: 0n };
  }

  get meter(): EnergyMeter {
    return this.#options.meter;
  }

  get pollMs(): number {
    return this.#options.pollMs;
  }

  get unitsPerKWh(): bigint {
    return this.#options.unitsPerKWh;
  }

  /** Largest distance of two samples between which a register may be interpolated, ms. */
  get maxGapMs(): number {
    return GAP_POLLS * this.#options.pollMs;
  }

  /** Newest sample that was believed. */
  get latest(): MeterSample | undefined {
    return this.#history.at(-1);
  }

  /** The first that is still kept. */
  get oldest(): MeterSample | undefined {
    return this.#history[0];
  }

  /** Registers at a monotonic instant; nothing when it is not covered by samples. */
  registersAt(at: number): Registers | undefined {
    return registersAt(this.#history, at, this.maxGapMs);
  }

  onSample(listener: (sample: MeterSample) => void): void {
    this.#listeners.push(listener);
  }

  /** Called at once for every sample that could not be had or believed. */
  onFault(listener: (fault: MeterFault) => void): void {
    this.#faultListeners.push(listener);
  }

  /**
   * Called before a sample that stands where an earlier one was refused because no power explains it: with time it has
   * become possible, but what lies between is nobody's delivery.
   */
  onBreak(listener: (reason: string) => void): void {
    this.#breakListeners.push(listener);
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, pollMs } = this.#options;
    let next = clock.monotonicMs();
    while (!signal.aborted) {
      await this.poll(signal);
      // A fixed beat; a poll that took longer than its beat skips the missed ones.
      const now = clock.monotonicMs();
      next = Math.max(next + pollMs, now);
      await clock.sleep(next - now, signal).catch(() => undefined);
    }
  }

  /** Takes one sample. */
  async poll(signal: AbortSignal): Promise<void> {
    const { meter, unitsPerKWh, log, believed, onOffsets } = this.#options;
    let raw: MeterSample;
    try {
      raw = await meter.read(signal);
    } catch (error) {
      if (signal.aborted) return;
      if (!(error instanceof DeviceError)) throw error;
      this.#fault({ kind: "unreadable", reason: reasonOf(error) });
      return;
    }
    const judgement = judge(raw, this.latest ?? believed?.(), this.#offsets, meter, unitsPerKWh);
    if ("reason" in judgement) {
      const { reason, jump } = judgement;
      if (jump) this.#jump ??= { sample: jump, reason };
      this.#fault({ kind: "implausible", reason });
      return;
    }
    const { sample, offsets } = judgement;
    if (offsets.imported !== this.#offsets.imported || offsets.exported !== this.#offsets.exported) {
      log.warn("meter.wrapped", { before: this.#offsets, offsets });
      onOffsets?.(offsets);
      this.#offsets = offsets;
    }
    if (this.#faults > 0) log.info("meter.recovered", { refused: this.#faults });
    this.#faults = 0;
    this.#settleJump(sample);
    this.#keep(sample);
    for (const listener of this.#listeners) listener(sample);
  }

  #settleJump(sample: MeterSample): void {
    const jump = this.#jump;
    this.#jump = undefined;
    // A register that is below it again was misread once; nothing is lost.
    if (!jump || sample.imported < jump.sample.imported || sample.exported < jump.sample.exported) return;
    for (const listener of this.#breakListeners) listener(jump.reason);
  }

  #keep(sample: MeterSample): void {
    const { historyMs = 3_600_000 } = this.#options;
    this.#history.push(sample);
    // One sample older than the window stays, to interpolate at its beginning.
    while ((this.#history[1]?.at ?? Infinity) < sample.at - historyMs) this.#history.shift();
  }

  #fault(fault: MeterFault): void {
    if (this.#faults++ % REPEAT_POLLS === 0) this.#options.log.error(`meter.${fault.kind}`, { reason: fault.reason });
    for (const listener of this.#faultListeners) listener(fault);
  }
}
