import { roomFor } from "../chain/index.ts";
import type { Clock } from "../clock.ts";
import { type Logger, reasonOf } from "../log.ts";
import type { SignedReading } from "../metering/index.ts";
import { type KnownMeter, objectionTo } from "./check.ts";
import { Limiter } from "./limiter.ts";
import type { Answer, SignedTelemetry, Verdict } from "./wire.ts";

/** What the chain did with a batch, reading by reading. */
export interface BatchResult {
  readonly transaction: `0x${string}`;
  /** `undefined`: accepted; else why not. By `meterId:takenAt`. */
  readonly refusals: ReadonlyMap<string, string | undefined>;
  readonly gasUsed: bigint;
}

/** The registry as the inbox needs it. */
export interface InboxChain {
  /** @returns nothing when no such meter is registered. @throws when no node answers. */
  meter(meterId: number): Promise<KnownMeter | undefined>;
  /** Whether the key of that epoch made the signature. @throws when no node answers. */
  signed(reading: SignedReading): Promise<boolean>;
  signedTelemetry(telemetry: SignedTelemetry): Promise<boolean>;
  /** Sends a batch. @returns nothing when the chain would take none of it. @throws when it could not be sent. */
  report(readings: SignedReading[]): Promise<BatchResult | undefined>;
  /** The newest block: its time, Unix seconds, and its gas limit. @throws when no node answers. */
  head(): Promise<Head>;
}

export interface Head {
  readonly timestamp: number;
  readonly gasLimit: bigint;
}

export interface InboxOptions {
  chain: InboxChain;
  clock: Clock;
  log: Logger;
  slotDuration: number;
  unitsPerKWh: bigint;
  /** Called with the meters of every batch that is on chain. */
  onRelayed?: (meterIds: number[]) => void;
}

interface Queued {
  readonly reading: SignedReading;
  readonly decide: (verdict: Verdict) => void;
  readonly decided: Promise<Verdict>;
}

/** Wrapped, because a promise that resolves to a promise would wait for it. */
interface Admission {
  readonly verdict: Promise<Verdict>;
  /** Why the rest of the request is refused unseen: this one had work done for it that proved nothing. */
  readonly ends?: string;
}

interface Meter {
  last: KnownMeter;
  readonly queue: Queued[];
  /** When the chain said that this is its last reading; nothing once more has been queued. */
  lookedUpAt: number | undefined;
}

/** Readings of a meter: a burst is what hours offline leave behind, the rate what checkpoints of short slots need. */
const PER_METER = { burst: 120, perSecond: 0.5 };
/** Readings that wait for their batch, of all meters together. */
const MOST_QUEUED = 20_000;
/** Readings that arrive within this time after the first one share its transaction, ms. */
const GATHER_MS = 1_500;
const RETRY_MS = 2_000;
/** Gas of a reading before the first batch has been seen: a P-256 signature in a slot nobody has reported yet. */
const FIRST_GUESS_GAS = 70_000n;
const BASE_GAS = 60_000n;
/** A head that was read so long ago is read again, ms. */
const HEAD_FRESH_MS = 1_000;
/** Likewise a meter, when a reading does not fit to what was read. */
const METER_FRESH_MS = 1_000;
/** Meters that are not registered are not asked for again for so long. */
const UNKNOWN_FOR_MS = 30_000;

/**
 * Takes signed readings from anybody, refuses what would waste gas, and relays the rest in batches. It is trusted with
 * nothing: it cannot change a reading, and one that it swallows the Pi hands to somebody else.
 */
export class Inbox {
  readonly #options: InboxOptions;
  readonly #perMeter: Limiter<number>;
  /** By meter: what the chain has or the queue will bring, and the readings in the queue in order. */
  readonly #meters = new Map<number, Meter>();
  readonly #unknown = new Map<number, number>();
  /** Admissions of a meter, one after the other. */
  readonly #admissions = new Map<number, Promise<unknown>>();
  #queued = 0;
  #gasPerReading = FIRST_GUESS_GAS;
  /** Readings in a batch: halved when one could not be sent (a node may take too long for it), doubled with each that was. */
  #mostInBatch = Infinity;
  #head: { readonly at: number; readonly value: Promise<Head> } | undefined;
  #wake: (() => void) | undefined;
  /** Since the start. */
  readonly counts = { relayed: 0, refused: 0, transactions: 0, gasUsed: 0n };

  constructor(options: InboxOptions) {
    this.#options = options;
    this.#perMeter = new Limiter(PER_METER, options.clock);
  }

  get queued(): number {
    return this.#queued;
  }

