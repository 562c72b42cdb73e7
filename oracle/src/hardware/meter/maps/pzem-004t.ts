import type { MeterMap } from "./map.ts";
import { pzem016 } from "./pzem-016.ts";

/**
 * Peacefair, "PZEM-004T V3.0 User Manual", section 2.3: the registers of the PZEM-016 behind a TTL interface. Version 3 only;
 * the versions before it do not speak Modbus.
 */
export const pzem004t: MeterMap = {
  ...pzem016,
  product: "Peacefair PZEM-004T V3.0",
  manual: "PZEM-004T V3.0 User Manual",
};
