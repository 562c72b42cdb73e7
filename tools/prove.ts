/**
 * `npm run prove [-- --calls N]`: the invariants of test/solidity/World.t.sol over at least N random calls, by default
 * 100,000; then writes bench/results/invariants.md. Ends with 1 when an invariant breaks, or when an action hardly ever
 * went through: a walk that is refused everywhere proves nothing.
 */
import { existsSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { die, integerOption, ROOT, runNode } from "./cli.ts";

const RECORD = "cache/calls.txt";
/** Calls of an effort of 1: 4 runs of 250 calls for each invariant, see hardhat.config.ts. */
const CALLS_PER_INVARIANT = 1_000;
/** An action that went through less often, in so many calls, has not been tried in earnest. */
const LEAST_DONE = 20;
const LEAST_DONE_IN = 100_000;

const { values } = parseArgs({ options: { calls: { type: "string" } } });
const wanted = integerOption("calls", values.calls, 100_000, 1_000, 1_000_000_000);

const invariants = [
  ...readFileSync(resolve(ROOT, "test/solidity/World.t.sol"), "utf8").matchAll(/function (invariant_\w+)/g),
].map(([, name]) => name!);
const effort = Math.ceil(wanted / (CALLS_PER_INVARIANT * invariants.length));

rmSync(resolve(ROOT, RECORD), { force: true });
const since = performance.now();
const { code, output } = await runNode(
  "node_modules/hardhat/dist/src/cli.js",
  ["test", "solidity", "--grep", "invariant"],
  { IOE_FUZZ: `${effort}`, IOE_CALLS: RECORD },
);
if (code !== 0) die(output);
if (!existsSync(resolve(ROOT, RECORD))) die(`No invariant ran:\n${output}`);

const tried = new Map<string, number>();
const done = new Map<string, number>();
const runs = readFileSync(resolve(ROOT, RECORD), "utf8").trim().split("\n");
for (const run of runs) {
  for (const [, name, calls, successes] of run.matchAll(/(\w+) (\d+) (\d+),/g)) {
    tried.set(name!, (tried.get(name!) ?? 0) + Number(calls));
    done.set(name!, (done.get(name!) ?? 0) + Number(successes));
  }
}
const calls = [...tried.values()].reduce((sum, count) => sum + count, 0);
const number = (value: number): string => value.toLocaleString("en-US");
const rows = [...tried].map(
  ([name, count]) => `| ${name} | ${count === 0 ? "" : number(count)} | ${number(done.get(name)!)} |`,
);
const text = `# Invariants

${number(calls)} random calls in ${number(runs.length)} walks through a zone with both markets (\`test/solidity/World.sol\`): several people, one of
them a contract that refuses certificates or calls back into the contracts with all it may call itself; money that takes a fee
or calls back in the middle of a transfer; readings of many meters in one call, late, with gaps, out of order, twice, forged,
rolled back and from P-256 keys; time that jumps past grace and claim window; operator and guardian at work. Held after every
call:

${invariants.map((name) => `- ${sentence(name)}`).join("\n")}

and inside the calls: the clearing volume is the largest possible and no better-priced order is left out; no order settles
worse than its limit; a power changes nobody's money, order, delivery or open slot; nothing panics. At the end of every walk a
stranger settles, closes and finalizes everything, half of the times only after the claim window: all accounts withdraw all
they have, and nothing is left in the vault.

\`npm run prove\` writes this file; it takes ${Math.ceil((performance.now() - since) / 60_000)} minutes or so. "Went through" counts more than the calls where one call
settles many orders or relays many readings; the last five lines count what calls brought about.

| action | calls | went through |
| ------ | ----: | -----------: |
${rows.join("\n")}
`;
/** invariant_aMeterHasOneOpenDelivery → "a meter has one open delivery". */
function sentence(name: string): string {
  return name.replace("invariant_", "").replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
writeFileSync(resolve(ROOT, "bench/results/invariants.md"), text);
console.log(text);

const idle = [...done]
  .filter(([, count]) => count < Math.max(1, (LEAST_DONE * calls) / LEAST_DONE_IN))
  .map(([name]) => name);
if (idle.length > 0) die(`Hardly ever went through: ${idle.join(", ")}.`);
