import { type ChildProcess, spawn } from "node:child_process";
import { resolve } from "node:path";
import { createInterface } from "node:readline";
import { DeviceError } from "../types.ts";

const SCRIPT = resolve(import.meta.dirname, "guard-process.ts");
/** Compiled code that Node keeps between starts: the guard is there sooner, and smaller by the compiler. */
const CACHE = process.env.NODE_COMPILE_CACHE;
/** A small computer that is busy takes its time for it; nothing is closed before. */
const START_TIMEOUT_MS = 60_000;
const ANSWER_TIMEOUT_MS = 2_000;
/** A guard whose outputs are all given back ends by itself; one that does not is killed. */
const END_TIMEOUT_MS = 1_000;

/** How the guard gets at an output: an inherited line of the character device, or a file and what opens the contact. */
export type GuardedOutput = { readonly fd: number } | { readonly path: string; readonly openText: "0" | "1" };

export interface Guarded {
  readonly device: string;
  readonly output: GuardedOutput;
  /** The guard is gone: nobody watches the contact any more. */
  onLost(): void;
}

interface Seat {
  readonly guard: Guard;
  readonly number: number;
}

/**
 * One guard process for all outputs of this process that are taken at the same time. It opens a contact when its lease
 * is not renewed in time, and all of them when this process ends, however it does.
 */
const seats = new Map<Guarded, Seat>();
const waiting = new Set<Guarded>();
let soon: NodeJS.Immediate | undefined;

/** Puts an output under guard, shortly: outputs that are taken in one go share one process. */
export function watchOver(guarded: Guarded): void {
  if (seats.has(guarded)) return;
  waiting.add(guarded);
  soon ??= setImmediate(start);
}

function start(): void {
  clearImmediate(soon);
  soon = undefined;
  if (waiting.size === 0) return;
  const guard = new Guard([...waiting]);
  for (const [number, guarded] of [...waiting].entries()) seats.set(guarded, { guard, number });
  waiting.clear();
}

/**
 * Resolves when the guard has taken note that the contact must be open again in `leaseMs`.
 * @returns how much of the lease may have passed by now, ms
 * @throws DeviceError; the guard is then gone and its outputs have been told.
 */
export async function arm(guarded: Guarded, leaseMs: number): Promise<number> {
  watchOver(guarded);
  if (!seats.has(guarded)) start();
  const { guard, number } = seats.get(guarded)!;
  return guard.arm(guarded.device, number, leaseMs);
}

/** The contact is open: its lease is over. */
export function disarm(guarded: Guarded): void {
  const seat = seats.get(guarded);
  seat?.guard.disarm(seat.number);
}

/** Takes an output out of the guard's care; resolves when the guard does not hold it any more, unless others share it. */
export async function release(guarded: Guarded): Promise<void> {
  waiting.delete(guarded);
  const seat = seats.get(guarded);
  seats.delete(guarded);
  if (seat && ![...seats.values()].some(({ guard }) => guard === seat.guard)) await seat.guard.end();
}

class Guard {
  readonly #child: ChildProcess;
  readonly #exited: Promise<void>;
  readonly #ready: Promise<void>;
  readonly #answers = new Map<string, () => void>();
  #lost: string | undefined;
  #lastId = 0;

  constructor(outputs: readonly Guarded[]) {
    const fds: number[] = [];
    const specs = outputs.map(({ output }) => {
      if ("path" in output) return `file:${output.openText}:${output.path}`;
      fds.push(output.fd);
      return `fd:${fds.length + 2}`;
    });
    // A session of its own: Ctrl-C in a terminal is for the oracle, which opens in order.
    this.#child = spawn(process.execPath, ["--max-old-space-size=16", SCRIPT, ...specs], {
      stdio: ["pipe", "pipe", "inherit", ...fds],
      detached: true,
      env: CACHE === undefined ? {} : { NODE_COMPILE_CACHE: CACHE },
    });
    const { stdin, stdout } = this.#child;
    // The guard must not keep this process running; the end of this process is what it waits for.
    this.#child.unref();
    for (const stream of [stdin!, stdout!]) (stream as unknown as { unref(): void }).unref();
    stdin!.on("error", () => undefined); // it has ended; `exit` follows
    let ready: () => void;
    this.#ready = new Promise((done) => (ready = done));
    createInterface({ input: stdout! }).on("line", (line) => {
      const [word, id = ""] = line.split(" ");
      if (word === "ready") ready();
      this.#answers.get(id)?.();
      this.#answers.delete(id);
    });
    this.#exited = new Promise((done) => {
      const lost = (reason: string) => {
        this.#lost ??= reason;
        for (const [guarded, { guard }] of [...seats]) {
          if (guard !== this) continue;
          seats.delete(guarded);
          guarded.onLost();
        }
        // Whoever waits for an answer learns of it that way: `#exited` would keep everything that was ever raced with it.
        ready();
        for (const answer of this.#answers.values()) answer();
        this.#answers.clear();
        done();
      };
      this.#child.once("exit", (code, signal) => lost(`has ended (${signal ?? `code ${code}`})`));
      this.#child.once("error", (error) => lost(`cannot be started (${error.message})`));
    });
  }

  async arm(device: string, output: number, leaseMs: number): Promise<number> {
    await this.#inTime(device, this.#ready, START_TIMEOUT_MS);
    const id = String(++this.#lastId);
    const answered = new Promise<void>((done) => this.#answers.set(id, done));
    const sentAt = performance.now();
    this.#tell(`arm ${output} ${Math.floor(leaseMs)} ${id}`);
    await this.#inTime(device, answered, ANSWER_TIMEOUT_MS);
    return performance.now() - sentAt;
  }

  disarm(output: number): void {
    this.#tell(`disarm ${output}`);
  }

  async end(): Promise<void> {
    this.#child.ref();
    this.#child.stdin!.end();
    const timer = setTimeout(() => this.#child.kill("SIGKILL"), END_TIMEOUT_MS);
    await this.#exited;
    clearTimeout(timer);
  }

  #tell(command: string): void {
    if (this.#lost === undefined) this.#child.stdin!.write(`${command}\n`);
  }

  async #inTime(device: string, event: Promise<void>, timeoutMs: number): Promise<void> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<"late">((done) => (timer = setTimeout(() => done("late"), timeoutMs)));
    const late = await Promise.race([event, timeout]);
    clearTimeout(timer);
    if (late === "late") {
      this.#lost = `does not answer within ${timeoutMs} ms`;
      this.#child.kill("SIGKILL");
    }
    if (this.#lost !== undefined) throw new DeviceError(device, `stays open: its guard process ${this.#lost}`);
  }
}
