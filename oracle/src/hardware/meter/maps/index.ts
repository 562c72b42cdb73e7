import { eastronSdm120 } from "./eastron-sdm120.ts";
import { eastronSdm230 } from "./eastron-sdm230.ts";
import { eastronSdm630 } from "./eastron-sdm630.ts";
import { genericFloat64 } from "./generic-float64.ts";
import type { MeterMap } from "./map.ts";
import { pzem004t } from "./pzem-004t.ts";
import { pzem016 } from "./pzem-016.ts";
import { schneiderIem3155 } from "./schneider-iem3155.ts";
import { siemensPac3200 } from "./siemens-pac3200.ts";

export { customMap, customMapSchema } from "./custom.ts";
export type { EnergyRegister, MeterMap, PowerRegister } from "./map.ts";

const tables = {
  "schneider-iem3155": schneiderIem3155,
  "siemens-pac3200": siemensPac3200,
  "eastron-sdm120": eastronSdm120,
  "eastron-sdm230": eastronSdm230,
  "eastron-sdm630": eastronSdm630,
  "pzem-004t": pzem004t,
  "pzem-016": pzem016,
  "generic-float64": genericFloat64,
};

export type MeterMapName = keyof typeof tables;

/** The products we know, by the name a configuration uses. */
export const meterMaps: Readonly<Record<MeterMapName, MeterMap>> = tables;

export const meterMapNames = Object.keys(meterMaps) as [MeterMapName, ...MeterMapName[]];
