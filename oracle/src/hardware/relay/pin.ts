import { DeviceError, type RelayDriver } from "../types.ts";
import { type Guarded, type GuardedOutput, arm, disarm, release, watchOver } from "./guard.ts";

/** Longest delay a timer of the guard takes. */
const MAX_LEASE_MS = 0x7fff_ffff;

/** An output of this computer that drives a relay; `active` energises the relay and closes the contact. */
export interface Pin {
  /** How the guard gets at it. */
  readonly output: GuardedOutput;
  /** What is set later must never be overtaken by what was set before. */
  set(active: boolean): void | Promise<void>;
  /** What the pin reads. */
  read(): boolean | Promise<boolean>;
  release(): void | Promise<void>;
}

/**
 * A relay on a pin of this computer. The pin is taken with the first call, inactive. Opening goes to the pin directly;
 * closing arms the guard process first, so that the contact opens when this process hangs, stops or is killed.
 * @param claim takes the pin, inactive from its first instant, or throws a DeviceError
 */
export function createPinRelay(name: string, claim: () => Pin | Promise<Pin>): RelayDriver {
  /** Counts the openings, so that a closing notices the one that came after it. */
  let openings = 0;
  let pin: Pin | undefined;
  let claiming: Promise<Pin> | undefined;
  let guarded: Guarded | undefined;
  let disposed = false;

  const take = async (): Promise<Pin> => {
    if (disposed) throw new DeviceError(name, "was disposed of");
    claiming ??= (async () => {
      const taken = await claim();
      pin = taken;
      // A guard that is lost leaves the contact to us.
      guarded = { device: name, output: taken.output, onLost: () => void open().catch(() => undefined) };
      watchOver(guarded);
      return taken;
    })().finally(() => (claiming = undefined));
    return claiming;
  };

  const open = async (): Promise<void> => {
    openings++;
    if (!pin) {
      await take();
      return; // inactive from its first instant
    }
    await pin.set(false);
    if (guarded) disarm(guarded);
    if (!(await pin.read())) return;
    throw new DeviceError(name, "the pin reads closed after it was opened; check it for a short circuit");
  };

  const stillWanted = (closing: number): void => {
    if (closing !== openings) throw new DeviceError(name, "was opened while it was being closed");
  };

  const close = async (leaseMs: number): Promise<void> => {
    if (!(leaseMs >= 1 && leaseMs <= MAX_LEASE_MS)) {
      throw new RangeError(`${name}: a lease of ${leaseMs} ms is not within 1 to ${MAX_LEASE_MS} ms`);
    }
    const closing = openings;
    const taken = pin ?? (await take());
    try {
      const passedMs = await arm(guarded!, leaseMs);
      stillWanted(closing);
      // This process stood still meanwhile: the guard has opened already and watches for a new lease.
      if (passedMs >= leaseMs) throw new DeviceError(name, `the lease of ${leaseMs} ms was over before it closed`);
      await taken.set(true);
      const closed = await taken.read();
      stillWanted(closing);
      if (!closed) throw new DeviceError(name, "the pin reads open after it was closed; check it for a short circuit");
    } catch (error) {
      if (closing === openings) await open();
      throw error;
    }
  };

  return {
    name,
    caps: { guarded: true, maxLeaseMs: MAX_LEASE_MS },
    open,
    close,
    state: async () => ((await (pin ?? (await take())).read()) ? "closed" : "open"),
    dispose: async () => {
      if (disposed) return;
      disposed = true;
      await claiming?.catch(() => undefined);
      if (!pin) return;
      try {
        await open();
      } finally {
        if (guarded) await release(guarded);
        await pin.release();
        pin = undefined;
      }
    },
  };
}
