import type { Clock } from "../clock.ts";
import { DeviceError, type RelayDriver } from "../hardware/types.ts";
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

/** A relay that was opened by its limits stays open for so long. */
export const LIMIT_REST_MS = 120_000;

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

/** Minimum dwell: an opened relay stays open for `minOpenMs`, so that contact and load are not worn by chattering. */
export function withDwell(relay: RelayDriver, minOpenMs: number, clock: Clock): RelayDriver {
  let openedAt = -Infinity;
  let closed = false;
  return {
    ...passOn(relay),
    open: async () => {
      await relay.open();
      if (closed) openedAt = clock.monotonicMs();
      closed = false;
    },
    close: async (ms) => {
      const left = openedAt + minOpenMs - clock.monotonicMs();
      if (!closed && left > 0) throw new CloseRefused(relay.name, `was opened a moment ago`, left);
      const was = closed;
      closed = true;
      try {
        await relay.close(ms);
      } catch (error) {
        if (error instanceof CloseRefused) closed = was;
        else openedAt = clock.monotonicMs(); // whatever the contact did meanwhile
        throw error;
      }
    },
  };
}

/** Relays of which one at most may be closed, with a dead time between the opening of one and the closing of another. */
export class Interlock {
  readonly #deadTimeMs: number;
  readonly #clock: Clock;
  /** Relay → instant of its confirmed opening; nothing while it is closed or its position is unknown. */
  readonly #openSince = new Map<string, number | undefined>();
  /** Closings under way: a device may still carry out what was overtaken by an opening. */
  readonly #closing = new Map<string, number>();
  /** Closings that the device was asked for and that have ended: an opening from before one of them proves nothing. */
  readonly #closings = new Map<string, number>();

  constructor(deadTimeMs: number, clock: Clock) {
    this.#deadTimeMs = deadTimeMs;
    this.#clock = clock;
  }

  /** Adds a relay; until it has been opened once its position counts as unknown. */
  guard(relay: RelayDriver): RelayDriver {
    const { name } = relay;
    this.#openSince.set(name, undefined);
    const add = (to: Map<string, number>, by: number) => to.set(name, (to.get(name) ?? 0) + by);
    const open = async () => {
      const before = this.#closings.get(name);
      await relay.open();
      const proves = !this.#closing.get(name) && this.#closings.get(name) === before;
      if (proves && this.#openSince.get(name) === undefined) this.#openSince.set(name, this.#clock.monotonicMs());
    };
    return {
      ...passOn(relay),
      open,
      close: async (ms) => {
        this.#check(name);
        const openSince = this.#openSince.get(name);
        this.#openSince.set(name, undefined);
        add(this.#closing, +1);
        let failed: Error | undefined;
        await relay.close(ms).catch((error: Error) => void (failed = error));
        add(this.#closing, -1);
        if (failed instanceof CloseRefused) this.#openSince.set(name, openSince);
        else add(this.#closings, +1);
        if (failed === undefined) return;
        if (!(failed instanceof CloseRefused)) open().catch(() => undefined);
        throw failed;
      },
    };
  }

  #check(name: string): void {
    for (const [other, openSince] of this.#openSince) {
      if (other === name) continue;
      if (openSince === undefined || this.#closing.get(other))
        throw new CloseRefused(name, `interlocked with ${other}, which is not open`);
      const left = openSince + this.#deadTimeMs - this.#clock.monotonicMs();
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