  /**
   * Takes readings in; of one meter in order.
   * @param signal when it aborts, no more is taken in, and what is not decided is answered `queued`.
   * @throws when no node answers; nothing of that reading has been taken in then.
   */
  async submit(readings: readonly SignedReading[], signal: AbortSignal): Promise<Answer[]> {
    const undecided: Admission = { verdict: Promise.resolve({ status: "queued" }) };
    const gaveUp = new Promise<Admission>((resolve) => {
      if (signal.aborted) resolve(undecided);
      signal.addEventListener("abort", () => resolve(undecided), { once: true });
    });
    const admitted: { reading: SignedReading; verdict: Promise<Verdict> }[] = [];
    let ended: string | undefined;
    for (const reading of readings) {
      // Its turn may come when nobody waits for it any more.
      const look = async () => (signal.aborted ? undecided : this.#admit(reading));
      const admit = () => (signal.aborted ? undecided : Promise.race([this.#inTurn(reading.meterId, look), gaveUp]));
      const { verdict, ends } = ended === undefined ? await admit() : this.#refuse(ended);
      ended ??= ends;
      admitted.push({ reading, verdict });
    }
    return Promise.all(
      admitted.map(async ({ reading: { meterId, takenAt }, verdict }) => ({
        meterId,
        takenAt,
        ...(await Promise.race([verdict, gaveUp.then((given) => given.verdict)])),
      })),
    );
  }

  /** Whether live figures come from the meter they name. @throws when no node answers. */
  async vouches(event: SignedTelemetry): Promise<boolean> {
    const { meterId } = event.telemetry;
    if (!this.#meters.has(meterId) && !(await this.#inTurn(meterId, () => this.#lookUp(meterId)))) return false;
    return this.#options.chain.signedTelemetry(event);
  }

  /** Relays what is queued until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#options;
    while (!signal.aborted) {
      if (this.#queued === 0) await this.#something(signal);
      await clock.sleep(GATHER_MS, signal).catch(() => undefined);
      try {
        while (!signal.aborted && (await this.#relay()));
      } catch (error) {
        if (signal.aborted) return;
        log.warn("gateway.not-relayed", { queued: this.#queued, reason: reasonOf(error) });
        await clock.sleep(RETRY_MS, signal).catch(() => undefined);
      }
    }
  }

  /** Resolves when something is queued. */
  #something(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const wake = () => {
        // The signal lives as long as the gateway.
        signal.removeEventListener("abort", wake);
        resolve();
      };
      this.#wake = wake;
      signal.addEventListener("abort", wake, { once: true });
    });
  }

  // ---------------------------------------------------------------- admission

  #inTurn<T>(meterId: number, work: () => Promise<T>): Promise<T> {
    const done = (this.#admissions.get(meterId) ?? Promise.resolve()).then(work);
    const settled = done.then(
      () => undefined,
      () => undefined,
    );
    this.#admissions.set(meterId, settled);
    void settled.then(() => {
      if (this.#admissions.get(meterId) === settled) this.#admissions.delete(meterId);
    });
    return done;
  }

  async #admit(reading: SignedReading): Promise<Admission> {
    const { chain } = this.#options;
    const { meterId, takenAt, since } = reading;
    const waiting = this.#meters
      .get(meterId)
      ?.queue.find(({ reading: other }) => other.takenAt === takenAt && other.since === since);
    if (waiting) return { verdict: waiting.decided };
    if (this.#queued >= MOST_QUEUED) return this.#refuse("the queue is full: try another gateway, or later");
    let meter = this.#meters.get(meterId) ?? (await this.#lookUp(meterId));
    if (!meter) return this.#refuseUnknown(meterId);
    let objection = await this.#objection(reading, meter.last);
    if (objection !== undefined && meter.queue.length === 0) {
      // Somebody else may have relayed meanwhile, or a key was rotated.
      meter = await this.#lookUp(meterId);
      if (!meter) return this.#refuseUnknown(meterId);
      if (takenAt <= meter.last.lastTakenAt) return { verdict: Promise.resolve({ status: "known" }) };
      objection = await this.#objection(reading, meter.last);
      if (objection !== undefined) return this.#refuse(objection, "comes after one that does not fit");
    }
    if (objection !== undefined) return this.#refuse(objection);
    if (!(await chain.signed(reading)))
      return this.#refuse(
        "the signature is not of the meter's key of that epoch",
        "comes after one with a wrong signature",
      );
    // Counted last: what strangers send in a meter's name is not the meter's.
    if (!this.#perMeter.take(meterId)) return this.#refuse(`more than ${PER_METER.burst} readings at once: send fewer`);
    return { verdict: this.#enqueue(reading, meter) };
  }

  async #objection(reading: SignedReading, last: KnownMeter): Promise<string | undefined> {
    const { slotDuration, unitsPerKWh } = this.#options;
    const { timestamp: headTimestamp } = await this.#freshHead();
    return objectionTo(reading, last, { slotDuration, unitsPerKWh, headTimestamp });
  }

  /** One request a second at most, for all who ask. */
  #freshHead(): Promise<Head> {
    const { chain, clock } = this.#options;
    const now = clock.monotonicMs();
    if (!this.#head || now - this.#head.at >= HEAD_FRESH_MS) {
      this.#head = { at: now, value: chain.head() };
      this.#head.value.catch(() => (this.#head = undefined));
    }
    return this.#head.value;
  }

  /** One request a second at most for a meter of which nothing is queued, whoever asks. */
  async #lookUp(meterId: number): Promise<Meter | undefined> {
    const { chain, clock } = this.#options;
    const now = clock.monotonicMs();
    const known = this.#meters.get(meterId);
    if (known && now - (known.lookedUpAt ?? -Infinity) < METER_FRESH_MS) return known;
    if (now - (this.#unknown.get(meterId) ?? -Infinity) < UNKNOWN_FOR_MS) return undefined;
    const last = await chain.meter(meterId);
    if (!last) {
      if (this.#unknown.size >= MOST_QUEUED) this.#unknown.clear();
      this.#unknown.set(meterId, now);
      return undefined;
    }
    // From the answer on: with a slow node, too, those who wait in turn share it.
    const meter = { last, queue: this.#meters.get(meterId)?.queue ?? [], lookedUpAt: clock.monotonicMs() };
    this.#meters.set(meterId, meter);
    return meter;
  }

  /** @param ends why the rest of the request is refused, too. */
  #refuse(reason: string, ends?: string): Admission {
    this.counts.refused++;
    return { verdict: Promise.resolve({ status: "refused", reason }), ...(ends !== undefined && { ends }) };
  }

  #refuseUnknown(meterId: number): Admission {
    return this.#refuse(`no meter ${meterId} is registered`, "comes after one of an unknown meter");
  }

  #enqueue(reading: SignedReading, meter: Meter): Promise<Verdict> {
    const { promise, resolve } = Promise.withResolvers<Verdict>();
    meter.queue.push({ reading, decide: resolve, decided: promise });
    const { takenAt, imported, exported } = reading;
    meter.last = { ...meter.last, lastTakenAt: takenAt, imported, exported };
    meter.lookedUpAt = undefined;
    this.#queued++;
    this.#wake?.();
    return promise;
  }

  // ------------------------------------------------------------------ relaying

  /** One batch; true when there may be another one right away. */
  async #relay(): Promise<boolean> {
    const batch = this.#nextBatch(await this.#freshHead());
    if (batch.length === 0) return false;
    const { chain, log, onRelayed } = this.#options;
    const result = await chain.report(batch.map(({ reading }) => reading)).catch((error: unknown) => {
      this.#mostInBatch = Math.max(1, Math.floor(batch.length / 2));
      throw error;
    });
    this.#mostInBatch *= 2;
    const meterIds = [...new Set(batch.map(({ reading }) => reading.meterId))];
    if (!result) {
      // Another gateway was faster, or what it is chained to never arrived: the chain knows, and so will we.
      await this.#dropQueues(meterIds);
      return true;
    }
    const { transaction, refusals, gasUsed } = result;
    this.counts.transactions++;
    this.counts.gasUsed += gasUsed;
    this.#gasPerReading = gasUsed / BigInt(batch.length) + 1n;
    const broken = new Set<number>();
    for (const { reading, decide } of batch) {
      const { meterId, takenAt } = reading;
      const key = keyOf(reading);
      const refusal = refusals.has(key) ? refusals.get(key) : "the chain said nothing about it";
      if (refusal === undefined) {
        this.counts.relayed++;
        decide({ status: "on-chain", transaction });
      } else {
        this.counts.refused++;
        broken.add(meterId);
        decide({ status: "refused", reason: refusal });
        log.warn("gateway.reading-refused", { meterId, takenAt, reason: refusal });
      }
      this.#remove(reading);
    }
    await this.#dropQueues([...broken]);
    log.info("gateway.relayed", { readings: batch.length, transaction, gasUsed, queued: this.#queued });
    onRelayed?.(meterIds);
    return true;
  }

  /** Every meter's readings in order, as many as leave room for others in a block. */
  #nextBatch({ timestamp, gasLimit }: Head): Queued[] {
    const room = Number((roomFor(gasLimit) - BASE_GAS) / ((this.#gasPerReading * 5n) / 4n));
    const most = Math.min(room, this.#mostInBatch);
    const batch: Queued[] = [];
    for (const { queue } of this.#meters.values()) {
      for (const queued of queue) {
        if (batch.length >= most) return batch;
        if (queued.reading.takenAt > timestamp) break;
        batch.push(queued);
      }
    }
    return batch;
  }

  /** Gives up what is queued for meters whose state is no longer what the queue was built on. */
  async #dropQueues(meterIds: number[]): Promise<void> {
    for (const meterId of meterIds) {
      await this.#inTurn(meterId, async () => {
        const queue = this.#meters.get(meterId)?.queue ?? [];
        const last = await this.#options.chain.meter(meterId);
        for (const { reading, decide } of queue.splice(0)) {
          this.#queued--;
          const known = last !== undefined && reading.takenAt <= last.lastTakenAt;
          decide(
            known
              ? { status: "known" }
              : { status: "refused", reason: "what it continues is not on chain: send again" },
          );
        }
        this.#meters.delete(meterId);
      });
    }
  }

  #remove(reading: SignedReading): void {
    const queue = this.#meters.get(reading.meterId)?.queue;
    const at = queue?.findIndex((queued) => queued.reading === reading) ?? -1;
    if (at < 0) return;
    queue!.splice(at, 1);
    this.#queued--;
  }
}

export function keyOf({ meterId, takenAt }: { meterId: number; takenAt: number }): string {
  return `${meterId}:${takenAt}`;
}
