import { z } from "zod";
import { type Clock, systemClock } from "../../clock.ts";
import { address, endpointOf, timeoutMs } from "../schemas.ts";
import { nameOf, openModbusLink } from "../transport/modbus.ts";
import { DeviceError, type DriverInfo, type EnergyMeter } from "../types.ts";
import {
  type EnergyRegister,
  type MeterMap,
  customMap,
  customMapSchema,
  meterMapNames,
  meterMaps,
} from "./maps/index.ts";
import { type Rational, ceil, decode, floor, inOrder, isMissing, times, toNumber, ulp, wordsOf } from "./register.ts";

/** A meter that answers over Modbus, TCP or RTU; its address is checked by `oneWay`. */
export const modbusMeterSchema = z.strictObject({
  driver: z.literal("modbus"),
  ...address,
  /** Register table of the product, by name or described. */
  map: z.union([z.enum(meterMapNames), customMapSchema], {
    error: ({ input }) =>
      typeof input === "object"
        ? undefined
        : `expected one of ${meterMapNames.join(", ")}, or a table: { functionCode, import, export, power }`,
  }),
  scope: z.enum(["branch", "connection"]),
  maxPowerW: z.int().positive(),
  timeoutMs,
});
export const modbusMeterInfo: DriverInfo = {
  kind: "meter",
  driver: "modbus",
  summary: `Modbus meters over TCP (by themselves or behind a gateway) or RTU (serial: { path, baudRate, parity, stopBits }); register tables: ${meterMapNames.join(", ")}, or your own`,
  needs: "the meter in reach over the network; or a serial port and the group dialout",
  registers: `${Object.entries(meterMaps).map(describe).join("; ")}; a float register counts in steps that grow with its value`,
  example: `driver: modbus
serial: { path: /dev/serial/by-id/usb-RS485-if00-port0, baudRate: 9600, parity: none, stopBits: 1 }
unit: 1
map: eastron-sdm630
scope: connection
maxPowerW: 11000
`,
};
export type ModbusMeterConfig = z.infer<typeof modbusMeterSchema>;

/** @param unitsPerKWh energy units in a kWh; registers are converted once, here, rounded down. */
export function createModbusMeter(
  config: ModbusMeterConfig,
  { unitsPerKWh, clock = systemClock }: { unitsPerKWh: bigint; clock?: Clock },
): EnergyMeter {
  const map = typeof config.map === "string" ? meterMaps[config.map] : customMap(config.map);
  const product = typeof config.map === "string" ? config.map : "modbus";
  const name = `meter ${product} at ${nameOf(endpointOf(config))} unit ${config.unit}`;
  const link = openModbusLink({ ...endpointOf(config), timeoutMs: config.timeoutMs });
  const unitsPerWh: Rational = { num: unitsPerKWh, den: 1_000n };
  const datasheet = atLeastOne(ceil(times({ num: map.resolutionMilliWh, den: 1_000n }, unitsPerWh)));
  let resolution = datasheet;

  const fetch = async (signal: AbortSignal): Promise<{ at: number; words: Map<number, Buffer> }> => {
    const words = new Map<number, Buffer>();
    // The energy registers date the sample; power is only a picture of the moment.
    let from = Infinity;
    let to = -Infinity;
    for (const read of map.reads) {
      const before = clock.monotonicMs();
      const { buffer } = await link.request({
        device: name,
        asks: `read ${read.words} registers from ${read.address} (function ${map.functionCode})`,
        unit: config.unit,
        signal,
        run: (client) =>
          map.functionCode === 3
            ? client.readHoldingRegisters(read.address, read.words)
            : client.readInputRegisters(read.address, read.words),
      });
      if ([map.imported, map.exported].some((register) => register && isWithin(register.address, read))) {
        from = Math.min(from, before);
        to = Math.max(to, clock.monotonicMs());
      }
      for (let i = 0; i < read.words; i++) words.set(read.address + i, buffer.subarray(2 * i));
    }
    return { at: (from + to) / 2, words };
  };

  const value = (
    words: Map<number, Buffer>,
    what: string,
    { address, type, wordOrder }: Pick<EnergyRegister, "address" | "type" | "wordOrder">,
  ) => {
    const size = 2 * wordsOf(type);
    const bytes = words.get(address)?.subarray(0, size);
    const where = `${what} (register ${address})`;
    if (!bytes || bytes.length < size) {
      throw new DeviceError(name, `answered without ${where}; check that the map fits the device`);
    }
    const hint = "the device measures nothing there; check its wiring and that the map fits it";
    let decoded: Rational;
    try {
      decoded = decode(type, inOrder(bytes, wordOrder));
    } catch (error) {
      throw new DeviceError(name, `${where} is no finite number; ${hint}`, { cause: error });
    }
    if (isMissing(type, decoded)) throw new DeviceError(name, `${where} is marked as missing; ${hint}`);
    return decoded;
  };

  const energy = (words: Map<number, Buffer>, what: string, register: EnergyRegister) => {
    const count = value(words, what, register);
    if (count.num < 0n) {
      throw new DeviceError(
        name,
        `${what} (register ${register.address}) is negative; check that the map fits the device`,
      );
    }
    const units = (of: Rational) => times(times(of, register.wattHours), unitsPerWh);
    return { units: floor(units(count)), step: ceil(units(ulp(register.type, count))) };
  };

  return {
    name,
    scope: config.scope,
    maxPowerW: config.maxPowerW,
    importOnly: map.exported === undefined,
    wrap: map.wrapsAtWh === undefined ? undefined : floor(times({ num: map.wrapsAtWh, den: 1n }, unitsPerWh)),
    get resolution() {
      return resolution;
    },
    read: async (signal) => {
      const { at, words } = await fetch(signal);
      const imported = energy(words, "imported energy", map.imported);
      const exported = map.exported ? energy(words, "exported energy", map.exported) : { units: 0n, step: 0n };
      const watts = toNumber(times(value(words, "power", map.power), map.power.watts));
      resolution = [datasheet, imported.step, exported.step].reduce((a, b) => (a > b ? a : b));
      return {
        at,
        imported: imported.units,
        exported: exported.units,
        powerW: map.power.positive === "export" ? watts : 0 - watts,
      };
    },
    dispose: () => Promise.resolve(link.release()),
  };
}

function isWithin(wanted: number, read: { address: number; words: number }): boolean {
  return wanted >= read.address && wanted < read.address + read.words;
}

function atLeastOne(units: bigint): bigint {
  return units > 1n ? units : 1n;
}

function describe([name, map]: [string, MeterMap]): string {
  const { exported, resolutionMilliWh, wrapsAtWh } = map;
  const direction = exported ? "" : ", import only (export is always 0)";
  const wrap = wrapsAtWh === undefined ? "" : `, wraps at ${wrapsAtWh / 1_000n} kWh`;
  return `${name} ${Number(resolutionMilliWh) / 1_000} Wh${wrap}${direction}`;
}
