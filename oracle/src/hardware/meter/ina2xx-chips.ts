import type { I2cDevice } from "../transport/i2c.ts";
import { DeviceError } from "../types.ts";

/**
 * Registers of the INA219 (TI SBOS448G), INA226 (SBOS547A) and INA228 (SLYS021). All three give the voltages across the
 * shunt and of the bus; power is computed from the two here, so no calibration register rounds it.
 */

/** pV, exact for every chip's step. */
const MICROVOLT = 1_000_000n;
const MILLIVOLT = 1_000n * MICROVOLT;

export interface ChipSettings {
  /** µΩ */
  readonly shunt: bigint;
  /** A */
  readonly maxCurrent: number;
}

export interface ChipSample {
  /** pV across the shunt, with its sign. */
  readonly shuntVoltage: bigint;
  /** pV */
  readonly busVoltage: bigint;
  /** The accumulator of a chip that has one. */
  readonly accumulated: Accumulator | undefined;
}

export interface Accumulator {
  /** Steps since its reset; without direction. */
  readonly raw: bigint;
  /** It has been reset since the last sample. */
  readonly restarted: boolean;
}

export interface Chip {
  /** Largest voltage across the shunt, pV. */
  readonly fullScale: bigint;
  /** Largest error of the zero, pV: less says nothing about the current. */
  readonly offset: bigint;
  /** The supply the chip can measure, V. */
  readonly maxBusVolts: number;
  /** Where an accumulator wraps, steps. */
  readonly wrap: bigint | undefined;
  /** pJ that so many steps of the accumulator stand for, rounded down. */
  energyOf(steps: bigint, settings: ChipSettings): bigint;
  /** Writes what differs from the settings. @throws DeviceError when another chip answers */
  sample(name: string, bus: I2cDevice, settings: ChipSettings): ChipSample;
}

const CONFIG = 0x00;

const ina219: Chip = (() => {
  const [SHUNT, BUS] = [0x01, 0x02];
  const STEP = 10n * MICROVOLT;
  /** PGA setting by its full scale, mV. */
  const gains = [40n, 80n, 160n, 320n].map((mV, setting) => ({ fullScale: mV * MILLIVOLT, setting }));
  return {
    fullScale: 320n * MILLIVOLT,
    offset: 100n * MICROVOLT,
    maxBusVolts: 26,
    wrap: undefined,
    energyOf: () => 0n,
    sample: (name, bus, settings) => {
      const gain = gains.find(({ fullScale }) => fullScale >= largestVoltage(settings))!;
      // 32 V range, 128 samples of each voltage averaged (68 ms), both continuously.
      const config = (1 << 13) | (gain.setting << 11) | (0xf << 7) | (0xf << 3) | 7;
      configure(bus, CONFIG, config);
      const shuntVoltage = BigInt(signed(bus.readWord(SHUNT), 16)) * STEP;
      refuseOverload(name, shuntVoltage, gain.fullScale - STEP);
      return { shuntVoltage, busVoltage: BigInt(bus.readWord(BUS) >> 3) * 4n * MILLIVOLT, accumulated: undefined };
    },
  };
})();

const ina226: Chip = (() => {
  const [SHUNT, BUS, DIE_ID] = [0x01, 0x02, 0xff];
  const STEP = (5n * MICROVOLT) / 2n;
  const fullScale = 32_767n * STEP;
  // 128 averages of 1.1 ms for each voltage (282 ms), both continuously.
  const config = (4 << 12) | (4 << 9) | (4 << 6) | (4 << 3) | 7;
  return {
    fullScale,
    offset: 10n * MICROVOLT,
    maxBusVolts: 36,
    wrap: undefined,
    energyOf: () => 0n,
    sample: (name, bus) => {
      if (configure(bus, CONFIG, config)) expectId(name, "ina226", bus.readWord(DIE_ID) >> 4, 0x226);
      const shuntVoltage = BigInt(signed(bus.readWord(SHUNT), 16)) * STEP;
      refuseOverload(name, shuntVoltage, fullScale);
      return { shuntVoltage, busVoltage: (BigInt(bus.readWord(BUS)) * 5n * MILLIVOLT) / 4n, accumulated: undefined };
    },
  };
})();

