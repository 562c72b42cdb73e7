import { z } from "zod";
import { type Clock, systemClock } from "../../clock.ts";
import { address, endpointOf, timeoutMs } from "../schemas.ts";
import { modbusException } from "../transport/modbus-queue.ts";
import { nameOf, openModbusLink } from "../transport/modbus.ts";
import { DeviceError, type DriverInfo, type EnergyMeter } from "../types.ts";
import { type Rational, ceil, decode, floor, isMissing, times, toNumber, ulp } from "./register.ts";

/** A meter of any make that follows SunSpec, over Modbus TCP or RTU; its address is checked by `oneWay`. */
export const sunSpecSchema = z.strictObject({
  driver: z.literal("sunspec"),
  ...address,
  /** Which of the device's meters, from 1; needed when it has several (an inverter with more than one behind it). */
  meter: z.int().min(1).max(16).optional(),
  /** What a positive power means. SunSpec leaves room here, and products use it. */
  positive: z.enum(["import", "export"]).default("import"),
  scope: z.enum(["branch", "connection"]),
  maxPowerW: z.int().positive(),
  timeoutMs,
});
export const sunSpecInfo: DriverInfo = {
  kind: "meter",
  driver: "sunspec",
  summary:
    "any meter with SunSpec models 201–204 or 211–214 (also behind an inverter), Modbus TCP or RTU (serial: { … })",
  needs:
    "SunSpec and Modbus switched on in the device; in reach over the network, or a serial port and the group dialout",
  registers:
    "models 201–204: one step of the device's scale factor, wraps at 2³² steps; 211–214: a Float's step, which grows with its value, never wraps",
  example: `driver: sunspec
host: 192.168.1.51
port: 502
unit: 1
scope: connection
maxPowerW: 11000
`,
};
export type SunSpecConfig = z.infer<typeof sunSpecSchema>;

/**
 * "SunSpec Device Information Model Specification" V1.1, section 6: a map begins with "SunS" at one of three holding
 * registers; then follow models, each with its number and its length, until number 0xFFFF.
 */
const BASES = [40_000, 50_000, 0];
const MARK = "SunS";
const END = 0xffff;
/** A device whose list has no end. */
const MAX_MODELS = 64;

/**
 * Where the models keep what we need, in registers from the model's number on (sunspec/models, model_201.json to
 * model_214.json): real power, exported and imported energy, Wh, and for the integer models their scale factors.
 */
interface Layout {
  readonly type: "integer" | "float";
  readonly power: number;
  readonly exported: number;
  readonly imported: number;
  /** Scale factors; energy's is the last register we read. */
  readonly powerScale: number;
  readonly energyScale: number;
  /** Registers to read, number and length of the model included. */
  readonly words: number;
}
const INTEGER: Layout = {
  type: "integer",
  power: 18,
  powerScale: 22,
  exported: 38,
  imported: 46,
  energyScale: 54,
  words: 55,
};
const FLOAT: Layout = {
  type: "float",
  power: 28,
  exported: 60,
  imported: 68,
  powerScale: -1,
  energyScale: -1,
  words: 70,
};
const LAYOUTS: Readonly<Record<number, Layout>> = {
  201: INTEGER,
  202: INTEGER,
  203: INTEGER,
  204: INTEGER,
  211: FLOAT,
  212: FLOAT,
  213: FLOAT,
  214: FLOAT,
};
/** Model 1, common: manufacturer, model and serial number, 16 registers each. */
const COMMON = 1;
const COMMON_WORDS = 66;
const [MANUFACTURER, MODEL, SERIAL] = [2, 18, 50];

interface Found {
  readonly address: number;
  readonly number: number;
  readonly layout: Layout;
}

