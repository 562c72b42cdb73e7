import { type SignedReading, epochAt } from "../metering/index.ts";

/** A meter as the chain has it, and what is already queued behind that. */
export interface KnownMeter {
  /** Newest key, and the first slot it signs for; the slots before belong to the epoch before. */
  readonly epoch: number;
  readonly epochFromSlot: number;
  readonly maxPowerW: number;
  /** Smallest step of the registers, energy units. */
  readonly resolution: bigint;
  /** Newest reading, Unix seconds and energy units; 0 before the first. */
  readonly lastTakenAt: number;
  readonly imported: bigint;
  readonly exported: bigint;
}

/** A reading may be dated so far ahead of the chain's head, s: clocks differ, and the head is a block old. */
const MOST_AHEAD_S = 30;

/**
 * What speaks against relaying a reading, before its signature is looked at; nothing when it fits. The chain would refuse
 * it, or take it and book nothing: either way gas would be spent for nothing.
 * @param headTimestamp time of the chain's head, Unix seconds.
 */
export function objectionTo(
  reading: SignedReading,
  last: KnownMeter,
  zone: { slotDuration: number; unitsPerKWh: bigint; headTimestamp: number },
): string | undefined {
  const { since, takenAt, epoch } = reading;
  if (takenAt > zone.headTimestamp + MOST_AHEAD_S)
    return `taken at ${takenAt}, but the chain's time is ${zone.headTimestamp}: check the clock`;
  if (takenAt <= last.lastTakenAt) return `taken at ${takenAt}, but a reading of ${last.lastTakenAt} is known already`;
  if (since !== 0 && since !== last.lastTakenAt)
    return `continues the reading of ${since}, but the last one is of ${last.lastTakenAt}: send those in between first`;
  const signs = epochAt(takenAt, last, zone.slotDuration);
  if (epoch !== signs) return `signed in epoch ${epoch}, but epoch ${signs} signs at ${takenAt}`;
  if (since !== 0) return implausible(reading, last, zone.unitsPerKWh);
  return undefined;
}

/** The registry re-baselines such a reading and books nothing (`MeterRegistry.report`); the rule is the same. */
function implausible(reading: SignedReading, last: KnownMeter, unitsPerKWh: bigint): string | undefined {
  const seconds = BigInt(reading.takenAt - last.lastTakenAt);
  // W · s · units/kWh ÷ 3 600 000, with a tenth in reserve.
  const most = (BigInt(last.maxPowerW) * seconds * unitsPerKWh * 11n) / 36_000_000n + last.resolution;
  for (const register of ["imported", "exported"] as const) {
    const moved = reading[register] - last[register];
    if (moved < 0n)
      return `${register} goes back from ${last[register]} to ${reading[register]}: sign a restart (since 0)`;
    if (moved > most)
      return `${register} moves by ${moved}, but ${last.maxPowerW} W move ${most} at most in ${seconds} s: sign a restart (since 0)`;
  }
  return undefined;
}
