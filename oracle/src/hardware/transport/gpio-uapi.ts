import { requestNumber } from "./libc.ts";

/**
 * Structures of the GPIO character device, version 2 (linux/gpio.h, kernel 5.10 and newer). All fields are in the
 * computer's byte order, which is little-endian on everything Node runs on with GPIO.
 */

const MAGIC = 0xb4;
const NAME_BYTES = 32;
const LINES_MAX = 64;

const CHIP_INFO_BYTES = 68;
const LINE_INFO_BYTES = 256;
const LINE_REQUEST_BYTES = 592;
const LINE_VALUES_BYTES = 16;
export const LINE_EVENT_BYTES = 48;

export const REQUEST = {
  chipInfo: requestNumber("read", MAGIC, 0x01, CHIP_INFO_BYTES),
  lineInfo: requestNumber("both", MAGIC, 0x05, LINE_INFO_BYTES),
  line: requestNumber("both", MAGIC, 0x07, LINE_REQUEST_BYTES),
  getValues: requestNumber("both", MAGIC, 0x0e, LINE_VALUES_BYTES),
  setValues: requestNumber("both", MAGIC, 0x0f, LINE_VALUES_BYTES),
} as const;

const FLAG = {
  used: 1n << 0n,
  activeLow: 1n << 1n,
  input: 1n << 2n,
  output: 1n << 3n,
  edgeRising: 1n << 4n,
  "pull-up": 1n << 8n,
  "pull-down": 1n << 9n,
  disabled: 1n << 10n,
} as const;

export const biases = ["as-is", "disabled", "pull-up", "pull-down"] as const;
export type Bias = (typeof biases)[number];

const ATTRIBUTE = { outputValues: 2, debounce: 3 } as const;

// Offsets in struct gpio_v2_line_request.
const CONSUMER = 4 * LINES_MAX;
const CONFIG_FLAGS = CONSUMER + NAME_BYTES;
const CONFIG_NUM_ATTRIBUTES = CONFIG_FLAGS + 8;
const CONFIG_ATTRIBUTES = CONFIG_FLAGS + 32;
const NUM_LINES = CONFIG_FLAGS + 272;
const EVENT_BUFFER_SIZE = NUM_LINES + 4;
const FD = LINE_REQUEST_BYTES - 4;

export interface ChipInfo {
  readonly name: string;
  readonly label: string;
  readonly lines: number;
}

export const emptyChipInfo = (): Buffer => Buffer.alloc(CHIP_INFO_BYTES);

export function parseChipInfo(buffer: Buffer): ChipInfo {
  return { name: text(buffer, 0), label: text(buffer, NAME_BYTES), lines: buffer.readUInt32LE(2 * NAME_BYTES) };
}

export interface LineInfo {
  readonly name: string;
  readonly consumer: string;
  readonly used: boolean;
}

export function lineInfoOf(offset: number): Buffer {
  const buffer = Buffer.alloc(LINE_INFO_BYTES);
  buffer.writeUInt32LE(offset, 2 * NAME_BYTES);
  return buffer;
}

export function parseLineInfo(buffer: Buffer): LineInfo {
  const flags = buffer.readBigUInt64LE(2 * NAME_BYTES + 8);
  return { name: text(buffer, 0), consumer: text(buffer, NAME_BYTES), used: (flags & FLAG.used) !== 0n };
}

interface LineSettings {
  readonly offset: number;
  readonly consumer: string;
  readonly activeLow: boolean;
  readonly bias: Bias;
}

/** Asks for an output that is inactive from its first instant: direction and level are set in one step. */
export function outputRequest(line: LineSettings): Buffer {
  const buffer = request(line, FLAG.output);
  attribute(buffer, ATTRIBUTE.outputValues, 0n);
  return buffer;
}

/** Asks for an input whose changes to active are queued with the time the kernel saw them (CLOCK_MONOTONIC). */
export function edgeRequest(line: LineSettings & { debounceUs: number; bufferedEvents: number }): Buffer {
  const buffer = request(line, FLAG.input | FLAG.edgeRising);
  buffer.writeUInt32LE(line.bufferedEvents, EVENT_BUFFER_SIZE);
  if (line.debounceUs > 0) attribute(buffer, ATTRIBUTE.debounce, BigInt(line.debounceUs));
  return buffer;
}

/** File descriptor the kernel wrote into an answered request. */
export function lineFdOf(buffer: Buffer): number {
  return buffer.readInt32LE(FD);
}

export function lineValues(active = false): Buffer {
  const buffer = Buffer.alloc(LINE_VALUES_BYTES);
  buffer.writeBigUInt64LE(active ? 1n : 0n, 0);
  buffer.writeBigUInt64LE(1n, 8);
  return buffer;
}

export function isActive(values: Buffer): boolean {
  return (values.readBigUInt64LE(0) & 1n) === 1n;
}

export interface LineEvent {
  readonly timestampNs: bigint;
  /** Counts the line's events from 1, those a full queue has dropped included; 32 bits. */
  readonly sequence: number;
}

export function parseLineEvents(buffer: Buffer): LineEvent[] {
  return Array.from({ length: Math.floor(buffer.length / LINE_EVENT_BYTES) }, (_, i) => ({
    timestampNs: buffer.readBigUInt64LE(i * LINE_EVENT_BYTES),
    sequence: buffer.readUInt32LE(i * LINE_EVENT_BYTES + 20),
  }));
}

function request({ offset, consumer, activeLow, bias }: LineSettings, direction: bigint): Buffer {
  const buffer = Buffer.alloc(LINE_REQUEST_BYTES);
  buffer.writeUInt32LE(offset, 0);
  buffer.write(consumer, CONSUMER, NAME_BYTES - 1);
  const flags = direction | (activeLow ? FLAG.activeLow : 0n) | (bias === "as-is" ? 0n : FLAG[bias]);
  buffer.writeBigUInt64LE(flags, CONFIG_FLAGS);
  buffer.writeUInt32LE(1, NUM_LINES);
  return buffer;
}

/** The request's only attribute; it applies to the request's only line. */
function attribute(buffer: Buffer, id: number, value: bigint): void {
  buffer.writeUInt32LE(1, CONFIG_NUM_ATTRIBUTES);
  buffer.writeUInt32LE(id, CONFIG_ATTRIBUTES);
  buffer.writeBigUInt64LE(value, CONFIG_ATTRIBUTES + 8);
  buffer.writeBigUInt64LE(1n, CONFIG_ATTRIBUTES + 16);
}

function text(buffer: Buffer, offset: number): string {
  const bytes = buffer.subarray(offset, offset + NAME_BYTES);
  const end = bytes.indexOf(0);
  return bytes.toString("utf8", 0, end < 0 ? NAME_BYTES : end);
}
