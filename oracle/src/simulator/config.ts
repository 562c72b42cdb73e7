import { readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { parse } from "yaml";
import { z } from "zod";
import { meterMapNames } from "../hardware/index.ts";

const port = z.int().min(0).max(65_535);
const unit = z.int().min(0).max(255).default(1);
const watts = z.number().min(0).max(1_000_000);
const wattHours = z.number().min(0).max(1_000_000_000);
const coil = z.int().min(0).max(65_535);
const csv = z.string().min(1);

const bus = z.strictObject({
  nominalV: z.number().positive().default(400),
  /** Share of the power sent that does not arrive. Either this or the resistance. */
  lossFraction: z.number().min(0).max(0.5).optional(),
  resistanceOhm: z.number().min(0).max(1_000).optional(),
});

const meter = z.strictObject({
  port,
  unit,
  map: z.enum(meterMapNames),
  /** Registers at the start. */
  start: z.strictObject({ importedWh: wattHours.default(0), exportedWh: wattHours.default(0) }).prefault({}),
});

const board = z.strictObject({
  port,
  unit,
  coils: z.strictObject({ discharge: coil, charge: coil }).default({ discharge: 0, charge: 1 }),
  watchdog: z
    .strictObject({ register: z.int().min(0).max(65_535), unitMs: z.int().min(1).max(60_000) })
    .default({ register: 0, unitMs: 100 }),
});

const battery = z
  .strictObject({
    capacityWh: wattHours.positive(),
    socWh: wattHours,
    dischargeLimitW: watts,
    chargeLimitW: watts,
    /** Where its electronics tell how full it is. */
    gauge: z.strictObject({ port, unit, register: z.int().min(0).max(65_535).default(843) }).optional(),
  })
  .refine(({ socWh, capacityWh }) => socWh <= capacityWh, { path: ["socWh"], message: "more than capacityWh" });

const site = { latitude: z.number().min(-90).max(90).default(48), dayOfYear: z.int().min(1).max(366).default(172) };
/** Without a file: a cloudless day at that place. The file's values are per unit of the installed power. */
const pv = z.strictObject({ peakW: watts, csv: csv.optional(), ...site });

const load = z.union(
  [
    z.strictObject({ watts }),
    z.strictObject({ formula: z.literal("household"), averageW: watts.default(400) }),
    z.strictObject({ csv }),
  ],
  { error: "expected { watts }, { formula: household, averageW? } or { csv }" },
);

const household = z
  .strictObject({
    name: z.string().min(1),
    scope: z.enum(["branch", "connection"]).default("branch"),
    meter,
    board: board.optional(),
    battery: battery.optional(),
    pv: pv.optional(),
    load: load.optional(),
  })
  .superRefine((value, context) => {
    const missing = (key: "board" | "battery", why: string) =>
      value[key] === undefined && context.addIssue({ code: "custom", path: [key], message: `missing: ${why}` });
    if (value.scope === "branch") {
      missing("battery", "a branch of the bus is a battery behind two relays");
      missing("board", "a branch of the bus is a battery behind two relays");
    } else {
      if (value.battery) missing("board", "a battery is switched by relays");
      if (value.board) missing("battery", "the board's relays switch a battery");
    }
  });

export const microGridSchema = z
  .strictObject({
    host: z.string().min(1).default("127.0.0.1"),
    /** HTTP on the loopback interface: the truth for tests and supervision. Without it there is none. */
    control: z.strictObject({ port }).optional(),
    bus: bus
      .default({ nominalV: 400, lossFraction: 0.015 })
      .refine(({ lossFraction, resistanceOhm }) => lossFraction === undefined || resistanceOhm === undefined, {
        message: "give lossFraction or resistanceOhm, not both",
      }),
    /**
     * Step i of the profiles is played in slot i at true watts, counted from `firstStep` (step 0 is midnight) and from the
     * slot in which the simulator starts, or from `startsAt` (Unix seconds). Without this section the hours are real.
     */
    profile: z
      .strictObject({
        stepSeconds: z.int().positive().max(86_400).default(900),
        slotSeconds: z.int().positive().max(86_400).default(900),
        firstStep: z.int().min(0).default(0),
        startsAt: z.int().positive().optional(),
      })
      .optional(),
    households: z.array(household).min(1),
  })
  .superRefine(({ households }, context) => {
    const taken = new Map<string, string>();
    const take = (kind: string, key: string, path: (string | number)[]) => {
      const here = path.join(".");
      const there = taken.get(`${kind} ${key}`);
      if (there) context.addIssue({ code: "custom", path, message: `${kind} ${key} is already taken by ${there}` });
      else taken.set(`${kind} ${key}`, here);
    };
    for (const [i, { name, meter, board, battery }] of households.entries()) {
      take("name", name, ["households", i, "name"]);
      if (meter.port !== 0) take("port and unit", `${meter.port}/${meter.unit}`, ["households", i, "meter", "port"]);
      if (board && board.port !== 0)
        take("port and unit", `${board.port}/${board.unit}`, ["households", i, "board", "port"]);
      const gauge = battery?.gauge;
      if (gauge && gauge.port !== 0)
        take("port and unit", `${gauge.port}/${gauge.unit}`, ["households", i, "battery", "gauge", "port"]);
      if (board && board.coils.discharge === board.coils.charge) {
        context.addIssue({
          code: "custom",
          path: ["households", i, "board", "coils"],
          message: "discharge and charge need a coil each",
        });
      }
    }
  });

export type MicroGridConfig = z.infer<typeof microGridSchema>;
/** As a person writes it: what has a default may be left out. */
export type MicroGridInput = z.input<typeof microGridSchema>;

/** A configuration that cannot be used; the message lists each wrong place and what is expected there. */
export class ConfigError extends Error {
  override readonly name = "ConfigError";
}

/** @throws ConfigError */
export function parseMicroGrid(input: unknown, source = "micro-grid configuration"): MicroGridConfig {
  const result = microGridSchema.safeParse(input);
  if (result.success) return result.data;
  const issues = result.error.issues.map(({ path, message }) => `  ${path.join(".") || "(top)"}: ${message}`);
  throw new ConfigError(`${source} is not usable:\n${issues.join("\n")}`);
}

/**
 * Reads `micro-grid.yaml`; profile files are relative to it.
 * @throws ConfigError
 */
export function loadMicroGrid(file: string): MicroGridConfig {
  let input: unknown;
  try {
    input = parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new ConfigError(`${file} cannot be read: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    });
  }
  const config = parseMicroGrid(input, file);
  const beside = (path: string) => resolve(dirname(file), path);
  for (const { pv, load } of config.households) {
    if (pv?.csv !== undefined) pv.csv = beside(pv.csv);
    if (load && "csv" in load) load.csv = beside(load.csv);
  }
  return config;
}
