import type { Clock } from "../clock.ts";
import { DeviceError, StillClosed, type RelayDriver, type RelayPosition } from "../hardware/types.ts";
import { Lease } from "./lease.ts";
import { CloseRefused } from "./refusal.ts";

/*
 * Decorators around a relay driver. All share two rules: opening goes straight to the device and never waits for
 * anything else, and every failure while closing ends with an attempt to open. `CloseRefused` means that the device was
 * not asked.
 */

/** The device's own guard acts so much later than ours, ms: it is the second line. */
const GUARD_MARGIN_MS = 1_000;

/**
 * The latest command wins: nothing closes while an opening is under way, and what was opened while it was being closed
 * is opened once more when the closing has come to its end, however late a slow device carried it out.
 */
export function withLatestWins(relay: RelayDriver): RelayDriver {
  let openings = 0;
  let underWay = 0;
  const open = async () => {
    openings++;
    underWay++;
    try {
      await relay.open();
    } finally {
      underWay--;
    }
  };
  return {
    ...passOn(relay),
    open,
    close: async (ms) => {
      if (underWay > 0) throw new CloseRefused(relay.name, "is being opened");
      const before = openings;
      try {
        await relay.close(ms);
      } finally {
        // Not waited for: who is told that the closing failed opens again, and again if need be.
        if (openings !== before) open().catch(() => undefined);
      }
      if (openings !== before) throw new DeviceError(relay.name, "was opened while it was being closed");
    },
  };
}

/**
 * Device lease: a closed relay opens when `close` is not repeated within `leaseMs`, because the control loop stands
 * still. The device's own watchdog is armed a little longer than that.
 * @param onExpiry opens the relay, through all its decorators.
 * @throws RangeError when the device cannot hold a longer lease than ours.
 */
export function withLease(relay: RelayDriver, leaseMs: number, clock: Clock, onExpiry: () => void): RelayDriver {
  const guardMs = leaseMs + GUARD_MARGIN_MS;
  if (guardMs > relay.caps.maxLeaseMs) {
    throw new RangeError(
      `relay ${relay.name}: its watchdog reaches ${relay.caps.maxLeaseMs} ms, but the device lease of ${leaseMs} ms needs ` +
        `${guardMs} ms; lower safety.deviceLeaseMs or change the watchdog's unit`,
    );
  }
  const lease = new Lease(clock, onExpiry);
  return {
    ...passOn(relay),
    open: () => {
      lease.end();
      return relay.open();
    },
    close: async (ms) => {
      const granted = Math.min(ms, leaseMs);
      const first = !lease.valid;
      // It runs before the contact may move: a device that closes and never answers is opened all the same.
      if (first) lease.renew(granted);
      try {
        await relay.close(granted + GUARD_MARGIN_MS);
      } catch (error) {
        if (first && error instanceof CloseRefused) lease.end();
        throw error;
      }
      lease.renew(granted);
    },
    dispose: () => {
      lease.end();
      return relay.dispose();
    },
  };
}

/** How long and how much one closing may last: the last line against a controller that does not know when to stop. */
export interface OnLimits {
  readonly maxOnMs: number;
  /** mWh through the meter, both directions together. */
  readonly maxMilliWh: bigint;
}

/** A relay that was opened by its limits stays open for so long: shorter than a delivery waits for its contacts. */
export const LIMIT_REST_MS = 30_000;

/**
 * Limits of one closing: from the first `close` to the opening no longer than `maxOnMs` and no more than `maxMilliWh`.
 * Time is watched by itself, energy with every renewal. What has reached a limit opens and rests.
 * @param moved energy through the meter since whenever, mWh; nothing while the meter is not known.
 * @param onLimit opens the relay, through all its decorators.
 */
export function withOnLimits(
  relay: RelayDriver,
  { maxOnMs, maxMilliWh }: OnLimits,
  clock: Clock,
  moved: () => bigint | undefined,
  onLimit: (reason: string) => void,
): RelayDriver {
  let restUntil = -Infinity;
  let before: bigint | undefined;
  const trip = (reason: string): CloseRefused => {
    restUntil = clock.monotonicMs() + LIMIT_REST_MS;
    time.end();
    onLimit(reason);
    return new CloseRefused(relay.name, reason, LIMIT_REST_MS);
  };
  const time = new Lease(clock, () => void trip(`it was closed for ${maxOnMs / 60_000} min (safety.maxOnMinutes)`));
  return {
    ...passOn(relay),
    open: () => {
      time.end();
      return relay.open();
    },
    close: async (ms) => {
      const rest = restUntil - clock.monotonicMs();
      if (rest > 0) throw new CloseRefused(relay.name, "rests after it has reached its limit", rest);
      const first = !time.valid;
      if (first) {
        before = moved();
        time.renew(maxOnMs);
      } else {
        const now = moved();
        before ??= now;
        if (before !== undefined && now !== undefined && now - before > maxMilliWh) {
          throw trip(`more than ${maxMilliWh / 1_000n} Wh flowed in one closing (safety.maxEnergyWh)`);
        }
      }
      try {
        await relay.close(ms);
      } catch (error) {
        if (first && error instanceof CloseRefused) time.end();
        throw error;
      }
    },
    dispose: () => {
      time.end();
      return relay.dispose();
    },
  };
}

