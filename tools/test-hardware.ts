/**
 * `npm run test:hardware [-- --only NAME] [--allow-missing]`: drivers against real kernels, serial lines and brokers, as far as
 * software can stand in for a device. `--only` takes the beginning of a file's name in test/hardware. A Debian package that is
 * missing and cannot be installed is a failure, or with `--allow-missing` a reason not to run what needs it. Ends with one
 * line that counts; what was not run on this machine is counted apart, with its reason.
 */
import { globSync } from "node:fs";
import { basename, resolve } from "node:path";
import { parseArgs } from "node:util";
import Mocha from "mocha";
import { installAll, reasons, whenMissing } from "../test/hardware/needs.ts";
import { build } from "./build.ts";
import { die, ROOT } from "./cli.ts";

/** A machine is emulated for some of them. */
const TIMEOUT_MS = 120_000;

const { values } = parseArgs({
  options: { only: { type: "string" }, "allow-missing": { type: "boolean", default: false } },
});
if (values["allow-missing"]) whenMissing.is = "not run";
const files = globSync("test/hardware/**/*.test.ts", { cwd: ROOT })
  .filter((file) => basename(file).startsWith(values.only ?? ""))
  .sort();
if (files.length === 0) die(`--only ${values.only}: no file of test/hardware begins so.`);

const built = await build();
if (!built.ok) die(built.output);

process.chdir(ROOT);
const mocha = new Mocha({ timeout: TIMEOUT_MS, reporter: "spec" });
for (const file of files) mocha.addFile(resolve(ROOT, file));
await mocha.loadFilesAsync();
installAll();

const skipped: Mocha.Test[] = [];
let passed = 0;
const failed = await new Promise<number>((done) => {
  mocha
    .run(done)
    .on("pass", () => passed++)
    .on("pending", (test) => skipped.push(test));
});

const notRun = Map.groupBy(skipped, (test) => `${test.parent!.fullTitle()}: ${reasonOf(test)}`);
if (notRun.size > 0) console.log("Not run:");
for (const [what, tests] of notRun) console.log(`  ${tests.length} of ${what}`);
console.log(`\n${passed} passed, ${failed} failed, ${skipped.length} not run`);
process.exit(failed === 0 && passed + skipped.length > 0 ? 0 : 1);

/** The test's own reason, or that of the nearest suite around it. */
function reasonOf(test: Mocha.Test): string {
  for (let at: Mocha.Test | Mocha.Suite | undefined = test; at; at = at.parent) {
    const reason = reasons.get(at.fullTitle());
    if (reason !== undefined) return reason;
  }
  return "marked as pending";
}
