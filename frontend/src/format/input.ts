import { AmountError, parseDecimal } from "@ioe/protocol";
import { text } from "../text/index.ts";

/** What a person has typed: nothing yet, an exact amount, or something that is not one (and why). */
export type Parsed =
  | { kind: "empty"; value?: undefined }
  | { kind: "amount"; value: bigint }
  | { kind: "invalid"; value?: undefined; message: string };

/** Written in groups of three with the other language's decimal mark: a thousand to some, one to others. */
const GROUPED = { ".": /^[1-9]\d{0,2}(,\d{3})+$/, ",": /^[1-9]\d{0,2}(\.\d{3})+$/ };
const NUMBER = /^(\d+[.,]?\d*|[.,]\d+)$/;

/**
 * Exact integer of `10^-decimals` units for typed text. Many phone keyboards offer only one of point and comma, so either
 * is a decimal mark; what could be meant in two ways is refused.
 */
export function parseInput(typed: string, decimals: number): Parsed {
  const trimmed = typed.trim();
  const words = text.input;
  if (trimmed === "") return { kind: "empty" };
  if (GROUPED[words.decimalMark as keyof typeof GROUPED].test(trimmed)) {
    return { kind: "invalid", message: words.grouped(trimmed) };
  }
  if (!NUMBER.test(trimmed)) return { kind: "invalid", message: words.notAmount(trimmed) };
  try {
    return { kind: "amount", value: parseDecimal(trimmed.replace(",", "."), decimals) };
  } catch (error) {
    if (!(error instanceof AmountError)) throw error;
    return { kind: "invalid", message: words.tooFine(trimmed, decimals) };
  }
}
