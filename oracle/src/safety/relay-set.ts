import type { Clock } from "../clock.ts";
import { DeviceError, StillClosed, type RelayDriver, type RelayPosition } from "../hardware/types.ts";
import { type Logger, reasonOf } from "../log.ts";
import { CloseRefused } from "./refusal.ts";
import { Interlock, type OnLimits, withDwell, withGate, withLatestWins, withLease, withOnLimits } from "./relays.ts";

export interface RelaySetOptions {
  relays: ReadonlyMap<string, RelayDriver>;
  interlocks: readonly { relays: readonly string[]; deadTimeMs: number }[];
  deviceLeaseMs: number;
  minOpenMs: number;
  limits: OnLimits;
  /** Energy through the meter since whenever, mWh; nothing while the meter is not known. */
  movedMilliWh: () => bigint | undefined;
  clock: Clock;
  log: Logger;
  /** A relay reads closed however often it is opened. Called again with every further opening. */
  onWelded?: (reason: string) => void;
  /** A reason against closing anything now. */
  blocked: () => string | undefined;
}

/** Time an opening gets before it counts as failed; drivers give up sooner. */
const OPENING_MS = 5_000;
/** Pause before a relay that did not open is told again. */
const OPEN_AGAIN_MS = 1_000;
/** A contact that reads closed after so many openings in a row is welded, not slow. */
const WELDED_OPENINGS = 3;
/** Share of the device lease after which it is renewed. */
const RENEW_AFTER = 1 / 4;

/**
 * All relays of this oracle, each wrapped in its safety. Positions are those last commanded and confirmed; a relay that
 * did not open counts as closed, and is told again until it has.
 */
export class RelaySet {
  readonly #options: RelaySetOptions;
  readonly #relays = new Map<string, RelayDriver>();
  readonly #positions = new Map<string, RelayPosition>();
  /** Relay → monotonic ms of its last closing or renewal. */
  readonly #renewedAt = new Map<string, number>();
  /** Relay → number of openings, so that a closing notices the one that came after it. */
  readonly #openings = new Map<string, number>();
  /** Did not open the last time. */
  readonly #unsure = new Set<string>();
  /** Openings in a row after which a relay still read closed. */
  readonly #stillClosed = new Map<string, number>();
  readonly #end = new AbortController();
  #openSince: number;

  constructor(options: RelaySetOptions) {
    this.#options = options;
    this.#openSince = options.clock.monotonicMs();
    const interlocks = options.interlocks.map(({ relays, deadTimeMs }) => ({
      relays,
      lock: new Interlock(deadTimeMs, options.clock),
    }));
    for (const [name, driver] of options.relays) {
      const locks = interlocks.filter(({ relays }) => relays.includes(name)).map(({ lock }) => lock);
      this.#relays.set(name, this.#decorate(name, driver, locks));
      this.#positions.set(name, "open");
    }
  }

