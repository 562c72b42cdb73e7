import { z } from "zod";
import { decimal, decode, inOrder, isMissing, registerTypes, times, toNumber, wordsOf } from "../meter/register.ts";
import { address, endpointOf, oneWay, timeoutMs } from "../schemas.ts";
import { nameOf, openModbusLink } from "../transport/modbus.ts";
import { type BatteryGauge, DeviceError } from "../types.ts";

/** A battery, its inverter or its management system, which says over Modbus how full it is. */
export const modbusBatterySchema = z
  .strictObject({
    driver: z.literal("modbus"),
    ...address,
    /** What it can hold, Wh. */
    capacityWh: z.int().positive(),
    stateOfCharge: z.strictObject({
      /** 3 reads holding registers, 4 input registers. */
      functionCode: z.literal([3, 4], { error: "expected 3 (holding registers) or 4 (input registers)" }).default(3),
      /** As in the frame, from 0. */
      address: z.int().min(0).max(65_535),
      type: z.enum(registerTypes),
      wordOrder: z.enum(["high-first", "low-first"]).default("high-first"),
      /** Percent = count × scale. */
      scale: z.number().positive().default(1),
    }),
    timeoutMs,
  })
  .superRefine(oneWay);
export type ModbusBatteryConfig = z.infer<typeof modbusBatterySchema>;

/** Nothing is sent before the first `read`. */
export function createModbusBattery(config: ModbusBatteryConfig): BatteryGauge {
  const { capacityWh, stateOfCharge, unit } = config;
  const { functionCode, address: at, type, wordOrder, scale } = stateOfCharge;
  const name = `battery at ${nameOf(endpointOf(config))} unit ${unit}`;
  const link = openModbusLink({ ...endpointOf(config), timeoutMs: config.timeoutMs });
  const words = wordsOf(type);
  return {
    name,
    capacityWh,
    read: async (signal) => {
      const { buffer } = await link.request({
        device: name,
        asks: `read the state of charge, ${words} registers from ${at} (function ${functionCode})`,
        unit,
        signal,
        run: (client) =>
          functionCode === 3 ? client.readHoldingRegisters(at, words) : client.readInputRegisters(at, words),
      });
      const count = decode(type, inOrder(buffer.subarray(0, 2 * words), wordOrder));
      const percent = toNumber(times(count, decimal(scale)));
      if (isMissing(type, count) || percent < 0 || percent > 100) {
        throw new DeviceError(name, `register ${at} says ${percent} % full; check stateOfCharge: address, type, scale`);
      }
      return Math.round(percent * 10);
    },
    dispose: () => Promise.resolve(link.release()),
  };
}
