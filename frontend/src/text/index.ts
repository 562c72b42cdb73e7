/** Every sentence of the dApp, in the language that is spoken now. */
import type { Format } from "../format/index.ts";
import type { Catalogue, ErrorArgs, Explanation, Reason, Text } from "./catalogue.ts";
import { en } from "./en/index.ts";

export type { ErrorArgs, Explanation, Reason, Text } from "./catalogue.ts";

let spoken: Catalogue = en;
/** Read it while rendering, not when a module loads: it changes with the language. */
export let text: Text = en.text;

export function speak(catalogue: Catalogue): void {
  spoken = catalogue;
  text = catalogue.text;
}

export function sayReason<C extends Reason["code"]>(reason: Extract<Reason, { code: C }>, format: Format): string {
  const words = spoken.reasons[reason.code] as (reason: Extract<Reason, { code: C }>, format: Format) => string;
  return words(reason, format);
}

/** @returns undefined when the error is none of the contracts'. */
export function sayError(name: string, args: ErrorArgs): Explanation | undefined {
  return spoken.errors[name]?.(args);
}
