import { z } from "zod";
import { type Clock, systemClock } from "../../clock.ts";
import { mqttBroker, mqttTopic } from "../schemas.ts";
import { type Message, openMqttLink } from "../transport/mqtt.ts";
import { DeviceError, type DriverInfo, type EnergyMeter, type MeterSample, seldom } from "../types.ts";
import { readDecimal } from "./decimal.ts";
import { type Rational, ceil, floor, times, toNumber } from "./register.ts";

const WATT_HOURS = { mWh: [1n, 1_000n], Wh: [1n, 1n], kWh: [1_000n, 1n], MWh: [1_000_000n, 1n] } as const;
const WATTS = { W: [1n, 1n], kW: [1_000n, 1n] } as const;

/** Where in a message a number is: keys and indices with dots between them; nothing when the text is the number. */
const at = { topic: mqttTopic, path: z.string().min(1).optional() };
const energy = z.strictObject({ ...at, unit: z.enum(["mWh", "Wh", "kWh", "MWh"]).default("kWh") });

/** A meter that somebody else reads and publishes: home automation, a wallbox controller, a plug. */
export const mqttMeterSchema = z.strictObject({
  driver: z.literal("mqtt"),
  ...mqttBroker,
  /** A direction in which nothing can flow is left out; its register stays 0. */
  import: energy.optional(),
  export: energy.optional(),
  power: z.strictObject({
    ...at,
    unit: z.enum(["W", "kW"]).default("W"),
    /** Direction in which power is positive. */
    positive: z.enum(["import", "export"]).default("import"),
  }),
  /** Path of the time of measurement in every message: Unix seconds or milliseconds, or ISO 8601 with its zone. */
  timestamp: z.string().min(1).optional(),
  /** Sent before every sample to a device that answers rather than publishes. */
  request: z.strictObject({ topic: mqttTopic, text: z.string() }).optional(),
  /** Smallest step of the registers, Wh. */
  stepWh: z.number().positive().max(10_000).default(1),
  /** The device brings its registers up to date only so often, ms, however often they are published. */
  registersEveryMs: z.int().min(1_000).max(900_000).optional(),
  /** Older values are not used, ms. */
  maxAgeMs: z.int().min(500).max(600_000).default(30_000),
  /** Longest time to wait for the next message, ms. */
  timeoutMs: z.int().min(100).max(60_000).default(5_000),
  scope: z.enum(["branch", "connection"]),
  maxPowerW: z.int().positive(),
});
export type MqttMeterConfig = z.infer<typeof mqttMeterSchema>;
export const mqttMeterInfo: DriverInfo = {
  kind: "meter",
  driver: "mqtt",
  summary: "any meter whose registers are published over MQTT: by Home Assistant, evcc, Tasmota, Shelly and others",
  needs:
    "a broker on which registers (not only power) appear at least every pollMs; a password in a file of mode 0600 when it wants one",
  registers:
    "as published: stepWh says their smallest step. What the broker has retained is refused unless timestamp dates it; a value " +
    "older than maxAgeMs is not used; a register that goes back is refused",
  example: `driver: mqtt
broker: mqtt://192.168.1.10:1883
user: ioe
passwordFile: ./mqtt.password
# Tasmota answers when asked:
request: { topic: cmnd/tasmota_A1B2C3/Status, text: "10" }
import: { topic: stat/tasmota_A1B2C3/STATUS10, path: StatusSNS.ENERGY.Total, unit: kWh }
power: { topic: stat/tasmota_A1B2C3/STATUS10, path: StatusSNS.ENERGY.Power }
# Home Assistant, from an automation that publishes all values every second:
#   import: { topic: ioe/grid, path: import }
#   export: { topic: ioe/grid, path: export }
#   power: { topic: ioe/grid, path: power }
#   timestamp: time
# evcc, a PV meter:
#   export: { topic: evcc/site/pv/1/energy }
#   power: { topic: evcc/site/pv/1/power, positive: export }
# Shelly of the second generation, asked for its status:
#   request: { topic: shellyplus1pm-a8032abe54dc/command/switch:0, text: status_update }
#   import: { topic: "shellyplus1pm-a8032abe54dc/status/switch:0", path: aenergy.total, unit: Wh }
#   power: { topic: "shellyplus1pm-a8032abe54dc/status/switch:0", path: apower }
#   registersEveryMs: 60000
stepWh: 1
scope: branch
maxPowerW: 3500
`,
};

type Role = "import" | "export" | "power";
interface Value {
  readonly number: Rational;
  /** When it was measured, or else arrived, monotonic ms. */
  readonly at: number;
}

