/**
 * Energy from samples of power, in integers: power in µW, time in µs, energy in pJ. Nothing is rounded up, so a register
 * made of it never shows more than was sampled.
 */

/** pJ in a kWh. */
export const PICOJOULES_PER_KWH = 3_600_000_000_000_000_000n;

export interface PowerSample {
  /** Monotonic, µs. */
  readonly at: bigint;
  /** µW, positive when exporting. */
  readonly power: bigint;
}

export interface Flow {
  /** pJ */
  readonly imported: bigint;
  /** pJ */
  readonly exported: bigint;
}

export const NOTHING: Flow = { imported: 0n, exported: 0n };

/**
 * Energy between two samples by the trapezoidal rule; where power changes its sign in between, the straight line between
 * the two divides it. Unsampled time books nothing: samples further apart than `maxGap` (µs) have no energy between them.
 */
export function between(before: PowerSample, after: PowerSample, maxGap: bigint): Flow {
  const time = after.at - before.at;
  if (time <= 0n || time > maxGap) return NOTHING;
  const [p, q] = [before.power, after.power];
  if (p * q >= 0n) return directed(p + q, (abs(p + q) * time) / 2n);
  // The line crosses zero after time · p / (p − q); what is on either side is a triangle.
  const triangle = (power: bigint) => (power * power * time) / (2n * abs(p - q));
  return p > 0n ? { exported: triangle(p), imported: triangle(q) } : { exported: triangle(q), imported: triangle(p) };
}

/** Divides a measured amount (pJ) in the proportion of an estimated flow; without any flow there is nothing to divide. */
export function divide(amount: bigint, proportion: Flow): Flow {
  const whole = proportion.imported + proportion.exported;
  if (whole === 0n) return NOTHING;
  return {
    imported: (amount * proportion.imported) / whole,
    exported: (amount * proportion.exported) / whole,
  };
}

function directed(power: bigint, energy: bigint): Flow {
  return power >= 0n ? { imported: 0n, exported: energy } : { imported: energy, exported: 0n };
}

function abs(value: bigint): bigint {
  return value < 0n ? -value : value;
}
