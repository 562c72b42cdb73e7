import { z } from "zod";
import { type Clock, systemClock } from "../../clock.ts";
import { type I2cDevice, openI2c } from "../transport/i2c.ts";
import type { DriverInfo, EnergyMeter } from "../types.ts";
import {
  type Accumulator,
  type ChipSample,
  type ChipSettings,
  chipNames,
  chips,
  largestVoltage,
} from "./ina2xx-chips.ts";
import { type Flow, NOTHING, PICOJOULES_PER_KWH, type PowerSample, between, divide } from "./integrate.ts";
import { StateFile, bigintText } from "./state-file.ts";

/** A current and voltage sensor with a shunt on the I²C bus: extra-low voltage DC. */
export const ina2xxSchema = z.strictObject({
  driver: z.literal("ina2xx"),
  chip: z.enum(chipNames),
  /** Path of the bus. */
  bus: z.string().startsWith("/dev/").default("/dev/i2c-1"),
  address: z.int().min(0x08).max(0x77).default(0x40),
  /** Resistance of the shunt, µΩ (0.1 Ω = 100000). */
  shuntMicroOhm: z.int().min(1).max(100_000_000),
  /** Largest current that is to be measured. */
  maxCurrentA: z.number().positive().max(10_000),
  /** What a current from the chip's IN+ to its IN- is. */
  positive: z.enum(["export", "import"]),
  /** Correction of the gain against a reference meter, parts per million. */
  correctionPpm: z.int().min(-100_000).max(100_000).default(0),
  /** Between samples further apart than this nothing is booked: nobody knows what flowed. */
  maxGapMs: z.int().min(100).max(60_000).default(5_000),
  scope: z.enum(["branch", "connection"]),
  maxPowerW: z.int().positive(),
});
export type Ina2xxConfig = z.infer<typeof ina2xxSchema>;
export const ina2xxInfo: DriverInfo = {
  kind: "meter",
  driver: "ina2xx",
  summary: "INA219, INA226 and INA228 with a shunt on the I²C bus, for DC branches up to 26, 36 and 85 V",
  needs: "I²C switched on (sudo raspi-config nonint do_i2c 0), membership of the group i2c",
  registers:
    "steps of one energy unit, kept in a file beside the journal, never wrapping; INA219 and INA226 have none of their own and power is integrated between samples, the INA228 counts by itself (40 bits, its wrap and reset are followed)",
  example: `driver: ina2xx
chip: ina226
bus: /dev/i2c-1
address: 0x40
shuntMicroOhm: 10000
maxCurrentA: 8
positive: export
scope: branch
maxPowerW: 200
`,
};

