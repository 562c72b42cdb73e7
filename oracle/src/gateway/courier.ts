import type { Clock } from "../clock.ts";
import { type Logger, reasonOf } from "../log.ts";
import type { SignedReading } from "../metering/index.ts";
import { type Gateway, refusalOf } from "./client.ts";
import { MOST_READINGS, answersBody, encodeReadings } from "./wire.ts";

export interface CourierOptions {
  /** In the order of preference. */
  gateways: readonly Gateway[];
  /** Posts readings itself; left out when nobody here pays for gas. */
  post: ((readings: SignedReading[]) => Promise<Handing>) | undefined;
  slotDuration: number;
  clock: Clock;
  log: Logger;
}

/**
 * `mined`: on chain, as far as the one who said it can be believed; the chain is read again in any case. `handed`: with a
 * gateway, not on chain yet.
 */
export interface Handing {
  status: string;
  reason?: string;
}

/** A reading that a gateway has had for so many slots without it being on chain is handed to the next one. */
const PATIENCE_SLOTS = 2;
/** The same readings are not handed to the same gateway again within this time, ms. */
const PAUSE_MS = 5_000;
/** A gateway holds its answer for 20 s at most. */
const TIMEOUT_MS = 25_000;

/**
 * The way of signed readings to the chain: through a gateway, which pays the gas, or by oneself. No gateway is trusted:
 * the chain alone says what has arrived. One that does not answer is passed over at once, one that takes readings which
 * then do not show up on chain after two slots; when all have failed and there is money for gas, this Pi posts itself.
 */
export class Courier {
  readonly #options: CourierOptions;
  /** Index of the gateway in use; the number of gateways when it is our own turn. */
  #current = 0;
  /** The oldest reading that is still not on chain, and since when this gateway has had it. */
  #oldest: { takenAt: number; since: number } | undefined;
  #handed: { takenAt: number; at: number } | undefined;

  constructor(options: CourierOptions) {
    this.#options = options;
  }

  /** Gateway in use; nothing when this Pi posts itself. */
  get gateway(): Gateway | undefined {
    return this.#options.gateways[this.#current];
  }

  /** @param readings in order, from the first one the chain does not have on. @throws when there is no way at all. */
  async report(readings: SignedReading[]): Promise<Handing> {
    const { gateways, post, clock, log } = this.#options;
    if (gateways.length === 0) return this.#post(readings);
    const now = clock.monotonicMs();
    const { takenAt } = readings[0]!;
    if (this.#oldest?.takenAt !== takenAt) this.#oldest = { takenAt, since: now };
    else if (now - this.#oldest.since > PATIENCE_SLOTS * this.#options.slotDuration * 1_000) {
      log.warn("gateway.swallows", { gateway: this.gateway?.name, takenAt });
      this.#turn();
    }
    const reasons: string[] = [];
    for (let tried = 0; tried <= gateways.length; tried++) {
      const gateway = this.gateway;
      if (!gateway) {
        if (post) {
          const outcome = await this.#post(readings);
          // Gas is better spent by the gateway: the first one gets its chance again with the next reading.
          this.#turn();
          return outcome;
        }
        this.#turn();
        continue;
      }
      try {
        return await this.#hand(gateway, readings.slice(0, MOST_READINGS));
      } catch (error) {
        reasons.push(`${gateway.name}: ${reasonOf(error)}`);
        log.warn("gateway.failed", { gateway: gateway.name, reason: reasonOf(error) });
        this.#turn();
      }
    }
    throw new Error(`no gateway takes the readings (${reasons.join("; ")})`);
  }

  async #post(readings: SignedReading[]): Promise<Handing> {
    const { post } = this.#options;
    if (!post) throw new Error("there is neither a gateway nor a sender that pays for gas");
    return post(readings);
  }

  #turn(): void {
    this.#current = (this.#current + 1) % (this.#options.gateways.length + 1);
    this.#handed = undefined;
    if (this.#oldest) this.#oldest.since = this.#options.clock.monotonicMs();
  }

  async #hand(gateway: Gateway, readings: SignedReading[]): Promise<Handing> {
    const { clock, log } = this.#options;
    const newest = readings.at(-1)!.takenAt;
    const now = clock.monotonicMs();
    if (this.#handed?.takenAt === newest && now - this.#handed.at < PAUSE_MS) return { status: "handed" };
    const answer = await gateway.ask("readings", encodeReadings(readings), TIMEOUT_MS);
    if (answer.status !== 200 && answer.status !== 202) throw new Error(refusalOf(answer));
    const { results } = answersBody.parse(JSON.parse(answer.text));
    this.#handed = { takenAt: newest, at: clock.monotonicMs() };
    const refused = results.find(({ status }) => status === "refused");
    if (refused) throw new Error(`refused the reading of ${refused.takenAt}: ${refused.reason ?? "without a reason"}`);
    const done = results.every(({ status }) => status === "on-chain" || status === "known");
    const { name } = gateway;
    if (done)
      log.info("gateway.relayed", { gateway: name, count: results.length, transaction: results.at(-1)?.transaction });
    return { status: "handed" };
  }
}
