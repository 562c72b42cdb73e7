import type { Clock } from "../clock.ts";
import type { EnergyMeter, MeterSample } from "../hardware/types.ts";
import { type Logger, reasonOf } from "../log.ts";
import type { FaultLatch } from "./fault-latch.ts";

/**
 * What keeps relays open.
 *
 * | kind            | seen when                                             | ends                                  |
 * | --------------- | ----------------------------------------------------- | ------------------------------------- |
 * | NoSample        | two polls without a sample that was believed          | with three good samples in a row      |
 * | OverPower       | more than the meter's rated power                     | after a minute below it               |
 * | MeterFrozen     | power is shown, but no register moves                 | after a minute without it             |
 * | ContactorWelded | power through a branch meter while all relays are open, | not by a restart: `ioe relays-off`   |
 * |                 | or a relay that reads closed whenever it was opened   |                                       |
 */
export const FAULT_KINDS = ["NoSample", "OverPower", "MeterFrozen", "ContactorWelded"] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

export interface Fault {
  readonly kind: FaultKind;
  readonly reason: string;
  /** It is not worth waiting for its end. */
  readonly latched: boolean;
}

export interface MonitorOptions {
  meter: Pick<EnergyMeter, "maxPowerW" | "scope" | "resolution" | "registersEveryMs">;
  pollMs: number;
  unitsPerKWh: bigint;
  /** Where a welded contact is kept over restarts. */
  latch: FaultLatch;
  clock: Clock;
  log: Logger;
  /** How long all relays have been open, ms; nothing while one is closed. */
  allOpenForMs: () => number | undefined;
  /** Opens all relays. */
  open: (reason: string) => void;
}

const STALE_POLLS = 2;
/** Time from the decision to a contact that has opened, ms: one exchange with the board and the contact's own time. */
export const TYPICAL_OPENING_MS = 60;
const GOOD_SAMPLES = 3;
/** Over-power and a frozen meter must have been gone for so long. */
const HOLD_MS = 60_000;
/** Current has died down and the meter's momentary power has followed. */
const WELDED_AFTER_MS = 3_000;
const WELDED_SAMPLES = 3;
/** Share of the rated power above which power counts as flow. */
const NOISE = 0.01;
/**
 * A meter is frozen when its registers stand still although the power it shows should have moved them by so many of
 * their steps: one for where in its step a register stood, one for what the shown power may be wrong by. Equal power to
 * the last digit proves nothing (a current-limited converter holds its power), nor does a short standstill, nor a long one
 * in which nothing flowed.
 */
const FROZEN_STEPS = 2n;
const FROZEN_POLLS = 10;

/** Watches the meter and opens all relays within two polls when it cannot be trusted or shows what must not be. */
export class Monitor {
  readonly #options: MonitorOptions;
  #fault: Fault | undefined = { kind: "NoSample", reason: "the meter has not been read yet", latched: false };
  #good = 0;
  #weldedSamples = 0;
  /** Monotonic ms at which something was last seen that keeps relays open for a while. */
  #holdSince = -Infinity;
  #sampleAt: number;
  #latest: MeterSample | undefined;
  /** Since the registers moved last: how long power was shown, and what it would have moved them by. */
  #dueMs = 0;
  #dueWattMs = 0;

  constructor(options: MonitorOptions) {
    this.#options = options;
    this.#sampleAt = options.clock.monotonicMs();
    const latched = options.latch.load();
    if (latched)
      this.#fault = { kind: "ContactorWelded", reason: welded(latched.reason, latched.since), latched: true };
  }

  get fault(): Fault | undefined {
    return this.#fault;
  }

