import { reasonOf } from "../log.ts";
import { EXIT, UsageError, helpOf } from "./command.ts";
import { commands } from "./commands.ts";

/** Runs one command; ends the process with its exit code when it fails. */
export async function main(args: readonly string[]): Promise<void> {
  const name = nameIn(args);
  try {
    await dispatch(name, args);
  } catch (error) {
    const usage = error instanceof UsageError ? `\n\n${await help(name)}` : "\n";
    process.stderr.write(`ioe: ${describe(error)}${usage}`);
    // A socket that still closes must not keep the process.
    process.exit(exitCodeOf(error));
  }
}

async function dispatch(name: string | undefined, args: readonly string[]): Promise<void> {
  const [first, ...others] = args;
  if (first === undefined) throw new UsageError("say what to do");
  if (["help", "--help", "-h"].includes(first)) {
    process.stdout.write(await help(nameIn(others)));
    return;
  }
  if (name === undefined) {
    const said = first === "keys" ? args.slice(0, 2).join(" ") : first;
    throw new UsageError(`there is no command "${said}"`);
  }
  const rest = args.slice(name.split(" ").length);
  if (rest.some((arg) => arg === "--help" || arg === "-h")) {
    process.stdout.write(await help(name));
    return;
  }
  const { default: command } = await commands[name]!.load();
  await command.run(rest);
}

/** The command at the beginning of the arguments; names have one word or two. */
function nameIn([first, second]: readonly string[]): string | undefined {
  return [`${first} ${second}`, `${first}`].find((name) => Object.hasOwn(commands, name));
}

async function help(name: string | undefined): Promise<string> {
  if (name !== undefined) {
    const { summary, load } = commands[name]!;
    return helpOf(name, summary, (await load()).default);
  }
  const width = Math.max(...Object.keys(commands).map(({ length }) => length));
  const lines = Object.entries(commands).map(([key, { summary }]) => `  ${key.padEnd(width)}  ${summary}\n`);
  return `usage: ioe COMMAND [OPTIONS]

${lines.join("")}
ioe help COMMAND, or ioe COMMAND --help, shows its options.
exit codes: 0 done, 1 failed, 2 wrong usage or configuration, 3 the chain and the configuration do not fit together
`;
}

function exitCodeOf(error: unknown): number {
  if (!(error instanceof Error)) return EXIT.failed;
  if (["ChainError", "ChainUnreachable"].includes(error.name)) return EXIT.chain;
  return ["UsageError", "ConfigError", "ProfileError", "KeyError", "RegistrationError"].includes(error.name)
    ? EXIT.usage
    : EXIT.failed;
}

/** A sentence for errors that were made for people, the stack for those that should not have happened. */
function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return error.constructor === Error || error.name !== "Error" ? reasonOf(error) : (error.stack ?? error.message);
}
