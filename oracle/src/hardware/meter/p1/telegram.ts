import { crc16 } from "../../transport/crc16.ts";
import type { Rational } from "../register.ts";

/** What a P1 telegram says about energy. Energy in Wh, power in W. */
export interface Telegram {
  /** First line: maker and type. */
  readonly meter: string;
  readonly imported: Rational;
  readonly exported: Rational;
  readonly powerW: number;
  /** Where each register starts again from zero by the digits it has, Wh. */
  readonly wrapsAtWh: bigint;
  /** Time of the meter's clock as it is written, local with S (summer) or W (winter); version 2.2 has none. */
  readonly time: string | undefined;
}

/** Energy and power of the electricity meter (1-n:…), and the clock (0-0:1.0.0); the first value behind the code. */
const WANTED = /^(?:1-\d+:([12]\.[78]\.\d)|0-0:(1\.0\.0))(?:\*255)?\(([^)]*)\)/;

/** A telegram that cannot be used; `message` says why. */
export class TelegramError extends Error {
  override readonly name = "TelegramError";
}

/**
 * Reads a telegram from its slash to its exclamation mark (and the checksum behind it).
 *
 * DSMR 2.2 to 5.0.2 (P1 Companion Standard, chapter 6), Fluvius e-MUCS P1 V1.7.1, Luxembourg's Smarty after decryption and
 * Sweden's branch recommendation on EN 62056-21 share the form and the OBIS codes: 1.8.x and 2.8.x energy in and out per
 * tariff x, or 1.8.0 and 2.8.0 in all; 1.7.0 and 2.7.0 power.
 *
 * @param checked whether the version has a checksum: CRC-16 over everything from "/" to "!".
 * @throws TelegramError
 */
export function parseTelegram(bytes: Buffer, checked: boolean): Telegram {
  const end = bytes.indexOf("!");
  if (bytes[0] !== 0x2f || end < 0) throw new TelegramError("half a telegram");
  if (checked) verify(bytes, end);
  const lines = bytes.toString("latin1", 0, end).split(/\r?\n/);
  const values = new Map<string, string>();
  for (const line of lines.slice(1)) {
    const [, register, time, value] = WANTED.exec(line) ?? [];
    const code = register ?? time;
    if (code === undefined || value === undefined) continue;
    if (values.has(code)) throw new TelegramError(`${code} appears twice: two telegrams ran into each other`);
    values.set(code, value);
  }
  const imported = energy(values, "1.8", "consumed");
  const exported = energy(values, "2.8", "delivered");
  return {
    meter: lines[0]!.slice(1),
    imported: imported.wattHours,
    exported: exported.wattHours,
    powerW: power(values, "2.7.0") - power(values, "1.7.0"),
    wrapsAtWh: imported.modulus < exported.modulus ? imported.modulus : exported.modulus,
    time: values.get("1.0.0"),
  };
}

function verify(bytes: Buffer, end: number): void {
  const written = bytes.toString("latin1", end + 1).trim();
  const right = crc16(bytes.subarray(0, end + 1), 0)
    .toString(16)
    .toUpperCase()
    .padStart(4, "0");
  if (written === "") throw new TelegramError('no checksum; a meter before DSMR 4 has none: set version: "2.2"');
  if (written.toUpperCase() !== right) throw new TelegramError(`checksum ${written}, but the telegram's is ${right}`);
}

/** The total where there is one, else the sum of the tariffs. */
function energy(values: Map<string, string>, group: string, what: string): { wattHours: Rational; modulus: bigint } {
  const total = values.get(`${group}.0`);
  const texts = total === undefined ? [1, 2, 3, 4].map((tariff) => values.get(`${group}.${tariff}`)) : [total];
  const parts = texts
    .filter((text) => text !== undefined)
    .map((text) => number(text, "kWh", `${group} (energy ${what})`));
  const first = parts[0];
  if (!first) throw new TelegramError(`no register of energy ${what} (${group}.x)`);
  const den = parts.reduce((most, { value }) => (value.den > most ? value.den : most), 1n);
  const num = parts.reduce((sum, { value }) => sum + (value.num * den) / value.den, 0n);
  return { wattHours: { num: num * 1_000n, den }, modulus: 10n ** BigInt(first.digits) * 1_000n };
}

function power(values: Map<string, string>, code: string): number {
  const text = values.get(code);
  if (text === undefined) throw new TelegramError(`no power (${code})`);
  const { value } = number(text, "kW", `${code} (power)`);
  return Number(value.num * 1_000n) / Number(value.den);
}

function number(text: string, unit: string, what: string): { value: Rational; digits: number } {
  const [, whole, fraction = "", found] = /^(\d+)(?:\.(\d+))?\*(\w+)$/.exec(text) ?? [];
  if (whole === undefined || found !== unit) {
    throw new TelegramError(`${what} is "${text}", not a number of ${unit}; is the telegram encrypted or garbled?`);
  }
  return { value: { num: BigInt(whole + fraction), den: 10n ** BigInt(fraction.length) }, digits: whole.length };
}
