/**
 * Values in Modbus registers, read exactly: a float is a fraction with a power of two below the line, so an energy counter
 * becomes an integer by one division and one rounding. Words and bytes are in Modbus order, the most significant first; a
 * device that sends its words the other way round is set right by `inOrder`.
 */

export interface Rational {
  readonly num: bigint;
  readonly den: bigint;
}

export const registerTypes = ["uint16", "int16", "uint32", "int32", "uint64", "int64", "float32", "float64"] as const;
export type RegisterType = (typeof registerTypes)[number];

/** Which 16-bit word of a value comes first. */
export type WordOrder = "high-first" | "low-first";

interface Codec {
  readonly words: number;
  readonly isFloat: boolean;
  /** What devices that have no value here send instead: an unsigned type's largest value, a signed type's smallest. */
  readonly missing?: bigint;
  /** @returns a finite number or an integer; NaN and infinities as they are. */
  read(buffer: Buffer, offset: number): number | bigint;
  write(buffer: Buffer, value: Rational): void;
}

const codecs: Record<RegisterType, Codec> = {
  uint16: {
    words: 1,
    isFloat: false,
    missing: 0xffffn,
    read: (buffer, offset) => buffer.readUInt16BE(offset),
    write: (buffer, value) => buffer.writeUInt16BE(Number(floor(value))),
  },
  int16: {
    words: 1,
    isFloat: false,
    missing: -(1n << 15n),
    read: (buffer, offset) => buffer.readInt16BE(offset),
    write: (buffer, value) => buffer.writeInt16BE(Number(floor(value))),
  },
  uint32: {
    words: 2,
    isFloat: false,
    missing: 0xffff_ffffn,
    read: (buffer, offset) => buffer.readUInt32BE(offset),
    write: (buffer, value) => buffer.writeUInt32BE(Number(floor(value))),
  },
  int32: {
    words: 2,
    isFloat: false,
    missing: -(1n << 31n),
    read: (buffer, offset) => buffer.readInt32BE(offset),
    write: (buffer, value) => buffer.writeInt32BE(Number(floor(value))),
  },
  uint64: {
    words: 4,
    isFloat: false,
    missing: (1n << 64n) - 1n,
    read: (buffer, offset) => buffer.readBigUInt64BE(offset),
    write: (buffer, value) => buffer.writeBigUInt64BE(floor(value)),
  },
  int64: {
    words: 4,
    isFloat: false,
    missing: -(1n << 63n),
    read: (buffer, offset) => buffer.readBigInt64BE(offset),
    write: (buffer, value) => buffer.writeBigInt64BE(floor(value)),
  },
  float32: {
    words: 2,
    isFloat: true,
    read: (buffer, offset) => buffer.readFloatBE(offset),
    write: (buffer, value) => buffer.writeFloatBE(toNumber(value)),
  },
  float64: {
    words: 4,
    isFloat: true,
    read: (buffer, offset) => buffer.readDoubleBE(offset),
    write: (buffer, value) => buffer.writeDoubleBE(toNumber(value)),
  },
};

/** Number of 16-bit registers a value takes. */
export function wordsOf(type: RegisterType): number {
  return codecs[type].words;
}

/** Whether the type counts in whole steps. */
export function isInteger(type: RegisterType): boolean {
  return !codecs[type].isFloat;
}

/** Number of values an unsigned type has, or a signed one from 0 on: where a counter starts again. */
export function modulusOf(type: RegisterType): bigint | undefined {
  const { missing } = codecs[type];
  return missing === undefined ? undefined : missing < 0n ? -missing : missing + 1n;
}

/** Whether a value is the one that stands for none. */
export function isMissing(type: RegisterType, { num, den }: Rational): boolean {
  return den === 1n && num === codecs[type].missing;
}

/** The bytes of a value with the most significant word first, and back. */
export function inOrder(bytes: Buffer, order: WordOrder = "high-first"): Buffer {
  if (order === "high-first") return bytes;
  const words = Array.from({ length: bytes.length / 2 }, (_, i) => bytes.subarray(2 * i, 2 * i + 2));
  return Buffer.concat(words.reverse());
}

/** The fraction a decimal number is as it is written: 0.01 is 1/100. */
export function decimal(value: number): Rational {
  const [digits = "", exponent = "0"] = String(value).split("e");
  const [whole = "", fraction = ""] = digits.split(".");
  const power = Number(exponent) - fraction.length;
  const scale = 10n ** BigInt(Math.abs(power));
  const num = BigInt(whole + fraction);
  return power < 0 ? { num, den: scale } : { num: num * scale, den: 1n };
}

/**
 * Exact value at a byte offset.
 * @throws RangeError when a float register holds NaN or an infinity.
 */
export function decode(type: RegisterType, buffer: Buffer, offset = 0): Rational {
  const value = codecs[type].read(buffer, offset);
  return typeof value === "bigint" ? { num: value, den: 1n } : exact(value);
}

/** Registers that hold a value: rounded down by an integer type, to the nearest by a float. */
export function encode(type: RegisterType, value: Rational): Buffer {
  const buffer = Buffer.alloc(codecs[type].words * 2);
  codecs[type].write(buffer, value);
  return buffer;
}

/** Distance from a value (0 or more) to the next one the type can hold; an integer type's is 1. */
export function ulp(type: RegisterType, value: Rational): Rational {
  if (!codecs[type].isFloat) return { num: 1n, den: 1n };
  const here = encode(type, value);
  const next = Buffer.from(here);
  // The bit patterns of positive IEEE 754 floats are in the order of their values.
  if (type === "float32") next.writeUInt32BE(here.readUInt32BE() + 1);
  else next.writeBigUInt64BE(here.readBigUInt64BE() + 1n);
  const low = decode(type, here);
  const high = decode(type, next);
  return { num: high.num * low.den - low.num * high.den, den: high.den * low.den };
}

export function times(a: Rational, b: Rational): Rational {
  return { num: a.num * b.num, den: a.den * b.den };
}

/** Largest integer not above a value of 0 or more. */
export function floor({ num, den }: Rational): bigint {
  return num / den;
}

/** Smallest integer not below a value of 0 or more. */
export function ceil({ num, den }: Rational): bigint {
  return (num + den - 1n) / den;
}

export function toNumber({ num, den }: Rational): number {
  return Number(num) / Number(den);
}

/** The fraction a finite double is. */
function exact(value: number): Rational {
  if (!Number.isFinite(value)) throw new RangeError(`${value} is not a number of anything`);
  let den = 1n;
  for (; !Number.isInteger(value); value *= 2) den *= 2n;
  return { num: BigInt(value), den };
}
