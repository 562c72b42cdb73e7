import { z } from "zod";
import { type Rational, decimal, isInteger, modulusOf, registerTypes, times, wordsOf } from "../register.ts";
import type { EnergyRegister, MeterMap } from "./map.ts";

const WATT_HOURS = { Wh: 1, kWh: 1_000, MWh: 1_000_000 } as const;
const WATTS = { W: 1, kW: 1_000 } as const;

const register = z.strictObject({
  /** As in the frame, from 0. */
  address: z.int().min(0).max(65_535),
  type: z.enum(registerTypes),
  wordOrder: z.enum(["high-first", "low-first"]).default("high-first"),
  /** Value = count × scale, in the unit. */
  scale: z.number().positive().default(1),
});
const energy = register.extend({ unit: z.enum(["Wh", "kWh", "MWh"]) });

/** A register table in the configuration, for a product nobody has made a file for yet. */
export const customMapSchema = z
  .strictObject({
    /** 3 reads holding registers, 4 input registers. */
    functionCode: z.literal([3, 4], { error: "expected 3 (holding registers) or 4 (input registers)" }),
    import: energy,
    /** "none" for a meter that counts in one direction only: its export is always 0. */
    export: z.union([z.literal("none"), energy], {
      error: 'expected a register, or "none" for a meter without export',
    }),
    power: register.extend({ unit: z.enum(["W", "kW"]), positive: z.enum(["import", "export"]).default("import") }),
    /** Smallest step of the energy registers by the datasheet; one count of an integer register if left out. */
    resolutionWh: z.number().positive().optional(),
    /** Where the energy registers start again from zero; an integer register's whole range if left out. */
    wrapsAtWh: z.int().positive().optional(),
  })
  .superRefine((map, context) => {
    if (map.resolutionWh !== undefined || isInteger(map.import.type)) return;
    const message = "a float does not tell how finely the meter counts: give the step the datasheet promises, in Wh";
    context.addIssue({ code: "custom", path: ["resolutionWh"], message });
  });
export type CustomMapConfig = z.infer<typeof customMapSchema>;

/** The table that a configuration describes. Neighboring registers are read at once, others one by one: devices refuse gaps. */
export function customMap(config: CustomMapConfig): MeterMap {
  const { functionCode, resolutionWh, wrapsAtWh } = config;
  const imported = energyOf(config.import);
  const exported = config.export === "none" ? undefined : energyOf(config.export);
  const { unit, positive, scale, ...place } = config.power;
  const step = resolutionWh === undefined ? imported.wattHours : decimal(resolutionWh);
  const counts = modulusOf(imported.type);
  return {
    product: "described in the configuration",
    manual: "the configuration",
    functionCode,
    reads: together([imported, ...(exported ? [exported] : []), place].map(spanOf)),
    imported,
    exported,
    power: { ...place, watts: times(decimal(scale), decimal(WATTS[unit])), positive },
    resolutionMilliWh: (step.num * 1_000n + step.den - 1n) / step.den,
    wrapsAtWh: wrapsAtWh === undefined ? counts && whole(imported.wattHours, counts) : BigInt(wrapsAtWh),
  };
}

function energyOf({ unit, scale, ...place }: z.infer<typeof energy>): EnergyRegister {
  return { ...place, wattHours: times(decimal(scale), decimal(WATT_HOURS[unit])) };
}

/** Wh of so many counts; nothing when that is no whole number. */
function whole({ num, den }: Rational, counts: bigint): bigint | undefined {
  return (num * counts) % den === 0n ? (num * counts) / den : undefined;
}

interface Span {
  readonly address: number;
  readonly words: number;
}

function spanOf({ address, type }: Pick<EnergyRegister, "address" | "type">): Span {
  return { address, words: wordsOf(type) };
}

function together(spans: readonly Span[]): Span[] {
  const reads: Span[] = [];
  for (const span of [...spans].sort((a, b) => a.address - b.address)) {
    const last = reads.at(-1);
    if (last && last.address + last.words === span.address) {
      reads[reads.length - 1] = { address: last.address, words: last.words + span.words };
    } else {
      reads.push(span);
    }
  }
  return reads;
}