const ina228: Chip = (() => {
  const [ADC_CONFIG, SHUNT_CAL, SHUNT, BUS, ENERGY, DEVICE_ID] = [0x01, 0x02, 0x04, 0x05, 0x09, 0x3f];
  const FINE_RANGE = 1 << 4;
  const RESET_ACCUMULATORS = 1 << 14;
  const ranges = [
    { fine: FINE_RANGE, factor: 4n, step: 78_125n },
    { fine: 0, factor: 1n, step: 312_500n },
  ].map((range) => ({ ...range, fullScale: 524_287n * range.step }));
  // Shunt and bus continuously, 1 052 µs each, 64 averages (135 ms). The chip wakes up with another value.
  const adcConfig = (0xb << 12) | (5 << 9) | (5 << 6) | (5 << 3) | 3;
  const rangeFor = (settings: ChipSettings) =>
    ranges.find(({ fullScale }) => fullScale >= largestVoltage(settings)) ?? ranges[1]!;
  // SHUNT_CAL = 13107.2e6 × CURRENT_LSB × R (× 4 in the fine range) with CURRENT_LSB = maxCurrent / 2¹⁹.
  const calibration = (settings: ChipSettings) =>
    Math.max(
      1,
      Math.min(0x7fff, Math.round((Number(settings.shunt * rangeFor(settings).factor) * settings.maxCurrent) / 40)),
    );
  return {
    fullScale: ranges[1]!.fullScale,
    offset: 1n * MICROVOLT,
    maxBusVolts: 85,
    wrap: 1n << 40n,
    // ENERGY counts 16 × 3.2 × CURRENT_LSB joules, with the CURRENT_LSB that the rounded SHUNT_CAL stands for.
    energyOf: (steps, settings) =>
      (steps * BigInt(calibration(settings)) * 3_906_250_000n) / (settings.shunt * rangeFor(settings).factor),
    sample: (name, bus, settings) => {
      const range = rangeFor(settings);
      const isSet =
        bus.readWord(ADC_CONFIG) === adcConfig &&
        bus.readWord(SHUNT_CAL) === calibration(settings) &&
        (bus.readWord(CONFIG) & FINE_RANGE) === range.fine;
      if (!isSet) {
        expectId(name, "ina228", bus.readWord(DEVICE_ID) >> 4, 0x228);
        bus.writeWord(CONFIG, range.fine | RESET_ACCUMULATORS);
        bus.writeWord(SHUNT_CAL, calibration(settings));
        bus.writeWord(ADC_CONFIG, adcConfig);
      }
      const shuntVoltage = BigInt(signed(bus.readBytes(SHUNT, 3) >> 4, 20)) * range.step;
      refuseOverload(name, shuntVoltage, range.fullScale);
      return {
        shuntVoltage,
        busVoltage: (BigInt(bus.readBytes(BUS, 3) >> 4) * 3_125n * MICROVOLT) / 16n,
        accumulated: { raw: BigInt(bus.readBytes(ENERGY, 5)), restarted: !isSet },
      };
    },
  };
})();

export const chipNames = ["ina219", "ina226", "ina228"] as const;
export type ChipName = (typeof chipNames)[number];
export const chips: Record<ChipName, Chip> = { ina219, ina226, ina228 };

/** pV across the shunt at the largest current, rounded up. */
export function largestVoltage({ shunt, maxCurrent }: ChipSettings): bigint {
  // µΩ × µA = pV
  return shunt * BigInt(Math.ceil(maxCurrent * 1_000_000));
}

/** Writes a register unless it has the value already; says whether it had to. */
function configure(bus: I2cDevice, register: number, value: number): boolean {
  if (bus.readWord(register) === value) return false;
  bus.writeWord(register, value);
  return true;
}

function expectId(name: string, wanted: ChipName, id: number, expected: number): void {
  if (id === expected) return;
  const hint = 'check "chip" and the address';
  throw new DeviceError(name, `another chip than ${wanted} answers (it calls itself 0x${id.toString(16)}); ${hint}`);
}

function refuseOverload(name: string, voltage: bigint, limit: bigint): void {
  if (voltage < limit && voltage > -limit) return;
  const mV = Number(limit / MICROVOLT) / 1_000;
  const hint = "the current is beyond what shunt and maxCurrentA allow";
  throw new DeviceError(name, `the voltage across the shunt is at the end of its range (${mV.toFixed(2)} mV): ${hint}`);
}

/** Two's complement of so many bits. */
export function signed(value: number, bits: number): number {
  return value >= 2 ** (bits - 1) ? value - 2 ** bits : value;
}
