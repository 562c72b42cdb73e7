/**
 * `npm test [-- --only NAME | --with NAME]`: every suite that needs npm only, or only those named, or those named as well, then
 * the failures once more and the counts. A suite that ends with an error without counting a failure is itself counted as one.
 */
import { spawn } from "node:child_process";
import { globSync } from "node:fs";
import { parseArgs } from "node:util";
import { build } from "./build.ts";
import { die, ROOT } from "./cli.ts";

const MOCHA = "node_modules/mocha/bin/mocha.js";
const HARDHAT = "node_modules/hardhat/dist/src/cli.js";

/** Whole worlds, several at a time, since they wait for clocks and devices most of their time. */
const together = (jobs: number, files: string[]): string[] => [
  ...[MOCHA, "--timeout", "400000", "--parallel", "--jobs", String(jobs)],
  ...["bigint", "reasons", "browser/chromium"].flatMap((name) => ["--require", `./test/${name}.ts`]),
  ...files,
];
const filesOf = (...patterns: string[]): string[] => globSync(patterns, { cwd: ROOT }).sort();

const FIRST_TRADE = "test/browser/first-trade.test.ts";
const stories = filesOf("test/browser/*.test.ts");
/** Those that take longest begin first, so that the others fill the time beside them. */
const LONGEST = /first-trade|agent\.|\bpi\.|silence|start\./;
const worlds = [FIRST_TRADE, ...filesOf("test/system/*.test.ts")].sort(
  (a, b) => Number(LONGEST.test(b)) - Number(LONGEST.test(a)),
);

const suites: Record<string, string[]> = {
  contracts: [HARDHAT, "test", "mocha"],
  solidity: [HARDHAT, "test", "solidity"],
  modules: [MOCHA, "--timeout", "60000", "{{protocol,oracle,frontend}/src,oracle/install,tools}/**/*.test.ts"],
  // By itself: Hardhat changes chai for everybody in its process.
  deploy: [MOCHA, "--timeout", "60000", "deploy/**/*.test.ts"],
  system: together(5, worlds),
  stories: together(
    2,
    stories.filter((file) => file !== FIRST_TRADE),
  ),
  // Those that need npm only are among the worlds as well.
  faults: together(3, filesOf("test/faults/*.test.ts", "test/system/{faults,gateway,silence}.test.ts")),
  browser: together(2, stories),
  soak: together(1, filesOf("test/soak/*.test.ts")),
  hardware: ["tools/test-hardware.ts", "--allow-missing"],
};
/** Only when asked for: they take long, and some need Debian packages or root. */
const APART = ["stories", "faults", "browser", "soak", "hardware"];

interface Count {
  passed: number;
  failed: number;
  notRun: number;
}
interface Run extends Count {
  /** What it printed from its first failure's summary on. */
  failures: string[];
}
const COUNTED: Record<string, keyof Count> = { passing: "passed", failing: "failed", pending: "notRun" };

/** Runs a suite, shows what it prints, and counts from its summary lines ("12 passing", "1 failing", "2 pending"). */
async function run(args: string[]): Promise<Run> {
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ["ignore", "pipe", "inherit"] });
  const count: Run = { passed: 0, failed: 0, notRun: 0, failures: [] };
  let rest = "";
  child.stdout.setEncoding("utf8");
  child.stdout.on("data", (text: string) => {
    process.stdout.write(text);
    const lines = (rest + text).split("\n");
    rest = lines.pop()!;
    for (const line of lines) {
      // eslint-disable-next-line no-control-regex -- colours of the reporter
      const [, number, word] = /^\s*(\d+) (passing|failing|pending)\b/.exec(line.replace(/\x1b\[\d+m/g, "")) ?? [];
      if (word !== undefined) count[COUNTED[word]!] += Number(number);
      if (count.failed > 0) count.failures.push(line);
    }
  });
  const code = await new Promise<number>((done) => child.once("close", (status) => done(status ?? 1)));
  if (code !== 0 && count.failed === 0) {
    count.failures.push(`The suite ended with ${code}, and counted no failure.`);
    count.failed = 1;
  }
  if (code === 0 && count.passed + count.notRun === 0) {
    count.failures.push("The suite ran no test.");
    count.failed = 1;
  }
  return count;
}

const { values } = parseArgs({ options: { only: { type: "string" }, with: { type: "string" } } });
const usual = Object.keys(suites).filter((name) => !APART.includes(name));
const names = [...(values.only?.split(",") ?? usual), ...(values.with?.split(",") ?? [])];
for (const name of names) {
  if (!(name in suites)) die(`There is no suite ${name}; choose from ${Object.keys(suites).join(", ")}.`);
}

const built = await build();
if (!built.ok) die(built.output);

// A rehearsal among the worlds deploys production code. To compile it takes a core that the suites before them leave idle.
const compiling =
  names.includes("system") && spawn(process.execPath, ["tools/production.ts"], { cwd: ROOT, stdio: "ignore" });
const compiled = compiling ? new Promise((done) => compiling.once("close", done)) : undefined;

const total: Count = { passed: 0, failed: 0, notRun: 0 };
/** Said once more at the end, where nobody has to look for it. */
const allFailures: string[] = [];
for (const name of names) {
  if (name === "system") await compiled; // what went wrong the rehearsal says itself
  const since = performance.now();
  console.log(`\n── ${name}`);
  const { passed, failed, notRun, failures } = await run(suites[name]!);
  total.passed += passed;
  total.failed += failed;
  total.notRun += notRun;
  if (failed > 0) allFailures.push(`── what failed in ${name}`, ...failures);
  console.log(`── ${name}: ${passed} passed, ${failed} failed, ${Math.round((performance.now() - since) / 1_000)} s`);
}
if (allFailures.length > 0) console.log(["", ...allFailures].join("\n"));
if (total.notRun > 0) console.log(`\n${total.notRun} not run`);
console.log(`\n${total.passed} passed, ${total.failed} failed`);
process.exit(total.failed === 0 ? 0 : 1);