  /** Watches for samples that do not come, until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, pollMs } = this.#options;
    // So early that the contact is open when two polls are over.
    const limit = STALE_POLLS * pollMs - Math.min(TYPICAL_OPENING_MS, pollMs / 4);
    while (!signal.aborted) {
      const left = this.#sampleAt + limit - clock.monotonicMs();
      if (left <= 0 && this.#fault?.kind !== "NoSample") this.distrust(`no sample within ${limit} ms`);
      await clock.sleep(left > 0 ? left : pollMs, signal).catch(() => undefined);
    }
  }

  /** The meter gave no sample, or one that cannot be true: relays open at once. */
  distrust(reason: string): void {
    this.#good = 0;
    this.#latest = undefined;
    if (this.#fault?.kind !== "NoSample" && this.#fault?.kind !== "ContactorWelded")
      this.#raise({ kind: "NoSample", reason, latched: false });
  }

  onSample(sample: MeterSample): void {
    const { clock, meter, log } = this.#options;
    this.#sampleAt = clock.monotonicMs();
    this.#good++;
    const power = Math.abs(sample.powerW);
    if (power > meter.maxPowerW) {
      const reason = `${Math.round(power)} W are more than the ${meter.maxPowerW} W the meter is rated for`;
      this.#hold({ kind: "OverPower", reason, latched: true }, sample.at);
    }
    this.#checkFrozen(sample, power);
    this.#checkWelded(sample, power);
    this.#latest = sample;
    if (!this.#fault || this.#fault.kind === "ContactorWelded") return;
    if (this.#good < GOOD_SAMPLES || sample.at - this.#holdSince < HOLD_MS) return;
    log.info("safety.cleared", { fault: this.#fault.kind });
    this.#fault = undefined;
  }

  /** Raises a fault that keeps relays open until it has not been seen for a while. */
  #hold(fault: Fault, at: number): void {
    this.#holdSince = at;
    if (!this.#fault?.latched) this.#raise(fault);
  }

  #checkFrozen(sample: MeterSample, power: number): void {
    const { meter, pollMs, unitsPerKWh } = this.#options;
    const before = this.#latest;
    const still = before && sample.imported === before.imported && sample.exported === before.exported;
    if (!still) {
      this.#dueMs = 0;
      this.#dueWattMs = 0;
      return;
    }
    if (power <= NOISE * meter.maxPowerW) return;
    this.#dueMs += sample.at - before.at;
    this.#dueWattMs += power * (sample.at - before.at);
    const wattMs = (Number(meter.resolution * FROZEN_STEPS) * 3.6e9) / Number(unitsPerKWh);
    const patience = Math.max(FROZEN_POLLS * pollMs, 2 * (meter.registersEveryMs ?? 0));
    if (this.#dueWattMs < wattMs || this.#dueMs < patience) return;
    const seconds = Math.round(this.#dueMs / 1_000);
    const reason = `the registers have not moved for ${seconds} s although the meter shows ${Math.round(power)} W; check the meter and what is between it and here`;
    this.#hold({ kind: "MeterFrozen", reason, latched: true }, sample.at);
  }

  /** Judged on branch meters only: behind a house's connection there are loads that are none of our business. */
  #checkWelded({ at, powerAt = at }: MeterSample, power: number): void {
    const { meter, allOpenForMs, clock } = this.#options;
    const { scope, maxPowerW } = meter;
    const openFor = allOpenForMs() ?? -Infinity;
    // What the device showed before they opened, and still shows, proves nothing.
    const wasOpenFor = openFor - (clock.monotonicMs() - powerAt);
    const suspicious = scope === "branch" && wasOpenFor > WELDED_AFTER_MS && power > NOISE * maxPowerW;
    this.#weldedSamples = suspicious ? this.#weldedSamples + 1 : 0;
    if (this.#weldedSamples >= WELDED_SAMPLES) this.weld(`${Math.round(power)} W flow although all relays are open`);
  }

  /** A contact does not open any more. @param reason how that was seen. */
  weld(reason: string): void {
    const { latch, clock, log } = this.#options;
    if (this.#fault?.kind === "ContactorWelded") return;
    const since = new Date(clock.unixMs()).toISOString();
    this.#raise({ kind: "ContactorWelded", reason: welded(reason, since), latched: true });
    try {
      latch.save({ kind: "ContactorWelded", reason, since });
    } catch (error) {
      log.error("safety.fault-not-kept", { path: latch.path, reason: reasonOf(error) });
    }
  }

  #raise(fault: Fault): void {
    this.#fault = fault;
    this.#options.log.error("safety.fault", { fault: fault.kind, reason: fault.reason });
    this.#options.open(fault.kind);
  }
}

function welded(reason: string, since: string): string {
  return `${reason} (${since}); disconnect by hand, replace the contact, then run: ioe relays-off, and restart`;
}
