/**
 * `npm run coverage`: the contracts' tests on instrumented code. Ends with 1 when a test fails, or when a line or a
 * statement of contracts/ (dev/ aside) was never executed. The report with the source stands in coverage/html.
 */
import { globSync, readFileSync } from "node:fs";
import { resolve } from "node:path";
import { stripVTControlCharacters } from "node:util";
import { build } from "./build.ts";
import { die, ROOT, runNode } from "./cli.ts";

const { code, output } = await runNode("node_modules/hardhat/dist/src/cli.js", ["test", "mocha", "--coverage"]);
console.log(output);
// The run leaves instrumented artifacts behind, which no zone could be deployed with.
const rebuilt = await build();
if (!rebuilt.ok) die(rebuilt.output);
if (code !== 0) die("A test fails on instrumented code, see above.");

// A row of the report: file, lines in percent, statements in percent.
const ROW = /(contracts\/\S+\.sol)\s*│\s*([\d.]+)\s*│\s*([\d.]+)/g;
const shares = new Map(
  [...stripVTControlCharacters(output).matchAll(ROW)].map(([, file, ...shown]) => [file!, shown.map(Number)]),
);
const gaps = globSync("contracts/**/*.sol", { cwd: ROOT, exclude: ["contracts/dev/**"] })
  // Interfaces have nothing to execute.
  .filter((file) => /^(abstract contract|contract|library|function) /m.test(readFileSync(resolve(ROOT, file), "utf8")))
  .filter((file) => shares.get(file)?.every((share) => share === 100) !== true)
  .map((file) => `${file}: ${shares.get(file)?.join(" % of lines, ") ?? "0"} % of statements`);
if (gaps.length > 0) die(`Not everything was executed:\n${gaps.join("\n")}`);
console.log(`Every line and statement of ${shares.size} files was executed.`);
