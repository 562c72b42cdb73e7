import type { z } from "zod";
import type { Clock } from "../clock.ts";
import { stringify } from "../http.ts";
import { type Logger, reasonOf } from "../log.ts";
import type { Inbox } from "./inbox.ts";
import { Limiter } from "./limiter.ts";
import { LARGEST_BODY, readingsBody, telemetryBody } from "./wire.ts";

export interface DeskOptions {
  inbox: Inbox;
  clock: Clock;
  log: Logger;
}

/** What a door answers: a status with HTTP's meaning, and what goes with it as JSON. */
export interface Reply {
  readonly status: number;
  readonly body?: object;
}

/** A request that is answered with a status and a sentence. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** A Pi waits so long for its readings to be on chain, ms; then it is told that they are queued. */
const WAIT_MS = 20_000;
/** Live figures that are older than this are not shown to new listeners, ms. */
const FRESH_MS = 5_000;
/** Live figures of a meter per second. */
const TELEMETRY = { burst: 3, perSecond: 1.2 };
/** Live figures may be so much older than now, or so much ahead of it, s: clocks differ. Older ones somebody has kept. */
const MOST_APART_S = 30;

interface Channel {
  newest?: { text: string; takenAt: number; at: number };
  readonly listeners: Set<(text: string) => void>;
}

/** What every door does with what Pis hand in: reads it, checks it, passes it on. */
export class Desk {
  readonly #options: DeskOptions;
  readonly #perMeter: Limiter<number>;
  readonly #channels = new Map<number, Channel>();

  constructor(options: DeskOptions) {
    this.#options = options;
    this.#perMeter = new Limiter(TELEMETRY, options.clock);
  }

  get queued(): number {
    return this.#options.inbox.queued;
  }

  /** Answers whatever becomes of the work; never throws. */
  async reply(work: () => Promise<Reply> | Reply): Promise<Reply> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof Refusal) return { status: error.status, body: { error: error.message } };
      this.#options.log.warn("gateway.request-failed", { reason: reasonOf(error) });
      return { status: 503, body: { error: `try again later: ${reasonOf(error)}` } };
    }
  }

  /**
   * Readings as `encodeReadings` writes them; answered when they are on chain, or after 20 s.
   * @param gone aborts when nobody waits for the answer any more.
   */
  takeReadings(text: string, gone: AbortSignal): Promise<Reply> {
    return this.reply(async () => {
      const { readings } = parse(readingsBody, text);
      const signal = AbortSignal.any([AbortSignal.timeout(WAIT_MS), gone]);
      const results = await this.#options.inbox.submit(readings, signal);
      return { status: results.some(({ status }) => status === "queued") ? 202 : 200, body: { results } };
    });
  }

  /** One signed `LiveEvent`. */
  takeTelemetry(text: string): Promise<Reply> {
    return this.reply(async () => {
      const { clock, inbox } = this.#options;
      const event = parse(telemetryBody, text);
      const { meterId, takenAt } = event.telemetry;
      const now = Math.floor(clock.unixMs() / 1_000);
      if (Math.abs(takenAt - now) > MOST_APART_S)
        throw new Refusal(409, `taken at ${takenAt}, but it is ${now} here: check the clock`);
      const known = this.#channels.get(meterId)?.newest;
      if (known && takenAt <= known.takenAt) throw new Refusal(409, "newer figures are known already");
      if (!(await inbox.vouches(event)))
        throw new Refusal(403, "the signature is not of the meter's key of that epoch");
      if (!this.#perMeter.take(meterId)) throw new Refusal(429, "more than one event a second");
      this.#publish(meterId, { text: `data: ${stringify(event)}\n\n`, takenAt, at: clock.monotonicMs() });
      return { status: 204 };
    });
  }

  /** Calls back with every event of a meter, as server-sent events have them, from the newest one on if it is fresh. */
  listen(meterId: number, listener: (text: string) => void): { stop(): void } {
    const channel = this.#channelOf(meterId);
    const { newest } = channel;
    if (newest && this.#options.clock.monotonicMs() - newest.at <= FRESH_MS) listener(newest.text);
    channel.listeners.add(listener);
    return {
      stop: () => {
        channel.listeners.delete(listener);
        if (channel.listeners.size === 0 && !channel.newest) this.#channels.delete(meterId);
      },
    };
  }

  #publish(meterId: number, newest: NonNullable<Channel["newest"]>): void {
    const channel = this.#channelOf(meterId);
    channel.newest = newest;
    for (const listener of channel.listeners) listener(newest.text);
  }

  #channelOf(meterId: number): Channel {
    const channel = this.#channels.get(meterId) ?? { listeners: new Set() };
    this.#channels.set(meterId, channel);
    return channel;
  }
}

/** For what is larger than a request may be. */
export function tooLarge(): Refusal {
  return new Refusal(413, `a body has ${LARGEST_BODY} bytes at most; send fewer readings`);
}

function parse<Schema extends z.ZodType>(schema: Schema, text: string): z.output<Schema> {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new Refusal(400, `not JSON: ${(error as Error).message}`);
  }
  const result = schema.safeParse(raw);
  if (result.success) return result.data;
  const { path, message } = result.error.issues[0]!;
  throw new Refusal(400, `${path.join(".") || "(top)"}: ${message}`);
}
