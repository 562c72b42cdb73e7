import { endOf, slotOf, unpackOrderId } from "@ioe/protocol";
import type { Clock } from "../clock.ts";
import { findRoute, type Route } from "../delivery/index.ts";
import { type Logger, reasonOf } from "../log.ts";
import type { Registers, SampleTime, Sampler } from "../metering/index.ts";
import { Authority, CloseRefused, type RelaySet } from "../safety/index.ts";
import { opensAt, type Fill, wantsClosed } from "./decide.ts";

/** The orders of our meter. */
export interface OrderStore {
  ordersIn(slot: number): bigint[];
}

/** The auction as the fills need it. */
export interface Auction {
  /** Energy the clearing accepted of an order. */
  fillOf(orderId: bigint, blockNumber: bigint): Promise<bigint>;
}

export interface FillsOptions {
  routes: readonly Route[];
  orders: OrderStore;
  auction: Auction;
  relays: RelaySet;
  sampler: Sampler;
  time: SampleTime;
  slotDuration: number;
  authorityLeaseMs: number;
  /** A direct delivery of this meter is under way. */
  delivering: () => boolean;
  clock: Clock;
  log: Logger;
}

interface Current {
  fill: Fill;
  readonly path: readonly string[];
  before: Registers | undefined;
  closed: boolean;
}

/**
 * Carries out what the call auction has accepted: a fill closes the meter's way to the bus during its slot until the
 * energy is reached. Everybody's sources and sinks of a slot share the bus, so the way is the one for any peer. A meter
 * whose way has no relays only measures.
 */
export class Fills {
  readonly #options: FillsOptions;
  readonly #authority: Authority;
  #current: Current | undefined;
  /** Heads so far, and the newest of them whose fill is known. */
  #heads = 0;
  #answered = 0;
  #work: Promise<void> = Promise.resolve();

  constructor(options: FillsOptions) {
    this.#options = options;
    this.#authority = new Authority(options.clock, options.authorityLeaseMs, () => {
      options.log.error("fill.authority-expired", { slot: this.#current?.fill.slot });
      void this.#open("the contract could not be read for too long");
    });
    options.sampler.onSample(() => this.#kick());
  }

  /** False keeps the relays open as far as fills are concerned. */
  get authorized(): boolean {
    return this.#authority.valid;
  }

  /** A new head of the chain: looks up the fill of the slot that runs, and renews the authority. */
  async onHead(head: { number: bigint; timestamp: number }): Promise<void> {
    const { slotDuration, log } = this.#options;
    this.#authority.noteHead(head);
    const slot = slotOf(head.timestamp + 1, slotDuration);
    const turn = ++this.#heads;
    try {
      const fill = await this.#fillIn(slot, head.number);
      // A slow answer must not undo what a newer head has shown.
      if (turn < this.#answered) return;
      this.#answered = turn;
      this.#follow(slot, fill);
      if (this.#current?.path.length) this.#authority.renew();
    } catch (error) {
      log.warn("fill.not-read", { slot, reason: reasonOf(error) });
    }
  }

  /** A reorg may undo or alter a clearing after its slot has begun: what the newest head shows counts. */
  #follow(slot: number, fill: Fill | undefined): void {
    const current = this.#current;
    if (current && fill && current.fill.slot === slot && current.fill.role === fill.role) {
      if (current.fill.energy === fill.energy) return;
      this.#options.log.warn("fill.changed", { ...fill, before: current.fill.energy });
      current.fill = fill;
      this.#kick();
    } else if (current || fill) {
      this.#begin(fill, current?.fill.slot === slot ? "the clearing was undone or altered" : "the slot is over");
    }
  }

  /** What our accepted orders of a slot come to: asks give, bids take. */
  async #fillIn(slot: number, blockNumber: bigint): Promise<Fill | undefined> {
    const { orders, auction } = this.#options;
    let net = 0n;
    for (const id of orders.ordersIn(slot)) {
      const filled = await auction.fillOf(id, blockNumber);
      net += unpackOrderId(id).side === "ask" ? filled : -filled;
    }
    if (net === 0n) return undefined;
    return { slot, role: net > 0n ? "source" : "sink", energy: net > 0n ? net : -net };
  }

  /** @param why the fill before it has ended. */
  #begin(fill: Fill | undefined, why: string): void {
    const { routes, slotDuration, log } = this.#options;
    const ended = this.#current;
    this.#current = undefined;
    if (ended) void this.#openPath(ended, why);
    if (!fill) {
      this.#authority.end();
      return;
    }
    const path = findRoute(routes, fill.role, ANY_PEER)?.relays ?? [];
    log.info("fill.started", { slot: fill.slot, role: fill.role, energy: fill.energy, relays: path });
    this.#current = { fill, path, before: undefined, closed: false };
    if (path.length === 0) this.#authority.end();
    else this.#kickAt(opensAt(endOf(fill.slot, slotDuration) * 1_000));
  }

  /** Decides again at that time, without waiting for the next sample. */
  #kickAt(unixMs: number): void {
    const { clock, time } = this.#options;
    // A timer may fire a little early; the decision must not fall before the time.
    void clock.sleep(Math.max(0, unixMs - time.now()) + TIMER_SLACK_MS).then(() => this.#kick());
  }

  #kick(): void {
    const { log } = this.#options;
    this.#work = this.#work
      .then(() => this.#cycle())
      .catch(async (error: unknown) => {
        log.error("fill.cycle-failed", { reason: reasonOf(error) });
        await this.#open("the control cycle failed");
      });
  }

  async #cycle(): Promise<void> {
    const { sampler, time, slotDuration, delivering, log } = this.#options;
    const current = this.#current;
    const sample = sampler.latest;
    if (!current || current.path.length === 0 || !sample) return;
    const { fill } = current;
    const [startMs, endMs] = [endOf(fill.slot - 1, slotDuration) * 1_000, endOf(fill.slot, slotDuration) * 1_000];
    // Without a sample around the start, what flowed before the first one we have is left to the readings.
    current.before ??= sampler.registersAt(startMs - time.unixMsAt(0)) ?? sample;
    const moved =
      fill.role === "source" ? sample.exported - current.before.exported : sample.imported - current.before.imported;
    const wanted = wantsClosed({
      unixMs: time.now(),
      startMs,
      endMs,
      fill,
      moved,
      resolution: sampler.meter.resolution,
      delivering: delivering(),
      authority: this.#authority.valid,
    });
    if (wanted) await this.#close(current);
    else if (current.closed) {
      await this.#openPath(current, "the fill is reached or its time is over");
      log.info("fill.stopped", { slot: fill.slot, energy: fill.energy, moved });
    }
  }

  async #close(current: Current): Promise<void> {
    const { relays, log } = this.#options;
    // From here on a contact may be closed: an opening meanwhile must not wait for the answer.
    current.closed = true;
    try {
      await relays.keepClosed(current.path);
    } catch (error) {
      current.closed = false;
      if (!(error instanceof CloseRefused)) log.error("relays.close-failed", { reason: reasonOf(error) });
    }
  }

  async #open(reason: string): Promise<void> {
    if (this.#current) await this.#openPath(this.#current, reason);
  }

  async #openPath(current: Current, reason: string): Promise<void> {
    if (!current.closed) return;
    current.closed = false;
    // A direct delivery may be using the same relays by now.
    if (!this.#options.delivering()) await this.#options.relays.open(current.path, reason);
  }
}

const TIMER_SLACK_MS = 10;

/** No meter has this number: only a route for any peer leads to it. */
const ANY_PEER = 0;
