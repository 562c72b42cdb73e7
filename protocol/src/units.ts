/** Exact decimal text ⇄ integer. A float never touches money or energy. */

const DECIMAL = /^(\d+)(?:\.(\d*))?$|^\.(\d+)$/;

/** Why a text is not an amount; `message` says what to do about it. */
export class AmountError extends Error {
  override readonly name = "AmountError";
}

/**
 * Integer of `10^-decimals` units for a decimal text such as "0.1".
 * @throws AmountError when the text is not a number, is negative, or is finer than one unit.
 */
export function parseDecimal(text: string, decimals: number): bigint {
  const match = DECIMAL.exec(text.trim());
  if (!match) throw new AmountError(`"${text}" is not an amount; write digits with a dot, such as 0.1`);
  const whole = match[1] ?? "0";
  const fraction = (match[2] ?? match[3] ?? "").replace(/0+$/, "");
  if (fraction.length > decimals) {
    throw new AmountError(`"${text}" is finer than the smallest unit; use at most ${decimals} decimals`);
  }
  return BigInt(whole + fraction.padEnd(decimals, "0"));
}

/** Exact decimal text of an integer of `10^-decimals` units, without trailing zeros. */
export function formatDecimal(value: bigint, decimals: number): string {
  const digits = (value < 0n ? -value : value).toString().padStart(decimals + 1, "0");
  const whole = digits.slice(0, digits.length - decimals);
  const fraction = digits.slice(digits.length - decimals).replace(/0+$/, "");
  return `${value < 0n ? "-" : ""}${whole}${fraction ? `.${fraction}` : ""}`;
}

/** Decimals of a kWh: 3 when one unit is 1 Wh, 6 when it is 1 mWh. */
export function energyDecimals(unitsPerKWh: bigint): number {
  if (unitsPerKWh === 1_000n) return 3;
  if (unitsPerKWh === 1_000_000n) return 6;
  throw new AmountError(`unitsPerKWh is ${unitsPerKWh}; it must be 1000 (Wh) or 1000000 (mWh)`);
}

export function parseKWh(text: string, unitsPerKWh: bigint): bigint {
  return parseDecimal(text, energyDecimals(unitsPerKWh));
}

export function formatKWh(energy: bigint, unitsPerKWh: bigint): string {
  return formatDecimal(energy, energyDecimals(unitsPerKWh));
}
