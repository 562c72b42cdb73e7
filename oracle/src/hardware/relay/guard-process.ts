/**
 * The process that opens contacts when the oracle cannot: a GPIO keeps its level when its program dies. It holds the same
 * outputs as the oracle and knows one rule: a contact without a lease is open.
 *
 *     node guard-process.ts OUTPUT…      fd:N (a line of the GPIO character device, inherited)
 *                                        file:LEVEL:PATH (a sysfs value; LEVEL is written to open)
 *
 * Standard input, one command a line: `arm OUTPUT MS ID` (answered with `armed ID`), `disarm OUTPUT`; its end means that
 * the oracle is gone, however it died.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { readActive, setActive } from "../transport/gpio.ts";

/** How long a contact without a lease can be closed, whoever closed it. */
const WATCH_MS = 100;

interface Output {
  readonly isClosed: () => boolean;
  readonly open: () => void;
  lease: NodeJS.Timeout | undefined;
}

const outputs = process.argv.slice(2).map(parseOutput);
let leaving = false;

function parseOutput(text: string): Output {
  const [kind, first = "", ...rest] = text.split(":");
  if (kind === "fd") {
    const fd = Number(first);
    return { isClosed: () => readActive(fd), open: () => setActive(fd, false), lease: undefined };
  }
  const path = rest.join(":");
  return {
    isClosed: () => readFileSync(path, "utf8").trim() !== first,
    open: () => writeFileSync(path, first),
    lease: undefined,
  };
}

function open(output: Output): void {
  clearTimeout(output.lease);
  output.lease = undefined;
  try {
    output.open();
  } catch (error) {
    complain(error);
  }
}

function openAll(): void {
  for (const output of outputs) open(output);
}

function watch(): void {
  for (const output of outputs) {
    if (output.lease) continue;
    try {
      if (output.isClosed()) output.open();
    } catch (error) {
      complain(error);
    }
  }
}

function obey(line: string): void {
  const [command, number, ms, id] = line.split(" ");
  const output = outputs[Number(number)];
  if (!output) return complain(`there is no output ${number}`);
  clearTimeout(output.lease);
  output.lease = undefined;
  if (command === "disarm") return;
  // A guard that was told to end (a service that stops ends all its processes) grants no leases any more.
  if (leaving) return open(output);
  output.lease = setTimeout(() => open(output), Number(ms));
  process.stdout.write(`armed ${id}\n`);
}

function complain(error: unknown): void {
  process.stderr.write(`relay guard: ${error instanceof Error ? error.message : String(error)}\n`);
}

function leave(code: number): void {
  openAll();
  process.exit(code);
}

for (const signal of ["SIGTERM", "SIGINT", "SIGHUP"] as const) {
  process.on(signal, () => {
    leaving = true;
    openAll();
  });
}
process.on("uncaughtException", (error) => {
  complain(error);
  leave(1);
});
// Nobody listens any more; the end of standard input says so, too.
for (const stream of [process.stdout, process.stderr]) stream.on("error", () => undefined);
createInterface({ input: process.stdin })
  .on("line", obey)
  .on("close", () => leave(0));
process.stdin.on("error", () => leave(0));
// Also loads what opening needs, before anybody relies on it.
openAll();
setInterval(watch, WATCH_MS);
process.stdout.write("ready\n");
