import type { Rational } from "./register.ts";

const DECIMAL = /^([+-]?)(\d+)(?:\.(\d+))?(?:[eE]([+-]?\d{1,3}))?$/;

/**
 * A number as it was written, without a float's detour: 0.29 is 29/100. JSON numbers are taken with the shortest digits
 * that mean them, which are the ones the device has sent as long as it sends no more than 15.
 * @returns nothing for what is no finite number.
 */
export function readDecimal(value: unknown): Rational | undefined {
  if (typeof value !== "number" && typeof value !== "string") return undefined;
  const match = DECIMAL.exec(String(value).trim());
  if (!match) return undefined;
  const [, sign, whole = "", fraction = "", exponent = "0"] = match;
  const digits = BigInt(`${whole}${fraction}`) * (sign === "-" ? -1n : 1n);
  const power = Number(exponent) - fraction.length;
  return power >= 0 ? { num: digits * 10n ** BigInt(power), den: 1n } : { num: digits, den: 10n ** BigInt(-power) };
}