/** What our own commands prove of a contact. It is never closed without a closing; a closing that failed may still come. */
class Contact {
  position: RelayPosition | "unknown" = "unknown";
  /** Monotonic ms from which on that is so; of a contact that is being closed, of its position before. */
  since = -Infinity;
  readonly #relay: RelayDriver;
  readonly #clock: Clock;
  #closing = 0;
  #closings = 0;

  constructor(relay: RelayDriver, clock: Clock) {
    this.#relay = relay;
    this.#clock = clock;
  }

  async open(): Promise<void> {
    const before = this.#closings;
    let proves = false;
    try {
      await this.#relay.open();
      // An opening from before the end of a closing proves nothing.
      proves = this.#closing === 0 && this.#closings === before;
    } catch (error) {
      // Whoever closed it, it is not open.
      if (error instanceof StillClosed) this.position = "unknown";
      throw error;
    } finally {
      if (this.position !== "open") this.#is(proves ? "open" : "unknown");
    }
  }

  async close(ms: number): Promise<void> {
    const wasOpen = this.position === "open";
    if (wasOpen) this.position = "unknown";
    this.#closing++;
    try {
      await this.#relay.close(ms);
      this.#is("closed");
      this.#closings++;
    } catch (error) {
      if (!(error instanceof CloseRefused)) {
        this.#is("unknown");
        this.#closings++;
      } else if (wasOpen && this.#closing === 1 && this.position === "unknown") this.position = "open";
      throw error;
    } finally {
      this.#closing--;
    }
  }

  #is(position: RelayPosition | "unknown"): void {
    this.position = position;
    this.since = this.#clock.monotonicMs();
  }
}

/** Minimum dwell: what opened, or may have opened, stays so for `minOpenMs`: chattering wears contact and load. */
export function withDwell(relay: RelayDriver, minOpenMs: number, clock: Clock): RelayDriver {
  const contact = new Contact(relay, clock);
  return {
    ...passOn(relay),
    open: () => contact.open(),
    close: async (ms) => {
      const left = contact.since + minOpenMs - clock.monotonicMs();
      if (contact.position !== "closed" && left > 0)
        throw new CloseRefused(relay.name, `was opened a moment ago`, left);
      await contact.close(ms);
    },
  };
}

/** Relays of which one at most may be closed, with a dead time between the opening of one and the closing of another. */
export class Interlock {
  readonly #deadTimeMs: number;
  readonly #clock: Clock;
  readonly #contacts = new Map<string, Contact>();

  constructor(deadTimeMs: number, clock: Clock) {
    this.#deadTimeMs = deadTimeMs;
    this.#clock = clock;
  }

  /** Adds a relay; until it has been opened once its position counts as unknown. */
  guard(relay: RelayDriver): RelayDriver {
    const contact = new Contact(relay, this.#clock);
    this.#contacts.set(relay.name, contact);
    return {
      ...passOn(relay),
      open: () => contact.open(),
      close: async (ms) => {
        this.#check(relay.name);
        try {
          await contact.close(ms);
        } catch (error) {
          if (!(error instanceof CloseRefused)) contact.open().catch(() => undefined);
          throw error;
        }
      },
    };
  }

  #check(name: string): void {
    for (const [other, { position, since }] of this.#contacts) {
      if (other === name) continue;
      if (position !== "open") throw new CloseRefused(name, `interlocked with ${other}, which is not open`);
      const left = since + this.#deadTimeMs - this.#clock.monotonicMs();
      if (left > 0) throw new CloseRefused(name, `dead time after ${other} was opened`, left);
    }
  }
}

/** Closes only while `blocked` gives no reason against it, and opens again if one came up meanwhile. */
export function withGate(relay: RelayDriver, blocked: () => string | undefined): RelayDriver {
  const refuse = () => {
    const reason = blocked();
    return reason === undefined ? undefined : new CloseRefused(relay.name, reason);
  };
  return {
    ...passOn(relay),
    close: async (ms) => {
      const before = refuse();
      if (before) throw before;
      await relay.close(ms);
      const after = refuse();
      if (!after) return;
      relay.open().catch(() => undefined);
      throw after;
    },
  };
}

function passOn(relay: RelayDriver): RelayDriver {
  return {
    name: relay.name,
    caps: relay.caps,
    open: () => relay.open(),
    close: (ms) => relay.close(ms),
    state: () => relay.state(),
    dispose: () => relay.dispose(),
  };
}
