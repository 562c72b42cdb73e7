import { createInterface } from "node:readline";

/**
 * Obeys commands on standard input, "ID COMMAND WORD…", and answers `<NAME:ID:JSON>` when the command is done. Commands run
 * side by side, as the calls of the service do.
 */
export function serve(name: string, commands: Record<string, (...words: string[]) => unknown>): void {
  createInterface({ input: process.stdin }).on("line", (line) => {
    const [id = "", command = "", ...words] = line.split(" ");
    void Promise.resolve()
      .then(() => commands[command]!(...words))
      .then(
        (value) => ({ value }),
        (error: Error) => ({ error: error.message }),
      )
      .then((result) => process.stdout.write(`<${name}:${id}:${JSON.stringify(result)}>\n`));
  });
  process.stdout.write(`<${name}:ready>\n`);
}

/** The event loop stands still. */
export function block(ms: string): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, Number(ms));
}
