/**
 * What a hardware test needs from the machine. Called at the top of a suite:
 *
 *     describe("…", () => {
 *       needs("socat", "python3-pymodbus");
 *
 * Debian packages that are missing are installed when this machine lets us (root and apt); otherwise the suite fails
 * with the command that a person can run, or is counted as not run, see `whenMissing`. What cannot be tested here at all is
 * said with `notRun`, and counted.
 */
import { existsSync } from "node:fs";
import Mocha from "mocha";
import { Unavailable, aptGet, run } from "./fetch.ts";

const INSTALL_TIMEOUT_MS = 1_200_000;

/** Title of a suite or test → why it was not run. */
export const reasons = new Map<string, string>();

/** What becomes of a suite whose needs this machine cannot meet; a gate on a machine of somebody else's takes what it gets. */
export const whenMissing: { is: "failed" | "not run" } = { is: "failed" };

/** Packages of all suites that were loaded. */
const wanted = new Set<string>();

/** Makes the suite that calls it require Debian packages. */
export function needs(...packages: string[]): void {
  for (const name of packages) wanted.add(name);
  before(async function () {
    this.timeout(INSTALL_TIMEOUT_MS);
    await provided(this, () => install(packages));
  });
}

/** Installs what all suites need in one go; what cannot be had is found missing by the suite that needs it. */
export function installAll(): void {
  try {
    install([...wanted]);
  } catch (error) {
    if (!(error instanceof Unavailable)) throw error;
  }
}

/** From a `before` hook: what `provide` makes, or the end of the suite when it is not available. */
export async function provided<T>(context: Mocha.Context, provide: () => T | Promise<T>): Promise<T> {
  try {
    return await provide();
  } catch (error) {
    if (error instanceof Unavailable && whenMissing.is === "not run") return notRun(context, error.message);
    throw error;
  }
}

/** Leaves the running test, or from a `before` hook its whole suite, out of the count of passed and failed ones. */
export function notRun(context: Mocha.Context, reason: string): never {
  const running = context.runnable();
  const whole = running instanceof Mocha.Test ? running : running.parent;
  reasons.set(whole?.fullTitle() ?? "", reason);
  return context.skip();
}

function install(packages: readonly string[]): void {
  const missing = packages.filter((name) => !isInstalled(name));
  if (missing.length === 0) return;
  const command = `sudo apt-get install --no-install-recommends ${missing.join(" ")}`;
  const names = `Debian package${missing.length > 1 ? "s" : ""} ${missing.join(", ")}`;
  if (process.getuid?.() !== 0 || !existsSync("/usr/bin/apt-get")) {
    throw new Unavailable(`this needs the ${names}; run: ${command}`);
  }
  // What an installation that broke off has left behind is in the way of the next one.
  run("dpkg", ["--configure", "-a"]);
  aptGet(`the ${names} cannot be installed (${command})`, ["-y"], ["install", "--no-install-recommends", ...missing]);
}

function isInstalled(name: string): boolean {
  const { ok, output } = run("dpkg-query", ["-W", "-f=${db:Status-Status}", name]);
  return ok && output.startsWith("installed");
}
