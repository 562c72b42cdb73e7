import type { ChildProcess } from "node:child_process";
import { createInterface } from "node:readline";
import { spawnNode } from "./cli.ts";

/** A child that has to be asked twice is killed after so long, ms. */
const PATIENCE_MS = 5_000;
const LAST_WORDS = 20;

export interface ProcessWatch {
  /** Every line a child prints. */
  onLine?(name: string, line: string): void;
  /** A child that was ready has ended without being asked to. */
  onDeath?(name: string, lastWords: string): void;
}

/** Child processes by name, each ready before the next step, each ending when this process does. */
export class Processes {
  readonly #watch: ProcessWatch;
  readonly #children = new Map<string, ChildProcess>();
  /** Those that were asked to end and have not yet. */
  readonly #ending = new Map<string, Promise<void>>();

  constructor(watch: ProcessWatch = {}) {
    this.#watch = watch;
  }

  /** Names in the order of their start. */
  get names(): string[] {
    return [...this.#children.keys()];
  }

  /**
   * Starts a script and waits until it prints a line that says it is ready.
   * @throws with the child's last words when it ends before that.
   */
  async start(
    name: string,
    script: string,
    args: string[],
    ready: RegExp,
    env: Record<string, string> = {},
  ): Promise<void> {
    const child = spawnNode(script, [...args, "--with-parent"], env);
    this.#children.set(name, child);
    const words: string[] = [];
    await new Promise<void>((done, failed) => {
      let isReady = false;
      for (const stream of [child.stdout!, child.stderr!]) {
        createInterface({ input: stream }).on("line", (line) => {
          words.push(line);
          if (words.length > LAST_WORDS) words.shift();
          this.#watch.onLine?.(name, line);
          if (!ready.test(line)) return;
          isReady = true;
          done();
        });
      }
      child.once("close", (code, signal) => {
        const asked = this.#children.get(name) !== child;
        if (!asked) this.#children.delete(name);
        const lastWords = `${name} ended (${signal ?? `code ${code}`}):\n${words.join("\n")}`;
        if (!isReady) failed(new Error(lastWords));
        else if (!asked) this.#watch.onDeath?.(name, lastWords);
      });
    });
  }

  /** Nothing when there is none of that name. */
  pidOf(name: string): number | undefined {
    return this.#children.get(name)?.pid;
  }

  signal(name: string, signal: NodeJS.Signals): void {
    this.#children.get(name)?.kill(signal);
  }

  /** Ends a child and waits for it, also when it was asked before; does nothing when there is none of that name. */
  async end(name: string, signal: NodeJS.Signals = "SIGTERM"): Promise<void> {
    const child = this.#children.get(name);
    if (!child) return this.#ending.get(name);
    this.#children.delete(name);
    const ended = new Promise<void>((done) => child.once("close", () => done()));
    this.#ending.set(name, ended);
    child.kill(signal);
    const patience = setTimeout(() => child.kill("SIGKILL"), PATIENCE_MS);
    await ended;
    clearTimeout(patience);
    if (this.#ending.get(name) === ended) this.#ending.delete(name);
  }

  /** Ends all, the last started first. */
  async endAll(): Promise<void> {
    for (const name of this.names.reverse()) await this.end(name);
  }
}
