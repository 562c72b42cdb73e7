/** Seconds that energy needs at a power, W. Energy in energy units. */
export function secondsFor(energy: bigint, powerW: number, unitsPerKWh: bigint): number {
  return powerW > 0 ? (Number(energy) * 3_600_000) / Number(unitsPerKWh) / powerW : Infinity;
}

/**
 * Default time from purchase to deadline, seconds: three times what the meters could do at best, and two slots for
 * relays and readings, in whole slots, within what the market allows. Meters are busy until then at most; money is not
 * spent by it.
 */
export function defaultDuration(estimate: number, slotDuration: number, maxDelivery: number): number {
  const slots = Math.ceil((3 * estimate) / slotDuration) + 2;
  return Math.min(maxDelivery, slots * slotDuration);
}

/** Shorter limits a person may choose, seconds. */
export function durations(slotDuration: number, maxDelivery: number): number[] {
  return [2 * slotDuration, 5 * slotDuration, 10 * slotDuration, maxDelivery].filter(
    (duration, i, all) => duration <= maxDelivery && all.indexOf(duration) === i,
  );
}
