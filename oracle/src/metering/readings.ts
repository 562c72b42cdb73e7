import { type Reading, nextBoundary, slotOf } from "@ioe/protocol";
import type { Logger } from "../log.ts";
import type { Registers } from "./interpolate.ts";
import type { Sampler } from "./sampler.ts";
import type { SampleTime } from "./time.ts";

export interface SignedReading extends Reading {
  signature: `0x${string}`;
}

export interface ReadingStore {
  addReading(reading: SignedReading): void;
  lastReading(meterId: number): SignedReading | undefined;
}

/** Number of the newest key and the first slot it signs for; earlier slots belong to the epoch before. */
export interface SigningEpoch {
  epoch: number;
  epochFromSlot: number;
}

/** Number of the key that signs at an instant, Unix seconds. */
export function epochAt(takenAt: number, { epoch, epochFromSlot }: SigningEpoch, slotDuration: number): number {
  return slotOf(takenAt, slotDuration) >= epochFromSlot ? epoch : epoch - 1;
}

export interface ReadingsOptions {
  meterId: number;
  sampler: Sampler;
  time: SampleTime;
  store: ReadingStore;
  sign: (reading: Reading) => Promise<`0x${string}`>;
  slotDuration: number;
  signing: SigningEpoch;
  /** Unix seconds at which the meter was last replaced. */
  replacedAt?: number | undefined;
  /** Whether the wall clock can be believed; asked at the start, whenever it was set, and until it can. */
  isSynchronised: () => boolean;
  /** Called when the wall clock cannot be believed any more. */
  onDoubt?: () => void;
  log: Logger;
}

interface Waiting {
  /** Monotonic ms the reading must not be older than. */
  notBefore: number;
  resolve: (reading: SignedReading) => void;
}

/**
 * Turns samples into the chain of signed readings: one at the boundary of every slot, others (checkpoints) at whole
 * seconds on demand. Each names the instant of the one before it (`since`). When the boundary of a slot lies in a gap
 * of the samples, the chain restarts with `since = 0` and the gap is on record. While the clock cannot be believed nothing is
 * signed; samples wait, and are dated once it can.
 */
export class Readings {
  readonly #options: ReadingsOptions;
  readonly #listeners: ((reading: SignedReading) => void)[] = [];
  #last: SignedReading | undefined;
  /** Why the next reading cannot be chained to the last one. */
  #broken: string | undefined;
  #waiting: Waiting[] = [];
  #work: Promise<void> = Promise.resolve();
  #signing: SigningEpoch;
  #believesClock = false;
  /** Monotonic instant of the first sample that waits for a clock to be dated by. */
  #undatedFrom: number | undefined;

