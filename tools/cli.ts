/** What the command-line tools of this folder share. */
import { spawn, type ChildProcess } from "node:child_process";
import { createServer } from "node:net";
import { resolve } from "node:path";

export const ROOT = resolve(import.meta.dirname, "..");

/** Tells a person what is wrong and ends the process. */
export function die(message: string): never {
  console.error(`\n${message}\n`);
  process.exit(1);
}

/** Integer option within bounds, or the end of the process with a sentence that says so. */
export function integerOption(
  name: string,
  text: string | undefined,
  fallback: number,
  low: number,
  high: number,
): number {
  if (text === undefined) return fallback;
  const value = Number(text);
  if (!Number.isInteger(value) || value < low || value > high) {
    die(`--${name} is ${text}; it must be a whole number from ${low} to ${high}.`);
  }
  return value;
}

/** Resolves when nobody listens on the port; ends the process with advice otherwise. */
export async function requireFreePort(port: number, purpose: string, option: string): Promise<void> {
  await new Promise<void>((done) => {
    const probe = createServer();
    probe.once("error", (error: NodeJS.ErrnoException) => {
      die(
        error.code === "EADDRINUSE"
          ? `Port ${port} (${purpose}) is in use: is another copy running? Stop it, or choose another port with --${option}.`
          : `Port ${port} (${purpose}) cannot be used: ${error.message}.`,
      );
    });
    probe.listen(port, "127.0.0.1", () => probe.close(() => done()));
  });
}

/** Ends this process when its parent goes: the parent holds the other end of standard input. */
export function endWithParent(stop: () => Promise<void> | void): void {
  const end = () => void Promise.resolve(stop()).finally(() => process.exit(0));
  process.once("SIGINT", end);
  process.once("SIGTERM", end);
  if (process.argv.includes("--with-parent")) {
    process.stdin.once("end", end);
    process.stdin.once("error", end);
    process.stdin.resume();
  }
}

/** A Node script of this repository as a child that ends when this process does. */
export function spawnNode(script: string, args: string[], env: Record<string, string> = {}): ChildProcess {
  return spawn(process.execPath, [resolve(ROOT, script), ...args], {
    cwd: ROOT,
    env: { ...process.env, ...env },
    stdio: ["pipe", "pipe", "pipe"],
    // A Ctrl-C goes to the supervisor alone, which stops the others in order.
    detached: true,
  });
}

/** Text a child printed, and its exit code. */
export async function runNode(
  script: string,
  args: string[],
  env: Record<string, string> = {},
): Promise<{ code: number; output: string }> {
  const child = spawnNode(script, args, env);
  child.stdin!.end();
  let output = "";
  for (const stream of [child.stdout!, child.stderr!])
    stream.on("data", (chunk: Buffer) => (output += chunk.toString()));
  const code = await new Promise<number>((done) => child.once("close", (status) => done(status ?? 1)));
  return { code, output };
}