/** What the schema cannot say by itself: what the chip can measure with this shunt. */
export function checkIna2xx(config: Ina2xxConfig, context: z.RefinementCtx): void {
  const complain = (path: keyof Ina2xxConfig, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  const chip = chips[config.chip];
  const settings = settingsOf(config);
  if (largestVoltage(settings) > chip.fullScale) {
    const largest = Number(chip.fullScale / settings.shunt) / 1_000_000;
    const message = `with a shunt of ${config.shuntMicroOhm} µΩ an ${config.chip} measures up to ${largest.toFixed(3)} A`;
    complain("maxCurrentA", message);
  }
  const maxPowerW = Math.floor(chip.maxBusVolts * config.maxCurrentA);
  if (config.maxPowerW > maxPowerW) {
    const limit = `${config.maxCurrentA} A at the ${chip.maxBusVolts} V an ${config.chip} takes at most`;
    complain("maxPowerW", `${limit} are ${maxPowerW} W`);
  }
}

const PPM = 1_000_000n;
const PICO = 1_000_000_000_000n;

const stateSchema = z.strictObject({
  /** pJ */
  imported: bigintText,
  /** pJ */
  exported: bigintText,
  /** The chip's accumulator and the power (µW) at that time. */
  accumulator: z.strictObject({ raw: bigintText, power: z.string().regex(/^-?\d+$/) }).optional(),
});
type State = z.infer<typeof stateSchema>;

/**
 * Samples voltage and current; energy is added up here and on the disk before it is reported. It never runs back and has
 * nothing in it that was not measured.
 */
export function createIna2xx(
  config: Ina2xxConfig,
  { unitsPerKWh, stateDir, clock = systemClock, open = openI2c }: Ina2xxContext,
): EnergyMeter {
  const name = `meter ${config.chip} at 0x${config.address.toString(16)} on ${config.bus}`;
  const chip = chips[config.chip];
  const settings = settingsOf(config);
  const maxGap = BigInt(config.maxGapMs) * 1_000n;
  const file = new StateFile(
    name,
    stateDir,
    `${config.chip}-${config.bus.replace("/dev/", "")}-0x${config.address.toString(16)}`,
    stateSchema,
  );
  let bus: I2cDevice | undefined;
  let state: State | undefined;
  let written: State | undefined;
  let last: PowerSample | undefined;

  const units = (picojoules: string): bigint => (BigInt(picojoules) * unitsPerKWh) / PICOJOULES_PER_KWH;

  const powerOf = ({ shuntVoltage, busVoltage }: ChipSample): bigint => {
    if (shuntVoltage <= chip.offset && shuntVoltage >= -chip.offset) return 0n;
    const power = (shuntVoltage * busVoltage * (PPM + BigInt(config.correctionPpm))) / (settings.shunt * PICO * PPM);
    return config.positive === "export" ? power : -power;
  };

  /** Registers have changed, or the direction in which what the chip counts from now on will be booked after a crash. */
  const isNews = (before: State, after: State): boolean =>
    units(before.imported) !== units(after.imported) ||
    units(before.exported) !== units(after.exported) ||
    directionOf(before) !== directionOf(after);

  /** What the chip counted since the accumulator was last seen, divided by the direction of the flow before and now. */
  const counted = ({ raw, restarted }: Accumulator, now: PowerSample): Flow => {
    const seen = state?.accumulator;
    if (!seen || restarted) return NOTHING;
    const before = { at: last?.at ?? now.at - maxGap - 1n, power: BigInt(seen.power) };
    const time = now.at - before.at;
    let steps = raw - BigInt(seen.raw);
    if (steps < 0n) {
      // Wrapped, if that much can have flowed; otherwise the chip was without power meanwhile.
      steps += chip.wrap ?? 0n;
      const most = (BigInt(config.maxPowerW) * PPM * time * 11n) / 10n;
      if (!last || chip.energyOf(steps, settings) > most) return NOTHING;
    }
    // It counts without direction: after a change of direction nobody saw, nobody knows how much was which.
    if (time > maxGap && before.power * now.power < 0n) return NOTHING;
    const energy = (chip.energyOf(steps, settings) * (PPM + BigInt(config.correctionPpm))) / PPM;
    return divide(energy, between(before, now, time));
  };

  return {
    name,
    scope: config.scope,
    resolution: 1n,
    maxPowerW: config.maxPowerW,
    read: (signal) =>
      Promise.try(() => {
        signal.throwIfAborted();
        if (!state) {
          written = file.read();
          state = written ?? { imported: "0", exported: "0" };
        }
        bus ??= open(name, config.bus, config.address);
        const before = clock.monotonicMs();
        const sample = chip.sample(name, bus, settings);
        const at = (before + clock.monotonicMs()) / 2;
        const now = { at: BigInt(Math.round(at * 1_000)), power: powerOf(sample) };
        const { accumulated } = sample;
        const flow = accumulated ? counted(accumulated, now) : last ? between(last, now, maxGap) : NOTHING;
        state = {
          imported: String(BigInt(state.imported) + flow.imported),
          exported: String(BigInt(state.exported) + flow.exported),
          ...(accumulated && { accumulator: { raw: String(accumulated.raw), power: String(now.power) } }),
        };
        last = now;
        const [imported, exported] = [units(state.imported), units(state.exported)];
        if (!written || isNews(written, state)) {
          file.write(state);
          written = state;
        }
        return { at, imported, exported, powerW: Number(now.power) / 1e6 };
      }),
    dispose: () => {
      bus?.close();
      bus = undefined;
      if (state && state !== written) file.write(state);
      written = state;
      return Promise.resolve();
    },
  };
}

export interface Ina2xxContext {
  unitsPerKWh: bigint;
  /** Folder in which the registers are kept. */
  stateDir: string;
  clock?: Clock;
  open?: typeof openI2c;
}

function directionOf({ accumulator }: State): string | undefined {
  return accumulator && (accumulator.power.startsWith("-") ? "import" : accumulator.power === "0" ? "none" : "export");
}

function settingsOf({ shuntMicroOhm, maxCurrentA }: { shuntMicroOhm: number; maxCurrentA: number }): ChipSettings {
  return { shunt: BigInt(shuntMicroOhm), maxCurrent: maxCurrentA };
}
