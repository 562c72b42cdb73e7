import { eastronSdm120 } from "./eastron-sdm120.ts";
import type { MeterMap } from "./map.ts";

/**
 * Eastron, "SDM230-Modbus, Modbus protocol implementation", input registers: what this table needs lies where the SDM120 has
 * it (0x000C, 0x0048, 0x004A), and 2400 baud is its default too.
 */
export const eastronSdm230: MeterMap = {
  ...eastronSdm120,
  product: "Eastron SDM230-Modbus",
  manual: "SDM230-Modbus protocol implementation",
};
