import { existsSync, readFileSync, writeFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { parse } from "yaml";
import { ConfigError, parseConfig } from "../../config/index.ts";
import { type Answers, type Ask, askAll, detect, render } from "../../init/index.ts";
import { UsageError, command } from "../command.ts";

export default command({
  details: `
Asks on the terminal, proposing what it finds connected; Enter takes the proposal. With --answers nothing is asked: the
file holds the sections chain, meter, relays, routes and whatever else shall differ from the defaults, in YAML as in the
configuration itself. What is written has passed the same check as at the oracle's start.`,
  options: {
    out: { value: "FILE", help: "the new configuration; ./ioe.yaml when left out (or IOE_CONFIG)", env: "IOE_CONFIG" },
    answers: { value: "FILE", help: "take the answers from this file" },
    force: { help: "overwrite an existing configuration" },
  },
  run: async ({ out = "ioe.yaml", answers: file, force }) => {
    const taken = () => new UsageError(`${out} exists already; say --force to overwrite it`);
    if (!force && existsSync(out)) throw taken();
    const answers = file === undefined ? await ask() : read(file);
    const text = render({ ...placesFor(out), ...answers });
    parseConfig(text, out);
    try {
      // 0640: it may hold passwords of brokers and devices.
      writeFileSync(out, text, { mode: 0o640, flag: force ? "w" : "wx" });
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
      throw taken();
    }
    process.stdout.write(`${out} is written. Next: ioe keys new for each of its keys, then ioe doctor.\n`);
  },
});

/** Where the installer's service may write. */
function placesFor(out: string): Pick<Answers, "journal"> {
  return dirname(resolve(out)) === "/etc/ioe" ? { journal: "/var/lib/ioe/journal.sqlite" } : {};
}

function read(file: string): Answers {
  let answers: unknown;
  try {
    answers = parse(readFileSync(file, "utf8"));
  } catch (error) {
    throw new ConfigError(`--answers ${file}: ${(error as Error).message}`);
  }
  const sections = answers as Partial<Answers> | null;
  if (!sections?.chain || !sections.meter)
    throw new ConfigError(`--answers ${file}: the sections chain and meter are missing`);
  return sections as Answers;
}

async function ask(): Promise<Answers> {
  if (!process.stdin.isTTY) throw new UsageError("nobody can be asked here; say --answers FILE");
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const question: Ask = async (text, proposal) =>
    (await terminal.question(`${text} [${proposal}]: `)).trim() || proposal;
  try {
    return await askAll(question, (text) => process.stdout.write(`${text}\n`), await detect());
  } finally {
    terminal.close();
  }
}
