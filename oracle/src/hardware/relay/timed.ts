import type { Clock } from "../../clock.ts";
import { DeviceError, StillClosed, type RelayDriver, type RelayPosition } from "../types.ts";

/** A switch with a timer of its own that turns it off. Each request gives up at once when its signal aborts. */
export interface TimedSwitch {
  /** Longest time the timer takes, s. */
  readonly maxTimerS: number;
  /** Looks at the device's settings before it is used. @throws DeviceError when it would close by itself. */
  prepare(signal: AbortSignal): Promise<void>;
  /** Turns on, or stays on, for so many seconds: the timer comes with the request, or has been set before. */
  on(seconds: number, signal: AbortSignal): Promise<void>;
  off(): Promise<void>;
  /** `timed`: the timer that will turn it off is running. */
  status(signal?: AbortSignal): Promise<{ on: boolean; timed: boolean }>;
  dispose?(): Promise<void>;
}

export interface TimedRelayOptions {
  readonly name: string;
  readonly clock: Clock;
  /** Time a contact gets to reach its position, ms. */
  readonly settleMs: number;
}

const SETTLE_POLL_MS = 50;

/**
 * A relay made of a switch with a timer. The timer is armed by the request that switches on, renewed with every `close`,
 * and read back; opening cancels a closing that is under way, and repeats itself in case the device carries it out late.
 */
export function timedRelay(device: TimedSwitch, { name, clock, settleMs }: TimedRelayOptions): RelayDriver {
  /** The closing under way. */
  let closing: AbortController | undefined;
  /** Until then the device may still carry out a request to switch on that was overtaken. */
  let cautiousUntil = -Infinity;
  let prepared = false;
  const maxLeaseMs = device.maxTimerS * 1_000;

  const reaches = async (wanted: (status: { on: boolean; timed: boolean }) => boolean, signal?: AbortSignal) => {
    const deadline = clock.monotonicMs() + settleMs;
    for (;;) {
      const status = await device.status(signal);
      if (wanted(status)) return undefined;
      if (clock.monotonicMs() >= deadline) return status;
      await clock.sleep(SETTLE_POLL_MS, signal);
    }
  };

  const off = async (): Promise<void> => {
    await device.off();
    if (!(await reaches(({ on }) => !on))) return;
    const hint = "switch off the supply by hand and replace the relay: its contact may be welded";
    throw new StillClosed(name, `still reads closed ${settleMs} ms after it was switched off; ${hint}`);
  };

  const open = async (): Promise<void> => {
    const overtaken = closing;
    closing = undefined;
    if (overtaken) {
      cautiousUntil = clock.monotonicMs() + settleMs;
      overtaken.abort(new DeviceError(name, "was opened while it was being closed"));
    }
    await off();
    const left = cautiousUntil - clock.monotonicMs();
    if (left <= 0) return;
    await clock.sleep(left);
    if (closing === undefined) await off();
  };

  const close = async (leaseMs: number): Promise<void> => {
    if (!(leaseMs >= 1_000 && leaseMs <= maxLeaseMs)) {
      throw new RangeError(`${name}: a lease of ${leaseMs} ms is not within 1000 to ${maxLeaseMs} ms`);
    }
    const own = new AbortController();
    closing = own;
    const { signal } = own;
    try {
      if (!prepared) await device.prepare(signal);
      prepared = true;
      signal.throwIfAborted();
      // Rounded down: the device opens before the lease ends.
      await device.on(Math.floor(leaseMs / 1_000), signal);
      const status = await reaches(({ on, timed }) => on && timed, signal);
      signal.throwIfAborted();
      if (status?.on) throw new DeviceError(name, "closes without its off-timer; update the device's firmware");
      if (status) throw new DeviceError(name, `still reads open ${settleMs} ms after it was switched on`);
    } catch (error) {
      if (signal.aborted) throw signal.reason;
      closing = undefined;
      // Whether the contact has moved is unknown now. Open is safe.
      await off().catch((second: unknown) => {
        const message = `neither closes nor opens for certain; its timer opens it when the lease ends (${text(error)}; ${text(second)})`;
        throw new DeviceError(name, message, { cause: error });
      });
      throw error;
    }
    closing = undefined;
  };

  let disposed = false;
  return {
    name,
    caps: { guarded: true, maxLeaseMs },
    open,
    close,
    state: async (): Promise<RelayPosition> => ((await device.status()).on ? "closed" : "open"),
    dispose: async () => {
      if (disposed) return;
      disposed = true;
      try {
        await open();
      } finally {
        await device.dispose?.();
      }
    },
  };
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
