import { parseArgs } from "node:util";

export const EXIT = { done: 0, failed: 1, usage: 2, chain: 3 } as const;

/** A command line that cannot be understood. */
export class UsageError extends Error {
  override readonly name = "UsageError";
}

/** An option of a command: a flag, or with `value` (its placeholder in the help) one that takes a text. */
export interface Option {
  help: string;
  value?: string;
  required?: boolean;
  /** Environment variable that gives the value when the option is left out. */
  env?: string;
}
type Options = Record<string, Option>;

type ValueOf<O extends Option> = O extends { value: string }
  ? O extends { required: true }
    ? string
    : string | undefined
  : boolean;

/** What was given on the command line, by the option's name. */
export type Values<Os extends Options> = { [Name in keyof Os]: ValueOf<Os[Name]> };

export interface Command {
  /** Option lines are generated; this is what else there is to know. */
  readonly details?: string;
  readonly options: Options;
  readonly run: (args: readonly string[]) => Promise<void>;
}

/** A command with the types of its options' values. */
export function command<const Os extends Options>(definition: {
  details?: string;
  options: Os;
  run: (values: Values<Os>) => Promise<void> | void;
}): Command {
  return {
    ...definition,
    run: async (args) => definition.run(parse(definition.options, args) as Values<Os>),
  };
}

/** Option of every command that works on an oracle's configuration. */
export const CONFIG = {
  value: "FILE",
  required: true,
  env: "IOE_CONFIG",
  help: "configuration of the oracle",
} as const;

/** Help of one command. */
export function helpOf(name: string, summary: string, { options, details }: Command): string {
  const rows = Object.entries(options).map(([option, { help, value, required, env }]) => ({
    call: `--${option}${value ? ` ${value}` : ""}`,
    help: env ? `${help} (or ${env} in the environment)` : help,
    required,
  }));
  const width = Math.max(0, ...rows.map(({ call }) => call.length));
  const usage = rows.map(({ call, required }) => (required ? call : `[${call}]`));
  const lines = rows.map(({ call, help }) => `  ${call.padEnd(width)}  ${help}\n`);
  return [
    `usage: ${["ioe", name, ...usage].join(" ")}\n\n${summary}\n`,
    ...(lines.length > 0 ? [`\n${lines.join("")}`] : []),
    ...(details ? [`\n${details.trim()}\n`] : []),
  ].join("");
}

function parse(options: Options, args: readonly string[]): Record<string, string | boolean | undefined> {
  const known = Object.entries(options).map(([name, { value }]) => [name, { type: value ? "string" : "boolean" }]);
  let values: Record<string, string | boolean | undefined>;
  try {
    const result = parseArgs({
      args: [...args],
      options: Object.fromEntries(known) as Record<string, { type: "string" | "boolean" }>,
      strict: true,
      allowPositionals: false,
    });
    values = { ...result.values };
  } catch (error) {
    throw new UsageError((error as Error).message);
  }
  for (const [name, { value, required, env }] of Object.entries(options)) {
    if (!value) values[name] ??= false;
    else if (env) values[name] ??= process.env[env];
    if (required && !values[name]) throw new UsageError(`--${name} is missing`);
  }
  return values;
}
