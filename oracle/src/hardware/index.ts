import { z } from "zod";
import type { Clock } from "../clock.ts";
import { type ModbusBatteryConfig, createModbusBattery, modbusBatterySchema } from "./battery/modbus.ts";
import { createDsmrP1, dsmrP1Info, dsmrP1Schema } from "./meter/dsmr-p1.ts";
import { type Ina2xxConfig, checkIna2xx, createIna2xx, ina2xxInfo, ina2xxSchema } from "./meter/ina2xx.ts";
import { type ModbusMeterConfig, createModbusMeter, modbusMeterInfo, modbusMeterSchema } from "./meter/modbus.ts";
import { createMqttMeter, mqttMeterInfo, mqttMeterSchema } from "./meter/mqtt.ts";
import { createShellyMeter, shellyMeterInfo, shellyMeterSchema } from "./meter/shelly.ts";
import { createS0, s0Info, s0Schema } from "./meter/s0.ts";
import { createSunSpecMeter, sunSpecInfo, sunSpecSchema } from "./meter/sunspec.ts";
import { createGpioRelay, gpioInfo, gpioSchema } from "./relay/gpio.ts";
import { createModbusCoil, modbusCoilInfo, modbusCoilSchema } from "./relay/modbus-coil.ts";
import { createShellyRelay, shellyRelayInfo, shellyRelaySchema } from "./relay/shelly.ts";
import { createRpiGpioRelay, rpiGpioInfo, rpiGpioSchema } from "./relay/rpi-gpio.ts";
import { createShellyMqttRelay, shellyMqttInfo, shellyMqttSchema } from "./relay/shelly-mqtt.ts";
import { createTasmotaRelay, tasmotaInfo, tasmotaSchema } from "./relay/tasmota.ts";
import { oneWay } from "./schemas.ts";
import type { BatteryGauge, DriverInfo, EnergyMeter, RelayDriver } from "./types.ts";

export * from "./types.ts";
export {
  type EnergyRegister,
  type MeterMap,
  type MeterMapName,
  type PowerRegister,
  meterMapNames,
  meterMaps,
} from "./meter/maps/index.ts";
export { p1IntervalMs } from "./meter/dsmr-p1.ts";
export { mqttBroker, mqttTopic } from "./schemas.ts";
export { brokerOptions, explainBroker } from "./transport/mqtt.ts";

/** Configuration of a meter: the driver's keys, selected by `driver`, and the caller's own. Unknown keys are refused. */
export function meterSchemaWith<Shape extends z.ZodRawShape>(own: Shape) {
  return z
    .discriminatedUnion("driver", [
      modbusMeterSchema.extend(own),
      sunSpecSchema.extend(own),
      dsmrP1Schema.extend(own),
      shellyMeterSchema.extend(own),
      ina2xxSchema.extend(own),
      s0Schema.extend(own),
      mqttMeterSchema.extend(own),
    ])
    .superRefine((config, context) => checkMeter(config as ModbusMeterConfig | Ina2xxConfig, context));
}

/** What an object's schema cannot say when it is to be extended. */
function checkMeter(config: ModbusMeterConfig | Ina2xxConfig, context: z.RefinementCtx): void {
  if ("unit" in config) oneWay(config, context);
  if (config.driver === "ina2xx") checkIna2xx(config, context);
}

/** The driver's part alone. A new driver is one more member above and in `createMeter`. */
export const meterDriverSchema = meterSchemaWith({});
export type MeterDriverConfig = z.infer<typeof meterDriverSchema>;

/** The configuration of one relay; `driver` selects the driver. */
export const relayDriverSchema = z.discriminatedUnion("driver", [
  gpioSchema,
  rpiGpioSchema,
  modbusCoilSchema,
  shellyRelaySchema,
  shellyMqttSchema,
  tasmotaSchema,
]);
export type RelayDriverConfig = z.infer<typeof relayDriverSchema>;

/** False for a relay that stays closed when this computer dies: somebody has to agree to that in writing. */
export function isGuarded(config: RelayDriverConfig): boolean {
  switch (config.driver) {
    case "gpio":
    case "rpi-gpio":
      return true;
    case "modbus-coil":
      return config.watchdog !== undefined;
    case "shelly":
    case "shelly-mqtt":
    case "tasmota":
      return true;
  }
}

/** Names the contact a configuration means: two processes with the same one would switch the same contact. */
export function relayIdentity(config: RelayDriverConfig): string {
  const address = Object.entries(config).filter(([key]) => !TUNING.has(key));
  return JSON.stringify(address.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Keys of a relay's configuration that do not say which one it is. */
const TUNING = new Set([
  "activeLow",
  "bias",
  "watchdog",
  "unguarded",
  "settleMs",
  "timeoutMs",
  "user",
  "passwordFile",
  "caFile",
]);

/** Every driver there is. */
export const driverInfos: readonly DriverInfo[] = [
  gpioInfo,
  rpiGpioInfo,
  modbusCoilInfo,
  modbusMeterInfo,
  sunSpecInfo,
  dsmrP1Info,
  shellyRelayInfo,
  shellyMeterInfo,
  ina2xxInfo,
  s0Info,
  shellyMqttInfo,
  tasmotaInfo,
  mqttMeterInfo,
];

export interface MeterContext {
  /** Energy units in a kWh (1 000 or 1 000 000). */
  readonly unitsPerKWh: bigint;
  /** Folder for the registers of meters that forget theirs; the working directory by default. */
  readonly stateDir?: string;
  readonly clock?: Clock;
}

/** Nothing is sent before the first `read`. */
export function createMeter(config: MeterDriverConfig, { stateDir = ".", ...context }: MeterContext): EnergyMeter {
  switch (config.driver) {
    case "ina2xx":
      return createIna2xx(config, { ...context, stateDir });
    case "s0":
      return createS0(config, { ...context, stateDir });
    case "modbus":
      return createModbusMeter(config, context);
    case "sunspec":
      return createSunSpecMeter(config, context);
    case "dsmr-p1":
      return createDsmrP1(config, context);
    case "shelly":
      return createShellyMeter(config, context);
    case "mqtt":
      return createMqttMeter(config, context);
  }
}

/** @param context name: how logs and errors call the relay. Nothing is sent before the first call. */
export function createRelay(config: RelayDriverConfig, context: { name?: string; clock?: Clock } = {}): RelayDriver {
  switch (config.driver) {
    case "gpio":
      return createGpioRelay(config, context);
    case "rpi-gpio":
      return createRpiGpioRelay(config, context);
    case "modbus-coil":
      return createModbusCoil(config, context);
    case "shelly":
      return createShellyRelay(config, context);
    case "shelly-mqtt":
      return createShellyMqttRelay(config, context);
    case "tasmota":
      return createTasmotaRelay(config, context);
  }
}

/** The configuration of what says how full a battery is. */
export const batterySchema = modbusBatterySchema;

/** Nothing is sent before the first `read`. */
export function createBattery(config: ModbusBatteryConfig): BatteryGauge {
  return createModbusBattery(config);
}
