import { z } from "zod";
import { type Clock, systemClock } from "../../clock.ts";
import { http } from "../schemas.ts";
import { readPassword } from "../secret.ts";
import { HttpLink } from "../transport/http.ts";
import { DeviceError, type DriverInfo, type EnergyMeter, seldom } from "../types.ts";
import { readDecimal } from "./decimal.ts";
import { type Rational, ceil, floor, times, toNumber } from "./register.ts";

const COMPONENT = /^(?:meter|emeter|switch|pm1|em|em1):(?:\d|all)$/;

/** A meter by Shelly over HTTP. */
export const shellyMeterSchema = z.strictObject({
  driver: z.literal("shelly"),
  ...http,
  component: z.string().regex(COMPONENT, {
    error:
      "expected meter:0, emeter:0 or emeter:all (all phases) for the first generation; switch:0, pm1:0, em:0 or em1:0 for the later ones",
  }),
  /** The clamp is the other way round, or the only counter there is counts what is fed in. */
  reversed: z.boolean().default(false),
  scope: z.enum(["branch", "connection"]),
  maxPowerW: z.int().positive(),
});
export type ShellyMeterConfig = z.infer<typeof shellyMeterSchema>;
export const shellyMeterInfo: DriverInfo = {
  kind: "meter",
  driver: "shelly",
  summary:
    "energy meters by Shelly over HTTP: relays and plugs with a meter (meter:0), EM and 3EM (emeter:0, emeter:all), and " +
    "of the later generations switch:0, pm1:0, em1:0, em:0 (all phases)",
  needs: "the device in reach over the network; a password in a file of mode 0600 when the device has one",
  registers:
    "meter: Watt-minutes, one direction, from 0 again when the device restarts (then refused until ioe is restarted); " +
    "emeter: 0.1 Wh, kept; switch and pm1: 1 mWh, kept, returned energy where the device shows it; em and em1: 0.01 Wh, " +
    "kept, brought up to date once a minute (slots of 15 minutes). Phases count by themselves: they are not netted as in " +
    "the utility's meter. A counter that goes back is refused",
  example: `driver: shelly
host: 192.168.1.71
component: em:0
scope: connection
maxPowerW: 22000
`,
};

type Json = Record<string, unknown>;
/** Registers in Wh, power in W, positive when it is taken from the grid. */
interface Values {
  imported: Rational;
  exported: Rational;
  power: Rational;
}

const ZERO: Rational = { num: 0n, den: 1n };
const WATT_MINUTE: Rational = { num: 1n, den: 60n };
const MINUTE_MS = 60_000;
/** Of two counters in steps of 1 mWh, Wh. */
const ROUNDING: Rational = { num: 2n, den: 1_000n };
/** Faults of the measurement itself; others (overtemperature, phase sequence) leave it right. */
const WRONG = ["power_meter_failure", "ct_type_not_set", "database_error"];

/** @param unitsPerKWh energy units in a kWh; registers are converted once, here, rounded down. */
export function createShellyMeter(
  config: ShellyMeterConfig,
  { unitsPerKWh, clock = systemClock }: { unitsPerKWh: bigint; clock?: Clock },
): EnergyMeter {
  const name = `meter ${config.component} of ${config.host}`;
  const link = new HttpLink(name, { ...config, password: readPassword(name, config.passwordFile) });
  const [kind, channel] = config.component.split(":") as [keyof typeof kinds, string];
  const unitsPerWh: Rational = { num: unitsPerKWh, den: 1_000n };
  const { step, registersEveryMs, read }: Kind = kinds[kind];
  const units = (wattHours: Rational) => floor(times(wattHours, unitsPerWh));
  const device = new Device(name, link, clock);
  return {
    name,
    scope: config.scope,
    maxPowerW: config.maxPowerW,
    resolution: ceil(times(step, unitsPerWh)),
    ...seldom(registersEveryMs),
    read: async (signal) => {
      const { imported, exported, power } = await read(device, channel, signal);
      const watts = toNumber(power);
      const [taken, given] = config.reversed ? [exported, imported] : [imported, exported];
      return {
        at: device.at,
        imported: units(taken),
        exported: units(given),
        powerW: config.reversed ? watts : 0 - watts,
      };
    },
    dispose: () => Promise.resolve(),
  };
}

/** Asks the device and makes numbers of what it says. */
class Device {
  /** Middle of the exchange that brought the registers, monotonic ms. */
  at = 0;
  readonly #name: string;
  readonly #link: HttpLink;
  readonly #clock: Clock;
  #uptime = 0;
  #restarted = false;
  #highest: Rational | undefined;

  constructor(name: string, link: HttpLink, clock: Clock) {
    this.#name = name;
    this.#link = link;
    this.#clock = clock;
  }

