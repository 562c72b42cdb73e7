/** Registers at an instant, monotonic or Unix ms as the caller likes, energy units. */
export interface Registers {
  readonly at: number;
  readonly imported: bigint;
  readonly exported: bigint;
}

/** Integer steps into which the way between two samples is divided: finer than any poll, and exact in bigint. */
const STEPS = 1_000_000;

/**
 * Registers at `at`, linear between the two samples around it, rounded down, so that the result never goes back when
 * `at` moves on.
 * @param samples in the order of time.
 * @param maxGapMs largest distance of the two samples.
 * @returns nothing when `at` lies outside of the samples or in a gap.
 */
export function registersAt(samples: readonly Registers[], at: number, maxGapMs: number): Registers | undefined {
  const right = samples.findIndex((sample) => sample.at >= at);
  const after = samples[right];
  if (!after) return undefined;
  if (after.at === at) return after;
  const before = samples[right - 1];
  if (!before || after.at - before.at > maxGapMs) return undefined;
  const share = BigInt(Math.floor((STEPS * (at - before.at)) / (after.at - before.at)));
  const between = (from: bigint, to: bigint) => from + ((to - from) * share) / BigInt(STEPS);
  return {
    at,
    imported: between(before.imported, after.imported),
    exported: between(before.exported, after.exported),
  };
}
