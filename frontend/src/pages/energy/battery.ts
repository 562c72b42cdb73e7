/** What a battery holds and what of it is spoken for. Pure; energy units. */
export interface BatteryShares {
  capacity: bigint;
  stored: bigint;
  /** Promised in offers, orders and deliveries, as far as it is stored. */
  locked: bigint;
  free: bigint;
  /** Promised beyond what is stored: it has to come in first. */
  missing: bigint;
}

/** @param stateOfCharge thousandths @param promised energy units */
export function batteryShares(
  { stateOfCharge, capacityWh }: { stateOfCharge: number; capacityWh: number },
  promised: bigint,
  unitsPerKWh: bigint,
): BatteryShares {
  const capacity = (BigInt(capacityWh) * unitsPerKWh) / 1_000n;
  const stored = (capacity * BigInt(stateOfCharge)) / 1_000n;
  const locked = promised < stored ? promised : stored;
  return { capacity, stored, locked, free: stored - locked, missing: promised - locked };
}
