/** How tests come by what neither the repository nor npm's lock file brings: with patience, and an end to it. */
import { spawnSync } from "node:child_process";

/** What this machine cannot provide; `message` says what it is and what to do. */
export class Unavailable extends Error {
  override readonly name = "Unavailable";
}

export interface Result {
  ok: boolean;
  output: string;
}

/** A mirror that answers is done long before; one that does not must not hold everything. */
const DOWNLOAD_TIMEOUT_MS = 240_000;
const LISTS_TIMEOUT_MS = 60_000;
const PAUSE_S = 10;
/** After so much time spent on attempts that failed nothing more is asked of the network. */
const PATIENCE_MS = 240_000;
let wastedMs = 0;
/** All attempts have failed once: what comes later gets a single one. */
let discouraged = false;

const APT = [
  "Acquire::Retries=2",
  "Acquire::http::Timeout=15",
  "Acquire::https::Timeout=15",
  "DPkg::Lock::Timeout=120",
].flatMap((option) => ["-o", option]);

/** Runs a program to its end. */
export function run(command: string, args: string[], cwd?: string, timeout = DOWNLOAD_TIMEOUT_MS): Result {
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const { status, stdout, stderr, error } = spawnSync(command, args, { cwd, env, timeout, encoding: "utf8" });
  return { ok: status === 0, output: error ? error.message : `${stdout}${stderr}`.trim() };
}

/**
 * Runs apt-get with the options and arguments given. When it fails: once more with new lists, since those of a fresh machine
 * are empty or old, and once more after a pause, for a download that broke off.
 * @throws Unavailable with `what` and apt's own words
 */
export function aptGet(what: string, options: string[], args: string[], cwd?: string): void {
  const apt = (rest: string[], timeout?: number) => () =>
    run("apt-get", [...APT, ...options, "-q", ...rest], cwd, timeout);
  const update = apt(["update"], LISTS_TIMEOUT_MS);
  const again = (): Result => {
    update();
    return apt(args)();
  };
  untilOk(what, [apt(args), again, again]);
}

/** Packs a package of npm's registry into `cwd`. @throws Unavailable */
export function npmPack(name: string, version: string, cwd: string): void {
  const args = ["pack", "--silent", "--fetch-retries=1", "--fetch-timeout=30000", `${name}@${version}`];
  const pack = () => run("npm", args, cwd);
  untilOk(`npm cannot fetch ${name}@${version}`, [pack, pack]);
}

function untilOk(what: string, attempts: (() => Result)[]): void {
  let output = "the network did not answer before";
  for (const [i, attempt] of attempts.slice(0, discouraged ? 1 : undefined).entries()) {
    if (wastedMs > PATIENCE_MS) break;
    const since = performance.now();
    if (i > 1) spawnSync("sleep", [String(PAUSE_S)]);
    const result = attempt();
    if (result.ok) return;
    wastedMs += performance.now() - since;
    output = result.output;
  }
  discouraged = true;
  throw new Unavailable(`${what}: ${lastLine(output)}`);
}

/** The reason stands at the end. */
function lastLine(output: string): string {
  return output.trim().split("\n").at(-1)!;
}
