/**
 * Money for energy. Prices are payment-token base units per kWh, energy is in energy units, money in base units; all
 * integers. The payer's side rounds up, the payee's side down (see DirectMarket).
 */

export function mulDivDown(a: bigint, b: bigint, denominator: bigint): bigint {
  return (a * b) / denominator;
}

export function mulDivUp(a: bigint, b: bigint, denominator: bigint): bigint {
  return (a * b + denominator - 1n) / denominator;
}

/** What a payer owes for the energy. */
export function costUp(energy: bigint, pricePerKWh: bigint, unitsPerKWh: bigint): bigint {
  return mulDivUp(energy, pricePerKWh, unitsPerKWh);
}

/** What a payee gets for the energy. */
export function paymentDown(energy: bigint, pricePerKWh: bigint, unitsPerKWh: bigint): bigint {
  return mulDivDown(energy, pricePerKWh, unitsPerKWh);
}

/** Most energy that `money` pays for. */
export function affordableDown(money: bigint, pricePerKWh: bigint, unitsPerKWh: bigint): bigint {
  return pricePerKWh === 0n ? 0n : mulDivDown(money, unitsPerKWh, pricePerKWh);
}
