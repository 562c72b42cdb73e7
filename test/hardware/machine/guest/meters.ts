/** Meters of the drivers `ina2xx` and `s0` by name: `node meters.ts NAME '{"meter": CONFIG, …}'`. */
import { createIna2xx, ina2xxSchema } from "../../../../oracle/src/hardware/meter/ina2xx.ts";
import { createS0, s0Schema } from "../../../../oracle/src/hardware/meter/s0.ts";
import type { EnergyMeter } from "../../../../oracle/src/hardware/types.ts";
import { block, serve } from "./serve.ts";

/** Registers in mWh, as numbers: JSON knows no bigint. */
export interface MeterReading {
  at: number;
  imported: number;
  exported: number;
  powerW: number;
}

const [name = "", configs = ""] = process.argv.slice(2);
const context = { unitsPerKWh: 1_000_000n, stateDir: "/root" };
const meters = new Map(
  Object.entries(JSON.parse(configs) as Record<string, { driver: string }>).map(([meter, config]) => [
    meter,
    config.driver === "s0"
      ? createS0(s0Schema.parse(config), context)
      : createIna2xx(ina2xxSchema.parse(config), context),
  ]),
);

serve(name, {
  read: async (meter): Promise<MeterReading> => {
    const { at, imported, exported, powerW } = await (meters.get(meter) as EnergyMeter).read(
      AbortSignal.timeout(60_000),
    );
    return { at, imported: Number(imported), exported: Number(exported), powerW };
  },
  block,
});
