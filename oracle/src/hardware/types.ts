/**
 * What the oracle knows about hardware. Drivers implement these interfaces; safety wraps them as decorators. Energy is
 * in energy units (bigint), power in W, durations in ms.
 */

export type RelayPosition = "open" | "closed";

export interface RelayCapabilities {
  /** The device opens by itself when `close` is not repeated within the lease. */
  readonly guarded: boolean;
  /** Longest lease the device can be given, ms. */
  readonly maxLeaseMs: number;
}

export interface RelayDriver {
  readonly name: string;
  readonly caps: RelayCapabilities;
  /** Opens at once. Never waits for anything but the device. */
  open(): Promise<void>;
  /** Closes, or stays closed, for `leaseMs` at most unless called again. The device's own guard is armed before the contact moves. */
  close(leaseMs: number): Promise<void>;
  /** Position the device reports. */
  state(): Promise<RelayPosition>;
  /** Lets go of the device; the relay is left open. */
  dispose(): Promise<void>;
}

/** `branch`: behind the relay. `connection`: a house's grid connection, never disconnected. */
export type MeterScope = "branch" | "connection";

export interface MeterSample {
  /** Monotonic clock, ms, at the middle of the exchange with the device. */
  readonly at: number;
  /** Cumulative registers, energy units. */
  readonly imported: bigint;
  readonly exported: bigint;
  /** Momentary power, W; positive when the meter exports. */
  readonly powerW: number;
  /** When the device last showed that power, monotonic ms: it may be older than the registers; `at` when left out. */
  readonly powerAt?: number;
}

export interface EnergyMeter {
  readonly name: string;
  readonly scope: MeterScope;
  /** Smallest step of the registers, energy units: max(datasheet, ulp of a float register). */
  readonly resolution: bigint;
  /** Some devices bring their registers up to date only so often, ms; others continuously. */
  readonly registersEveryMs?: number;
  readonly maxPowerW: number;
  /** Where the registers start again from zero, energy units; nothing when they never do or nobody knows. */
  readonly wrap?: bigint;
  /** It counts in one direction only: its export is always 0. */
  readonly importOnly?: boolean;
  /** The registers may be behind the energy by so long, ms (a device that counts now and then); 1 500 when left out. */
  readonly latencyMs?: number;
  /**
   * One coherent sample.
   * @throws DeviceError when the device does not answer or answers nonsense; the signal's reason when it aborts.
   */
  read(signal: AbortSignal): Promise<MeterSample>;
  dispose(): Promise<void>;
}

/** Of exchange and dating, ms, besides what a device lets its registers wait. */
const EXCHANGE_MS = 1_500;

/** What a meter says whose device brings its registers up to date only now and then. */
export function seldom(registersEveryMs: number | undefined): Pick<EnergyMeter, "registersEveryMs" | "latencyMs"> {
  return registersEveryMs === undefined ? {} : { registersEveryMs, latencyMs: registersEveryMs + EXCHANGE_MS };
}

/** Says how full a battery is. For people only: nothing is switched, signed or paid by it. */
export interface BatteryGauge {
  readonly name: string;
  readonly capacityWh: number;
  /** @returns state of charge, 0 to 1000 thousandths. @throws DeviceError; the signal's reason when it aborts. */
  read(signal: AbortSignal): Promise<number>;
  dispose(): Promise<void>;
}

/** A device that does not answer, or answers what cannot be true. */
export class DeviceError extends Error {
  override readonly name = "DeviceError";
  readonly device: string;
  constructor(device: string, message: string, options?: ErrorOptions) {
    super(`${device}: ${message}`, options);
    this.device = device;
  }
}

/** A contact that reads closed although its coil is off: it may be welded. */
export class StillClosed extends DeviceError {}

/** What a person who chooses a driver wants to know; `ioe drivers` prints it. */
export interface DriverInfo {
  readonly kind: "relay" | "meter";
  /** Value of the key `driver` in the configuration. */
  readonly driver: string;
  /** Which products, over which connection. */
  readonly summary: string;
  /** What the host needs besides the device: rights, kernel features, services. */
  readonly needs: string;
  /** Relays: what opens the contact when the oracle is gone. */
  readonly guard?: string;
  /** Meters: smallest step of the registers, range and where they wrap. */
  readonly registers?: string;
  /** The section of the configuration, in YAML, as a start. */
  readonly example: string;
}
