import type { Reading } from "@ioe/protocol";
import type { Clock } from "../clock.ts";
import { type Logger, reasonOf } from "../log.ts";
import { planReport } from "./plan.ts";
import { epochAt, type SignedReading, type SigningEpoch } from "./readings.ts";

export interface MeterOnChain extends SigningEpoch {
  lastTakenAt: number;
}

/** The registry as the reporter needs it. */
export interface ReadingChain {
  meter(meterId: number): Promise<MeterOnChain>;
  /** `mined` when the chain took at least one reading, `handed` when somebody else is to bring them there. */
  report(readings: SignedReading[]): Promise<{ status: string; reason?: string }>;
}

export interface ReporterStore {
  pendingReadings(meterId: number): SignedReading[];
  readingSince(meterId: number, takenAt: number): SignedReading | undefined;
  setReadingStatus(reading: SignedReading, status: "pending" | "evidence"): void;
  addReading(reading: SignedReading): void;
  /** Keeps another epoch and signature of the same reading. */
  signReading(reading: SignedReading): void;
  atomically<T>(work: () => T): T;
}

export interface ReporterOptions {
  meterId: number;
  chain: ReadingChain;
  store: ReporterStore;
  sign: (reading: Reading) => Promise<`0x${string}`>;
  slotDuration: number;
  grace: number;
  clock: Clock;
  log: Logger;
  /** Called whenever the registry has been read. */
  onMeter?: (meter: MeterOnChain) => void;
}

const FIRST_BACKOFF_MS = 1_000;
const MAX_BACKOFF_MS = 60_000;

/** Brings stored readings to the chain, in order, none lost and none twice. */
export class Reporter {
  readonly #options: ReporterOptions;
  #running: Promise<void> | undefined;
  #again = false;
  #headTimestamp = 0;
  #failures = 0;
  #notBefore = 0;

  constructor(options: ReporterOptions) {
    this.#options = options;
  }

  /**
   * Looks after pending readings, one look at a time.
   * @param headTimestamp time of the chain's head, Unix seconds.
   */
  wake(headTimestamp = this.#headTimestamp): Promise<void> {
    this.#headTimestamp = Math.max(this.#headTimestamp, headTimestamp);
    this.#again = true;
    this.#running ??= this.#run().finally(() => (this.#running = undefined));
    return this.#running;
  }

  async #run(): Promise<void> {
    const { clock, log } = this.#options;
    while (this.#again) {
      this.#again = false;
      if (clock.monotonicMs() < this.#notBefore) return;
      try {
        if (await this.#step()) this.#again = true;
        this.#failures = 0;
      } catch (error) {
        const pause = Math.min(FIRST_BACKOFF_MS * 2 ** this.#failures++, MAX_BACKOFF_MS);
        this.#notBefore = clock.monotonicMs() + pause;
        log.warn("readings.not-reported", { reason: reasonOf(error), retryInMs: pause });
      }
    }
  }

  /** True when something was done and there may be more to do. */
  async #step(): Promise<boolean> {
    const { meterId, chain, store, slotDuration, grace, clock, log, onMeter } = this.#options;
    const pending = store.pendingReadings(meterId);
    if (!pending.some(({ takenAt }) => takenAt <= this.#headTimestamp)) return false;
    const meter = await chain.meter(meterId);
    onMeter?.(meter);
    const { send, restart, evidence } = planReport({
      pending,
      readingSince: (takenAt) => store.readingSince(meterId, takenAt),
      lastTakenAt: meter.lastTakenAt,
      headTimestamp: this.#headTimestamp,
      now: Math.floor(clock.unixMs() / 1_000),
      slotDuration,
      grace,
    });
    store.atomically(() => {
      for (const reading of evidence) store.setReadingStatus(reading, "evidence");
    });
    if (restart) {
      await this.#restart(restart, meter);
      return true;
    }
    if (send.length === 0) return false;
    const started = clock.monotonicMs();
    const outcome = await chain.report(await this.#byNewestKey(send, meter));
    // The next head shows whether they have arrived.
    if (outcome.status === "handed") return false;
    if (outcome.status !== "mined")
      throw new Error(
        `report of ${send.length} readings ${outcome.status}${outcome.reason ? `: ${outcome.reason}` : ""}`,
      );
    const ms = Math.round(clock.monotonicMs() - started);
    log.info("readings.reported", { count: send.length, from: send[0]?.takenAt, to: send.at(-1)?.takenAt, ms });
    return true;
  }

  /**
   * What was measured in the newest key's time by a process that did not know of it, or had the old key, is signed again, or it
   * would be refused for ever and all that is chained to it with it. A key signs the same reading in the same way each time
   * (RFC 6979).
   */
  async #byNewestKey(readings: readonly SignedReading[], signing: SigningEpoch): Promise<SignedReading[]> {
    const { store, sign, log, slotDuration } = this.#options;
    const { epoch } = signing;
    return Promise.all(
      readings.map(async (reading) => {
        if (epochAt(reading.takenAt, signing, slotDuration) !== epoch) return reading;
        const { signature: before, ...fields } = { ...reading, epoch };
        const signature = await sign(fields);
        if (signature === before) return reading;
        store.signReading({ ...fields, signature });
        log.warn("reading.signed-again", { takenAt: fields.takenAt, epoch });
        return { ...fields, signature };
      }),
    );
  }

  /** Signs the same registers of the same instant again as a new baseline; the first signature stays as evidence. */
  async #restart(reading: SignedReading, { lastTakenAt, ...signing }: MeterOnChain): Promise<void> {
    const { store, sign, log, slotDuration } = this.#options;
    const { signature: _, ...fields } = reading;
    const restart = { ...fields, epoch: epochAt(reading.takenAt, signing, slotDuration), since: 0 };
    const signature = await sign(restart);
    store.atomically(() => {
      store.setReadingStatus(reading, "evidence");
      store.addReading({ ...restart, signature });
    });
    log.warn("readings.restart", {
      takenAt: reading.takenAt,
      since: reading.since,
      lastTakenAt,
      reason: "the chain's last reading is not the one this continues",
    });
  }
}