  /** From the device outwards. */
  #decorate(name: string, driver: RelayDriver, locks: readonly Interlock[]): RelayDriver {
    const { clock, log, deviceLeaseMs, minOpenMs, limits, movedMilliWh, blocked } = this.#options;
    let relay = withLatestWins(driver);
    for (const lock of locks) relay = lock.guard(relay);
    relay = withDwell(relay, minOpenMs, clock);
    relay = withLease(relay, deviceLeaseMs, clock, () => {
      log.error("relay.lease-expired", { relay: name, leaseMs: deviceLeaseMs });
      void this.open([name], "its lease has expired", "warn");
    });
    relay = withOnLimits(relay, limits, clock, movedMilliWh, (reason) => {
      log.error("relay.limit-reached", { relay: name, reason });
      void this.open([name], reason, "warn");
    });
    return withGate(relay, blocked);
  }

  /** Position of every relay by name. */
  get positions(): Record<string, RelayPosition> {
    return Object.fromEntries(this.#positions);
  }

  /** How long all relays have been open, ms; nothing while one is closed. */
  get allOpenForMs(): number | undefined {
    if ([...this.#positions.values()].includes("closed")) return undefined;
    return this.#options.clock.monotonicMs() - this.#openSince;
  }

  areClosed(names: readonly string[]): boolean {
    const isClosed = (name: string) => this.#positions.get(name) === "closed" && !this.#unsure.has(name);
    return names.length > 0 && names.every(isClosed);
  }

  /** Closes the relays; while they are closed, renews their leases in time and otherwise does nothing. As `close`. */
  async keepClosed(names: readonly string[]): Promise<void> {
    const { clock, deviceLeaseMs } = this.#options;
    const dueAt = clock.monotonicMs() - deviceLeaseMs * RENEW_AFTER;
    const isDue = (name: string) => (this.#renewedAt.get(name) ?? -Infinity) <= dueAt;
    if (!this.areClosed(names) || names.some(isDue)) await this.close(names);
  }

  /**
   * Closes the relays, or keeps them closed, one after the other; when one fails, all of them are opened.
   * @throws CloseRefused when it is not safe (yet); DeviceError when a relay does not do it.
   */
  async close(names: readonly string[]): Promise<void> {
    const { deviceLeaseMs, log, clock } = this.#options;
    const started = clock.monotonicMs();
    const wereClosed = this.areClosed(names);
    const openings = () => names.reduce((sum, name) => sum + (this.#openings.get(name) ?? 0), 0);
    const before = openings();
    try {
      for (const name of names) {
        const at = clock.monotonicMs();
        await this.#relay(name).close(deviceLeaseMs);
        if (openings() !== before) throw new CloseRefused(name, "was opened while its path was being closed");
        this.#positions.set(name, "closed");
        this.#unsure.delete(name);
        this.#renewedAt.set(name, at);
      }
    } catch (error) {
      await this.open(names, `closing failed: ${reasonOf(error)}`, wereClosed ? "warn" : "debug");
      throw error;
    }
    if (!wereClosed) log.info("relays.closed", { relays: names, ms: Math.round(clock.monotonicMs() - started) });
  }

  /**
   * Opens the relays side by side. Never throws: what does not open is logged and told again every second, and its own
   * guard opens it.
   */
  async open(names: readonly string[], reason: string, level: "debug" | "info" | "warn" = "info"): Promise<boolean> {
    const { log, clock } = this.#options;
    const started = clock.monotonicMs();
    const closed = names.filter((name) => this.#positions.get(name) === "closed");
    const results = await Promise.all(names.map((name) => this.#open(name)));
    const ms = Math.round(clock.monotonicMs() - started);
    if (closed.length > 0) log[level]("relays.opened", { relays: closed, reason, ms });
    return results.every((opened) => opened);
  }

  openAll(reason: string, level: "info" | "warn" = "warn"): Promise<boolean> {
    return this.open([...this.#relays.keys()], reason, level);
  }

  /** Opens everything and lets go of the devices. */
  async dispose(): Promise<void> {
    this.#end.abort();
    const results = await Promise.allSettled([...this.#relays.values()].map((relay) => relay.dispose()));
    for (const result of results) {
      if (result.status === "rejected")
        this.#options.log.error("relay.dispose-failed", { reason: reasonOf(result.reason) });
    }
  }

  async #open(name: string): Promise<boolean> {
    const { log, clock } = this.#options;
    const opening = (this.#openings.get(name) ?? 0) + 1;
    this.#openings.set(name, opening);
    try {
      await this.#inTime(name, this.#relay(name).open());
    } catch (error) {
      log.error("relay.does-not-open", { relay: name, reason: reasonOf(error) });
      const inARow = error instanceof StillClosed ? (this.#stillClosed.get(name) ?? 0) + 1 : 0;
      this.#stillClosed.set(name, inARow);
      if (inARow >= WELDED_OPENINGS) this.#options.onWelded?.(reasonOf(error));
      this.#positions.set(name, "closed");
      this.#unsure.add(name);
      void this.#openAgain(name, opening);
      return false;
    }
    this.#stillClosed.delete(name);
    if (this.#openings.get(name) !== opening) return true;
    if (this.#positions.get(name) === "closed") this.#openSince = clock.monotonicMs();
    this.#positions.set(name, "open");
    this.#unsure.delete(name);
    return true;
  }

  async #inTime(name: string, opening: Promise<void>): Promise<void> {
    const done = new AbortController();
    const late = async (): Promise<void> => {
      await this.#options.clock.sleep(OPENING_MS, done.signal).catch(() => undefined);
      if (!done.signal.aborted) throw new DeviceError(name, `has not opened within ${OPENING_MS} ms`);
    };
    try {
      await Promise.race([opening, late()]);
    } finally {
      done.abort();
    }
  }

  /** Unless another opening has taken over, or a closing has shown that the device is back. */
  async #openAgain(name: string, opening: number): Promise<void> {
    try {
      await this.#options.clock.sleep(OPEN_AGAIN_MS, this.#end.signal);
    } catch {
      return; // disposed of
    }
    if (this.#unsure.has(name) && this.#openings.get(name) === opening) await this.#open(name);
  }

  #relay(name: string): RelayDriver {
    const relay = this.#relays.get(name);
    if (!relay) throw new RangeError(`there is no relay named ${name}`);
    return relay;
  }
}
