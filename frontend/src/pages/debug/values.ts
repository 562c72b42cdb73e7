/** Typed text ⇄ values of the ABI's types. */
import type { AbiParameter } from "viem";

export class ValueError extends Error {
  override readonly name = "ValueError";
}

/**
 * The value of a parameter: integers in decimal or hex, `true`/`false`, texts as they are, lists and structs as JSON
 * (integers in quotes when they are large).
 * @throws ValueError
 */
export function parseValue(parameter: AbiParameter, typed: string): unknown {
  const { type } = parameter;
  const isNested = type.includes("[") || type.startsWith("tuple");
  return isNested ? convert(parameter, parseJson(typed)) : scalar(type, typed.trim());
}

function parseJson(typed: string): unknown {
  try {
    return JSON.parse(typed) as unknown;
  } catch {
    throw new ValueError(`${typed || "nothing"} is not JSON`);
  }
}

function convert(parameter: AbiParameter, value: unknown): unknown {
  const list = /^(.*)\[\d*\]$/.exec(parameter.type);
  if (list) {
    if (!Array.isArray(value)) throw new ValueError(`${parameter.type} needs a list`);
    return value.map((each) => convert({ ...parameter, type: list[1]! }, each));
  }
  if (parameter.type === "tuple") {
    const fields = (parameter as { components: readonly AbiParameter[] }).components;
    const record = value as Record<string, unknown>;
    return Object.fromEntries(fields.map((field) => [field.name ?? "", convert(field, record[field.name ?? ""])]));
  }
  if (typeof value === "string" || typeof value === "number" || typeof value === "boolean") {
    return scalar(parameter.type, String(value));
  }
  throw new ValueError(`${parameter.name} is missing`);
}

function scalar(type: string, typed: string): unknown {
  if (type.startsWith("uint") || type.startsWith("int")) {
    if (!/^-?(\d+|0x[0-9a-fA-F]+)$/.test(typed)) throw new ValueError(`"${typed}" is not an integer`);
    const integer = BigInt(typed);
    // viem takes small integer types as numbers.
    return Number(/\d+/.exec(type)?.[0] ?? 256) <= 48 ? Number(integer) : integer;
  }
  if (type === "bool") {
    if (typed !== "true" && typed !== "false") throw new ValueError(`"${typed}" is neither true nor false`);
    return typed === "true";
  }
  if ((type === "address" || type.startsWith("bytes")) && !/^0x([0-9a-fA-F]{2})*$/.test(typed)) {
    throw new ValueError(`"${typed}" is not hex that begins with 0x`);
  }
  return typed;
}

/** What a function answered, as text. */
export function showValue(value: unknown): string {
  return JSON.stringify(value, (_key, each: unknown) => (typeof each === "bigint" ? each.toString() : each), 2) ?? "–";
}
