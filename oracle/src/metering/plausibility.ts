import type { EnergyMeter, MeterSample } from "../hardware/types.ts";

/** A meter may exceed its rated power by this factor before a step is implausible, as in MeterRegistry. */
const RESERVE = 1.1;
/** Milliseconds by which the instant of a sample may be off (register latency of the device). */
const DATING_MS = 1_500;
/** A register that went back has wrapped only where less than this part of its range can have flowed meanwhile. */
const WRAP_SHARE = 10n;
/** The journal keeps registers as signed 64-bit integers, the contract as unsigned ones. */
const MOST = 1n << 63n;

/** Registers that were believed before, and when: monotonic ms, nothing when the clock cannot say. */
export interface Believed {
  readonly at: number | undefined;
  readonly imported: bigint;
  readonly exported: bigint;
}

/** What is added to the meter's own registers, so that ours go on when it wraps or is replaced. May be negative. */
export interface Offsets {
  readonly imported: bigint;
  readonly exported: bigint;
}

/** A sample in our registers and the offsets that made it, or why it cannot be true. */
export type Judgement =
  | { readonly sample: MeterSample; readonly offsets: Offsets }
  | { readonly reason: string; readonly jump?: MeterSample };

/**
 * Whether a sample can be true after what was believed before. Registers only grow, by no more than the meter's power
 * allows; a register that starts again where its product says it does goes on. Nothing else that goes back is believed.
 * @param raw as the meter shows it.
 */
export function judge(
  raw: MeterSample,
  previous: Believed | undefined,
  offsets: Offsets,
  meter: Pick<EnergyMeter, "maxPowerW" | "resolution" | "wrap" | "latencyMs">,
  unitsPerKWh: bigint,
): Judgement {
  if (!Number.isFinite(raw.powerW)) return { reason: `power is ${raw.powerW}` };
  if (!Number.isFinite(raw.at)) return { reason: `the sample's time is ${raw.at}` };
  if (raw.imported < 0n || raw.exported < 0n) return { reason: "a register is negative" };
  if (previous?.at !== undefined && raw.at <= previous.at) {
    return { reason: "the sample is not newer than the one before" };
  }
  const elapsed = previous?.at === undefined ? undefined : raw.at - previous.at;
  const most =
    elapsed === undefined
      ? undefined
      : energyIn(meter.maxPowerW * RESERVE, elapsed + (meter.latencyMs ?? DATING_MS), unitsPerKWh) +
        2n * meter.resolution;
  const sample = { ...raw };
  const next = { ...offsets };
  let jump: string | undefined;
  for (const register of ["imported", "exported"] as const) {
    sample[register] = raw[register] + offsets[register];
    if (previous) {
      const { wrap } = meter;
      if (sample[register] < previous[register] && wrap !== undefined && most !== undefined) {
        const wrapped = sample[register] + wrap;
        if (wrapped >= previous[register] && wrapped - previous[register] <= most && most * WRAP_SHARE <= wrap) {
          sample[register] = wrapped;
          next[register] += wrap;
        }
      }
      const step = sample[register] - previous[register];
      if (step < 0n) return { reason: wentBack(register, previous[register], sample[register]) };
      if (most !== undefined && step > most) {
        jump = `${register} rose by ${step} in ${Math.round(elapsed!)} ms, more than the ${most} that ${meter.maxPowerW} W allow`;
      }
    }
    if (sample[register] < 0n || sample[register] >= MOST) return { reason: `${register} is ${sample[register]}` };
  }
  return jump === undefined ? { sample, offsets: next } : { reason: jump, jump: sample };
}

function wentBack(register: string, from: bigint, to: bigint): string {
  return `${register} went back from ${from} to ${to}; if the meter was replaced or reset, stop the oracle and run: ioe meter replace`;
}

/** Energy units that a power moves in a time, rounded up. */
export function energyIn(powerW: number, ms: number, unitsPerKWh: bigint): bigint {
  return BigInt(Math.ceil((powerW * ms * Number(unitsPerKWh)) / 3.6e9));
}