/** @param unitsPerKWh energy units in a kWh; registers are converted once, here, rounded down. */
export function createSunSpecMeter(
  config: SunSpecConfig,
  { unitsPerKWh, clock = systemClock }: { unitsPerKWh: bigint; clock?: Clock },
): EnergyMeter {
  const where = `${nameOf(endpointOf(config))} unit ${config.unit}`;
  const link = openModbusLink({ ...endpointOf(config), timeoutMs: config.timeoutMs });
  const unitsPerWh: Rational = { num: unitsPerKWh, den: 1_000n };
  let name = `SunSpec meter at ${where}`;
  let found: Found | undefined;
  let resolution = 1n;
  let wrap: bigint | undefined;

  const fail = (message: string, cause?: unknown): never => {
    throw new DeviceError(name, message, { cause });
  };

  const read = async (from: number, words: number, signal: AbortSignal): Promise<Buffer> => {
    const { buffer } = await link.request({
      device: name,
      asks: `read ${words} registers from ${from} (function 3)`,
      unit: config.unit,
      signal,
      run: (client) => client.readHoldingRegisters(from, words),
    });
    return buffer;
  };

  const base = async (signal: AbortSignal): Promise<number> => {
    for (const from of BASES) {
      try {
        if ((await read(from, 2, signal)).toString("latin1") === MARK) return from + 2;
      } catch (error) {
        // Most devices refuse addresses they do not have; silence is another matter.
        if (modbusException(error) === undefined) throw error;
      }
    }
    return fail(`has no SunSpec map at ${BASES.join(", ")}; switch SunSpec on in the device, or use the driver modbus`);
  };

  /** Walks the models, once. */
  const discover = async (signal: AbortSignal): Promise<Found> => {
    const meters: Found[] = [];
    const others: number[] = [];
    let at = await base(signal);
    let who = "";
    for (let i = 0; ; i++) {
      const head = await read(at, 2, signal);
      const [number, length] = [head.readUInt16BE(0), head.readUInt16BE(2)];
      if (number === END) break;
      if (i === MAX_MODELS || length === 0) fail(`its list of SunSpec models does not end (model ${number} at ${at})`);
      const layout = LAYOUTS[number];
      if (layout) meters.push({ address: at, number, layout });
      else others.push(number);
      if (number === COMMON && who === "") who = identity(await read(at, COMMON_WORDS, signal));
      at += length + 2;
    }
    const which = config.meter ?? 1;
    const chosen = meters[which - 1];
    if (!chosen) {
      return fail(
        `${who} has ${meters.length} SunSpec meters, not ${which} (other models: ${others.join(", ") || "none"}); ` +
          "look for the meter's own unit id or address",
      );
    }
    if (meters.length > 1 && config.meter === undefined) {
      const list = meters.map(({ number }, i) => `${i + 1} (model ${number})`).join(", ");
      return fail(`${who} has several meters; say which one with meter: ${list}`);
    }
    name = `SunSpec meter ${who} at ${where}`;
    return chosen;
  };

  const missing = (what: string) => fail(`${what} is marked as missing; check the meter's wiring to the device`);

  /** A number of the integer models: count × 10^scale. */
  const scaled = (block: Buffer, at: number, what: string): Rational => {
    const scale = block.readInt16BE(2 * at);
    if (scale === -0x8000) missing(`the scale factor of ${what}`);
    if (scale < -10 || scale > 10) fail(`the scale factor of ${what} is ${scale}, not within −10 to 10`);
    return scale < 0 ? { num: 1n, den: 10n ** BigInt(-scale) } : { num: 10n ** BigInt(scale), den: 1n };
  };

  const number = (block: Buffer, at: number, type: "int16" | "uint32" | "float32", what: string): Rational => {
    let value: Rational;
    try {
      value = decode(type, block, 2 * at);
    } catch (error) {
      return fail(`${what} is no finite number; check the meter's wiring to the device`, error);
    }
    return isMissing(type, value) ? missing(what) : value;
  };

  const energy = (block: Buffer, { type, energyScale }: Layout, at: number, what: string) => {
    const registerType = type === "integer" ? "uint32" : "float32";
    const count = number(block, at, registerType, what);
    if (count.num < 0n) fail(`${what} is negative`);
    const step = times(type === "integer" ? scaled(block, energyScale, what) : { num: 1n, den: 1n }, unitsPerWh);
    return { units: floor(times(count, step)), step: ceil(times(ulp(registerType, count), step)), perCount: step };
  };

  return {
    get name() {
      return name;
    },
    scope: config.scope,
    maxPowerW: config.maxPowerW,
    get resolution() {
      return resolution;
    },
    get wrap() {
      return wrap;
    },
    read: async (signal) => {
      const { address, number: model, layout } = (found ??= await discover(signal));
      const before = clock.monotonicMs();
      const block = await read(address, layout.words, signal);
      const at = (before + clock.monotonicMs()) / 2;
      if (block.readUInt16BE(0) !== model) {
        found = undefined; // the device has arranged its models anew
        fail(`model ${model} is not at register ${address} any more`);
      }
      const exported = energy(block, layout, layout.exported, "exported energy");
      const imported = energy(block, layout, layout.imported, "imported energy");
      const watts =
        layout.type === "integer"
          ? times(number(block, layout.power, "int16", "power"), scaled(block, layout.powerScale, "power"))
          : number(block, layout.power, "float32", "power");
      resolution = [1n, exported.step, imported.step].reduce((a, b) => (a > b ? a : b));
      // acc32 counts to 2³² − 1 and starts again.
      const modulus = times({ num: 1n << 32n, den: 1n }, imported.perCount);
      wrap = layout.type === "integer" && modulus.num % modulus.den === 0n ? modulus.num / modulus.den : undefined;
      const powerW = toNumber(watts);
      return {
        at,
        imported: imported.units,
        exported: exported.units,
        powerW: config.positive === "export" ? powerW : 0 - powerW,
      };
    },
    dispose: () => Promise.resolve(link.release()),
  };
}

/** "Maker Model (serial 42)" of the common model. */
function identity(common: Buffer): string {
  const text = (at: number) =>
    common
      .subarray(2 * at, 2 * at + 32)
      .toString("latin1")
      .replace(/\0.*$/s, "")
      .trim();
  return `${text(MANUFACTURER)} ${text(MODEL)} (serial ${text(SERIAL)})`;
}