/** @param unitsPerKWh energy units in a kWh; registers are converted once, here, rounded down. */
export function createMqttMeter(
  config: MqttMeterConfig,
  { unitsPerKWh, clock = systemClock }: { unitsPerKWh: bigint; clock?: Clock },
): EnergyMeter {
  const places = (["import", "export", "power"] as const).flatMap((role) => {
    const place = config[role];
    return place ? [{ role, ...place }] : [];
  });
  const topics = [...new Set(places.map(({ topic }) => topic))];
  const name = `meter ${topics[0]} at ${new URL(config.broker).host}`;
  if (!config.import && !config.export)
    throw new DeviceError(
      name,
      "has neither import nor export: power alone is no energy; give the topic of a register",
    );
  const link = openMqttLink(name, config);
  const values = new Map<Role, Value>();
  let trouble: string | undefined;
  let sampledAt = -Infinity;
  let heard = Promise.withResolvers<void>();

  const onMessage = (message: Message) => {
    try {
      take(message);
      trouble = undefined;
    } catch (error) {
      trouble = (error as Error).message;
    }
    heard.resolve();
    heard = Promise.withResolvers();
  };

  const take = ({ topic, text, retained }: Message): void => {
    const body = parsed(text);
    const measuredAt = timeOf(body);
    if (retained && measuredAt === undefined)
      throw new Error(`${topic} was retained by the broker and says not of when; waiting for a fresh one`);
    for (const { role, path } of places.filter((place) => place.topic === topic)) {
      const number = readDecimal(pick(body, path));
      if (!number) throw new Error(`${topic} has no number at ${path ?? "its top"}`);
      if (role !== "power" && number.num < 0n) throw new Error(`${topic} has a negative register`);
      values.set(role, { number, at: measuredAt ?? clock.monotonicMs() });
    }
  };

  /** Time of measurement on the monotonic clock. */
  const timeOf = (body: unknown): number | undefined => {
    if (config.timestamp === undefined) return undefined;
    const unixMs = unixMsOf(pick(body, config.timestamp));
    if (unixMs === undefined) throw new Error(`has no time at ${config.timestamp}`);
    // A clock that is ahead of ours does not make a value younger than now.
    return clock.monotonicMs() - Math.max(0, clock.unixMs() - unixMs);
  };

  const sample = (): MeterSample | undefined => {
    const now = clock.monotonicMs();
    const found = places.map(({ role }) => values.get(role));
    if (found.some((value) => value === undefined || now - value.at > config.maxAgeMs)) return undefined;
    const registers = [values.get("import"), values.get("export")].filter((value) => value !== undefined);
    const newest = Math.max(...registers.map((value) => value.at));
    if (newest <= sampledAt) return undefined;
    sampledAt = newest;
    const units = (role: "import" | "export"): bigint => {
      const value = values.get(role);
      const [num, den] = WATT_HOURS[config[role]?.unit ?? "kWh"];
      return value ? floor(times(times(value.number, { num, den }), { num: unitsPerKWh, den: 1_000n })) : 0n;
    };
    const [num, den] = WATTS[config.power.unit];
    const power = values.get("power")!;
    const watts = toNumber(times(power.number, { num, den }));
    return {
      at: newest,
      imported: units("import"),
      exported: units("export"),
      powerW: config.power.positive === "export" ? watts : 0 - watts,
      powerAt: power.at,
    };
  };

  const subscriptions = topics.map((topic) => link.subscribe(topic, onMessage));
  return {
    name,
    scope: config.scope,
    maxPowerW: config.maxPowerW,
    resolution: ceil(times(readDecimal(config.stepWh)!, { num: unitsPerKWh, den: 1_000n })),
    ...seldom(config.registersEveryMs),
    read: async (signal) => {
      const { request, timeoutMs } = config;
      const patience = AbortSignal.timeout(timeoutMs);
      await link.ready(timeoutMs);
      if (request) link.publish(request.topic, request.text, 0);
      for (;;) {
        const next = heard.promise;
        const found = sample();
        if (found) return found;
        await firstOf(next, patience, signal);
        signal.throwIfAborted();
        if (!patience.aborted) continue;
        const missing = places.filter(({ role }) => !values.has(role)).map(({ topic }) => topic);
        const hint = missing.length > 0 ? `nothing yet on ${missing.join(", ")}` : "no register since the last sample";
        throw new DeviceError(
          name,
          `no fresh values within ${timeoutMs} ms (${trouble ?? hint}); check topics, paths and who publishes`,
        );
      }
    },
    dispose: () => {
      for (const subscription of subscriptions) subscription.stop();
      link.release();
      return Promise.resolve();
    },
  };
}

/** Resolves with the event or when a signal aborts; nothing of it stays with a signal that lives as long as the service. */
async function firstOf(event: Promise<unknown>, ...signals: AbortSignal[]): Promise<void> {
  if (signals.some(({ aborted }) => aborted)) return;
  const { promise: aborted, resolve } = Promise.withResolvers<void>();
  const done = new AbortController();
  for (const signal of signals) signal.addEventListener("abort", () => resolve(), { signal: done.signal });
  await Promise.race([event, aborted]);
  done.abort();
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

/** What is at a path of keys and indices with dots between them. */
export function pick(body: unknown, path: string | undefined): unknown {
  if (path === undefined) return body;
  return path.split(".").reduce<unknown>((at, key) => {
    const isOwn = typeof at === "object" && at !== null && Object.hasOwn(at, key);
    return isOwn ? (at as Record<string, unknown>)[key] : undefined;
  }, body);
}

/** Unix seconds, Unix milliseconds or ISO 8601 with a zone, as ms since 1970. */
export function unixMsOf(value: unknown): number | undefined {
  if (typeof value === "string" && /^\d{4}-.*T.*(?:Z|[+-]\d\d:?\d\d)$/.test(value)) {
    const ms = Date.parse(value);
    return Number.isNaN(ms) ? undefined : ms;
  }
  const number = readDecimal(value);
  if (!number) return undefined;
  const count = toNumber(number);
  // 1e11 s are in the year 5138, 1e11 ms in 1973.
  return count < 1e11 ? count * 1_000 : count;
}