  constructor(options: ReadingsOptions) {
    this.#options = options;
    this.#signing = options.signing;
    this.#last = options.store.lastReading(options.meterId);
    if (!this.#last) this.#broken = "first reading";
    else if (this.#last.takenAt <= (options.replacedAt ?? 0)) this.#broken = "the meter was replaced";
    options.sampler.onBreak((reason) => (this.#broken ??= reason));
    options.sampler.onSample((sample) => this.#onSample(sample));
  }

  get last(): SignedReading | undefined {
    return this.#last;
  }

  /** False while nothing is signed, since nobody knows what time it is. */
  get believesClock(): boolean {
    return this.#believesClock;
  }

  set signing(epoch: SigningEpoch) {
    this.#signing = epoch;
  }

  /** Number of the key that signs at an instant, Unix seconds. */
  epochAt(takenAt: number): number {
    return epochAt(takenAt, this.#signing, this.#options.slotDuration);
  }

  /** Called with every reading once it is signed and stored. */
  onReading(listener: (reading: SignedReading) => void): void {
    this.#listeners.push(listener);
  }

  /** A signed and stored reading that is not older than this moment; comes with one of the next samples. */
  checkpoint(): Promise<SignedReading> {
    const { time } = this.#options;
    const notBefore = time.now() - time.unixMsAt(0);
    return new Promise((resolve) => this.#waiting.push({ notBefore, resolve }));
  }

  /** Resolves when everything the samples so far give has been signed and stored. */
  idle(): Promise<void> {
    return this.#work;
  }

  #onSample(sample: Registers): void {
    const { sampler, time, log } = this.#options;
    const step = time.follow();
    if (step !== 0) {
      log.warn("clock.stepped", { ms: Math.round(step) });
      if (this.#believesClock) this.#broken ??= "the clock was set";
      this.#believesClock = false;
    }
    // What has waited for longer than samples are kept is gone.
    if (this.#undatedFrom !== undefined) this.#undatedFrom = Math.max(this.#undatedFrom, sampler.oldest?.at ?? 0);
    if (!this.#believesClock && !this.#believe(sample)) return;
    const from = this.#undatedFrom === undefined ? undefined : Math.ceil(time.unixMsAt(this.#undatedFrom) / 1_000);
    this.#undatedFrom = undefined;
    const last = this.#last;
    const now = Math.floor(time.unixMsAt(sampler.latest?.at ?? sample.at) / 1_000);
    if (last && last.takenAt > now + 1) {
      log.error("readings.in-the-future", { takenAt: last.takenAt, now });
      this.#last = undefined;
      this.#broken ??= "the last reading was dated in the future";
    }
    this.#work = this.#work
      .then(() => this.#advance(now, from))
      .catch((error: unknown) => log.error("readings.failed", { error }));
  }

  #believe({ at }: Registers): boolean {
    const { isSynchronised, onDoubt, log } = this.#options;
    this.#believesClock = isSynchronised();
    if (this.#believesClock) {
      if (this.#undatedFrom !== undefined) log.info("clock.synchronised");
    } else if (this.#undatedFrom === undefined) {
      log.warn("clock.not-synchronised", {
        advice: "sudo timedatectl set-ntp true, and let UDP port 123 out of the house",
      });
      this.#undatedFrom = at;
      onDoubt?.();
    }
    return this.#believesClock;
  }

  /** @param from whole second of the first sample that has waited to be dated. */
  async #advance(now: number, from: number | undefined): Promise<void> {
    await this.#boundaries(now);
    if (this.#broken && from !== undefined && (await this.#take(from))) await this.#boundaries(now);
    const { time } = this.#options;
    const due = this.#waiting.filter(({ notBefore }) => time.unixMsAt(notBefore) <= now * 1_000);
    if (due.length === 0 && !this.#broken) return;
    const reading = this.#last?.takenAt === now && !this.#broken ? this.#last : await this.#take(now);
    if (!reading) return;
    this.#waiting = this.#waiting.filter((waiting) => !due.includes(waiting));
    for (const { resolve } of due) resolve(reading);
  }

  async #boundaries(now: number): Promise<void> {
    const { slotDuration, log } = this.#options;
    while (this.#last && !this.#broken) {
      const boundary = nextBoundary(this.#last.takenAt + 1, slotDuration);
      if (boundary > now) return;
      if (await this.#take(boundary)) continue;
      this.#broken = "no samples around the end of a slot";
      log.warn("readings.gap", { since: this.#last.takenAt, boundary });
    }
  }

  /** Signs and stores the registers of a whole second, if samples cover it. */
  async #take(takenAt: number): Promise<SignedReading | undefined> {
    const { meterId, sampler, time, store, sign, log } = this.#options;
    if (this.#last && takenAt <= this.#last.takenAt) return undefined;
    const registers = sampler.registersAt(takenAt * 1_000 - time.unixMsAt(0));
    if (!registers) return undefined;
    const reading: Reading = {
      meterId,
      epoch: this.epochAt(takenAt),
      since: this.#broken ? 0 : (this.#last?.takenAt ?? 0),
      takenAt,
      imported: registers.imported,
      exported: registers.exported,
    };
    const signed = { ...reading, signature: await sign(reading) };
    store.addReading(signed);
    // A meter's very first reading leaves no gap behind.
    if (this.#broken) log[this.#last ? "warn" : "info"]("readings.restart", { takenAt, reason: this.#broken });
    this.#broken = undefined;
    this.#last = signed;
    log.debug("reading.stored", {
      since: reading.since,
      takenAt,
      imported: reading.imported,
      exported: reading.exported,
    });
    for (const listener of this.#listeners) listener(signed);
    return signed;
  }
}