  async registers(path: string, signal: AbortSignal): Promise<Json> {
    const before = this.#clock.monotonicMs();
    const answer = await this.#link.get(path, { asks: "show its registers", signal });
    this.at = (before + this.#clock.monotonicMs()) / 2;
    this.#checkErrors(answer);
    return answer;
  }

  async power(path: string, signal: AbortSignal): Promise<Json> {
    const answer = await this.#link.get(path, { asks: "show its power", signal });
    this.#checkErrors(answer);
    return answer;
  }

  number(from: unknown, ...path: string[]): Rational {
    const value = readDecimal(path.reduce<unknown>((at, key) => (at as Json | undefined)?.[key], from));
    if (value) return value;
    throw this.fail(`shows no number at ${path.join(".")}; check that component fits the device`);
  }

  register(from: unknown, ...path: string[]): Rational {
    const value = this.number(from, ...path);
    if (value.num < 0n) throw this.fail(`shows a negative register at ${path.join(".")}`);
    return value;
  }

  /** A difference of two counters that the device rounds by themselves: it may fall by a step of each, and is held then. */
  neverBack(difference: Rational): Rational {
    const fell = this.#highest && subtract(this.#highest, difference);
    const isRounding = fell && fell.num > 0n && subtract(ROUNDING, fell).num >= 0n;
    if (!isRounding) this.#highest = difference;
    return this.#highest!;
  }

  /** @throws DeviceError from the moment the device has been restarted: its counters have begun again at 0. */
  checkUptime(status: Json): void {
    const uptime = toNumber(this.number(status, "uptime"));
    if (uptime < this.#uptime) this.#restarted = true;
    this.#uptime = uptime;
    if (this.#restarted)
      throw this.fail(
        "was restarted and counts from 0 again; restart ioe to begin again from there, without a reading in between",
      );
  }

  fail(message: string): DeviceError {
    return new DeviceError(this.#name, message);
  }

  #checkErrors({ errors }: Json): void {
    const wrong = Array.isArray(errors) ? errors.filter((error) => WRONG.includes(error as string)) : [];
    if (wrong.length > 0) throw this.fail(`cannot measure: ${wrong.join(", ")}`);
  }
}

interface Kind {
  /** Smallest step of the registers, Wh. */
  readonly step: Rational;
  readonly registersEveryMs?: number;
  readonly read: (device: Device, channel: string, signal: AbortSignal) => Promise<Values>;
}

/** First generation: /status has all meters in one picture. */
const status = (list: "meters" | "emeters", values: (device: Device, meter: Json) => Values) =>
  async function (device: Device, channel: string, signal: AbortSignal): Promise<Values> {
    const answer = await device.registers("/status", signal);
    if (list === "meters") device.checkUptime(answer);
    const all = (Array.isArray(answer[list]) ? answer[list] : []) as Json[];
    const meters = channel === "all" ? all : all.slice(Number(channel), Number(channel) + 1);
    if (meters.length === 0) throw device.fail(`has no ${list.slice(0, -1)}:${channel}; check component`);
    if (meters.some(({ is_valid: valid }) => valid !== true))
      throw device.fail("says itself that its values are not valid");
    return meters.map((meter) => values(device, meter)).reduce(sum);
  };

/** Later generations: a component with its own counters (aenergy in Wh; ret_aenergy where it can tell directions apart). */
const component = (type: string) =>
  async function (device: Device, id: string, signal: AbortSignal): Promise<Values> {
    const answer = await device.registers(`/rpc/${type}.GetStatus?id=${id}`, signal);
    const total = device.register(answer, "aenergy", "total");
    const exported = "ret_aenergy" in answer ? device.register(answer, "ret_aenergy", "total") : ZERO;
    // aenergy counts whatever flows; what was returned is in it.
    const imported = device.neverBack(subtract(total, exported));
    if (imported.num < 0n) throw device.fail("has returned more than has flowed; its counters do not fit together");
    return { imported, exported, power: device.number(answer, "apower") };
  };

/** Later generations with clamps: counters in a component of their own. */
const clamps = (type: string, imported: string, exported: string, power: string) =>
  async function (device: Device, id: string, signal: AbortSignal): Promise<Values> {
    const data = await device.registers(`/rpc/${type}Data.GetStatus?id=${id}`, signal);
    const now = await device.power(`/rpc/${type}.GetStatus?id=${id}`, signal);
    return {
      imported: device.register(data, imported),
      exported: device.register(data, exported),
      power: device.number(now, power),
    };
  };

/** https://shelly-api-docs.shelly.cloud: gen1 (status), gen2 ComponentsAndServices (Switch, PM1, EM, EMData, EM1, EM1Data). */
const kinds = {
  meter: {
    step: WATT_MINUTE,
    read: status("meters", (device, meter) => ({
      imported: times(device.register(meter, "total"), WATT_MINUTE),
      exported: ZERO,
      power: device.number(meter, "power"),
    })),
  },
  emeter: {
    step: { num: 1n, den: 10n },
    read: status("emeters", (device, meter) => ({
      imported: device.register(meter, "total"),
      exported: device.register(meter, "total_returned"),
      power: device.number(meter, "power"),
    })),
  },
  switch: { step: { num: 1n, den: 1_000n }, registersEveryMs: MINUTE_MS, read: component("Switch") },
  pm1: { step: { num: 1n, den: 1_000n }, registersEveryMs: MINUTE_MS, read: component("PM1") },
  em: {
    step: { num: 1n, den: 100n },
    registersEveryMs: MINUTE_MS,
    read: clamps("EM", "total_act", "total_act_ret", "total_act_power"),
  },
  em1: {
    step: { num: 1n, den: 100n },
    registersEveryMs: MINUTE_MS,
    read: clamps("EM1", "total_act_energy", "total_act_ret_energy", "act_power"),
  },
} satisfies Record<string, Kind>;

function sum(a: Values, b: Values): Values {
  return {
    imported: add(a.imported, b.imported),
    exported: add(a.exported, b.exported),
    power: add(a.power, b.power),
  };
}

function subtract(a: Rational, b: Rational): Rational {
  return add(a, { num: -b.num, den: b.den });
}

function add(a: Rational, b: Rational): Rational {
  return { num: a.num * b.den + b.num * a.den, den: a.den * b.den };
}
