/**
 * `npm run mutate`: changes the contracts a little, one change at a time, and sees whether a test notices. Each change
 * that no test notices must be killed by a new test or explained in test/mutants.md; one that is neither ends the
 * command with 1. Results are kept in bench/results/mutation.jsonl, so that nothing is tried twice: a change is tried
 * again when its function has changed, one that survived also when the tests have. Writes bench/results/mutation.md.
 *
 *   --file NAME     only files whose path contains NAME
 *   --sample N      N changes of each file, the same ones for a --seed
 *   --shard I/N     every N-th change, for several processes at once
 *   --fresh         forgets earlier results
 *   --report        tries nothing, only reports
 */
import { appendFileSync, existsSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { build } from "./build.ts";
import { die, integerOption, ROOT } from "./cli.ts";
import { compileContracts, hash, OPTIMIZED, type Optimizer, PLAIN, readSource } from "./mutation/compiler.ts";
import { type Mutant, mutantsOf } from "./mutation/mutants.ts";
import { TestRunner } from "./mutation/tests.ts";

const ROOMS = ["market", "metering", "money", "pricing", "token"];
const MEMORY = resolve(ROOT, "bench/results/mutation.jsonl");
const EXPLANATIONS = "test/mutants.md";

/** Tests that have a reason to notice, the likeliest first. */
const COMMON = ["threats.test.ts", "deployment.test.ts"];
const AUCTION = ["Clearing", "Orders", "Threats", "Edges", "Limits", "Fuzz"].map(
  (name) => `CallAuction${name}.test.ts`,
);
const DIRECT = ["direct-market.test.ts", "direct-settlement.test.ts"];
const REGISTRY = ["meter-registry.test.ts", "meter-registry-p256.test.ts", "feeder.test.ts", "tariff.test.ts"];
const ALL = ["*"];
const WATCHERS: Record<string, string[]> = {
  "CallAuction.sol": [...AUCTION, ...COMMON],
  "TickBook.sol": [...AUCTION, ...COMMON],
  "OrderId.sol": [...AUCTION, ...COMMON],
  "DirectMarket.sol": [...DIRECT, ...COMMON],
  "DirectWords.sol": [...DIRECT, ...COMMON],
  "Market.sol": [...DIRECT, ...AUCTION, ...COMMON],
  "MeterRegistry.sol": [...REGISTRY, ...DIRECT, ...ALL],
  "ReadingHash.sol": [...REGISTRY, ...ALL],
  "Words.sol": [...REGISTRY, ...DIRECT, ...ALL],
  "Vault.sol": ["vault.test.ts", "direct-market.test.ts", "CallAuctionThreats.test.ts", ...COMMON],
  "EnergyToken.sol": ["energy-token.test.ts", "direct-settlement.test.ts", "CallAuctionThreats.test.ts", ...COMMON],
  "Tariff.sol": ["tariff.test.ts", "direct-market.test.ts", "CallAuctionThreats.test.ts", ...COMMON],
  "SupplyDemandPrice.sol": ["tariff.test.ts", "direct-market.test.ts"],
};

/** Files that a bare harness shows to a test of their own, which is asked before any contract with them is compiled. */
const HARNESSES: Record<string, { harness: string; test: string }> = {
  "DirectWords.sol": { harness: "contracts/dev/WordsHarness.sol", test: "words.test.ts" },
  "Words.sol": { harness: "contracts/dev/WordsHarness.sol", test: "words.test.ts" },
  "TickBook.sol": { harness: "contracts/dev/TickBookHarness.sol", test: "TickBook.test.ts" },
};

/** Tests to ask first: those that noticed the last changes of a function, then those of its file. */
class Suspects {
  readonly #byPlace = new Map<string, string[]>();

  add(where: string, test: string): void {
    for (const place of [where, ""]) {
      const others = (this.#byPlace.get(place) ?? []).filter((other) => other !== test);
      this.#byPlace.set(place, [test, ...others]);
    }
  }

  of(where: string): string[] {
    const [own, all] = [where, ""].map((place) => this.#byPlace.get(place) ?? []) as [string[], string[]];
    return [...new Set([...own.slice(0, 6), ...all])].slice(0, 12);
  }
}

type Status = "killed" | "survived" | "same code" | "does not compile";
interface Result {
  id: string;
  status: Status;
  /** The test that noticed, or the state of the tests of which none did. */
  by?: string;
}

const { values: options } = parseArgs({
  options: {
    file: { type: "string" },
    sample: { type: "string" },
    seed: { type: "string" },
    shard: { type: "string" },
    fresh: { type: "boolean" },
    report: { type: "boolean" },
  },
});

const sources = globSync("contracts/**/*.sol", { cwd: ROOT }).sort();
const testFiles = globSync("test/contracts/*.ts", { cwd: ROOT }).sort();
const testsHash = hash(...testFiles.map(readSource));

/** The files that contain the code of this one: itself, and whatever imports it. */
function dependentsOf(file: string): string[] {
  const found = new Set([file]);
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const path of sources) {
      const imports = [...readSource(path).matchAll(/from "(\.[^"]+)"/g)].map(([, to]) =>
        new URL(to!, `file:///${path}`).pathname.slice(1),
      );
      if (imports.some((to) => found.has(to))) found.add(path);
    }
  }
  return [...found];
}

function remembered(): Map<string, Result> {
  if (options.fresh) rmSync(MEMORY, { force: true });
  if (!existsSync(MEMORY)) return new Map();
  const results = readFileSync(MEMORY, "utf8")
    .trim()
    .split("\n")
    .map((line) => JSON.parse(line) as Result);
  const valid = results.filter(({ status, by }) => status !== "survived" || by === testsHash);
  return new Map(valid.map((result) => [result.id, result]));
}

/** One line for a change, as test/mutants.md names it. */
const nameOf = ({ file, where, before, after }: Mutant): string =>
  `\`${file.replace("contracts/", "")}\` \`${where}\`: \`${before}\` → \`${after === "" ? " " : after}\``;

/** Every n-th of the changes in an order that depends on the seed. */
function sampleOf(mutants: Mutant[], count: number, seed: string): Mutant[] {
  const order = new Map(mutants.map((mutant) => [mutant, hash(seed, mutant.id)]));
  const chosen = new Set([...mutants].sort((a, b) => (order.get(a)! < order.get(b)! ? -1 : 1)).slice(0, count));
  return mutants.filter((mutant) => chosen.has(mutant));
}

const hashOf = (code: ReadonlyMap<string, string>): string => hash(...[...code].flat());
const isSame = (a: ReadonlyMap<string, string>, b: ReadonlyMap<string, string>): boolean => hashOf(a) === hashOf(b);

/** Contracts that contain a file, and the tests that watch them. */
interface Stage {
  paths: string[];
  watchers: string[];
  /** Code as it is deployed, and as it is compiled for the tests. */
  reference: ReadonlyMap<string, string>;
  original: ReadonlyMap<string, string>;
  optimizer: Optimizer;
  suspects: Suspects;
}

async function stageOf(tests: TestRunner, paths: string[], watchers: string[]): Promise<Stage> {
  const reference = compileContracts(paths, OPTIMIZED)!;
  const plain = compileContracts(paths, PLAIN);
  const original = plain ?? reference;
  await tests.use(original);
  const broken = await tests.run(watchers);
  if (broken !== null) die(`Without any change "${broken}" fails; mend that first.`);
  return {
    paths,
    watchers,
    reference,
    original,
    optimizer: plain === null ? OPTIMIZED : PLAIN,
    suspects: new Suspects(),
  };
}

async function tryAll(byFile: Map<string, Mutant[]>, results: Map<string, Result>): Promise<void> {
  const built = await build();
  if (!built.ok) die(built.output);
  const tests = await TestRunner.load();
  for (const [file, mutants] of byFile) {
    const left = mutants.filter(({ id }) => !results.has(id));
    if (left.length === 0) continue;
    const base = file.split("/").at(-1)!;
    const named = WATCHERS[base] ?? ALL;
    const watchers = [...new Set(named.flatMap((name) => (name === "*" ? tests.files : [name])))];
    const { harness, test } = HARNESSES[base] ?? {};
    const dependents = dependentsOf(file).filter((path) => !path.startsWith("contracts/dev/"));
    const plans: [paths: string[], watchers: string[]][] = [[dependents, watchers]];
    if (harness !== undefined) plans.unshift([[harness], [test!]]);
    // Set up when the first change gets so far.
    const stages: Stage[] = [];

    const codes = new Map<string, Result>();
    for (const [i, mutant] of left.entries()) {
      const since = performance.now();
      const change = new Map([[file, mutant.source]]);
      let result: Result = { id: mutant.id, status: "same code" };
      for (const [k, plan] of plans.entries()) {
        const stage = (stages[k] ??= await stageOf(tests, ...plan));
        const { paths, original, optimizer, watchers, suspects } = stage;
        const code = compileContracts(paths, optimizer, change);
        if (code === null) {
          result.status = "does not compile";
          break;
        }
        if (isSame(code, original)) continue;
        const known = codes.get(hashOf(code));
        if (known !== undefined) {
          result = { ...known, id: mutant.id };
          if (known.status === "killed") break;
          continue;
        }
        await tests.use(code);
        const likely = suspects.of(mutant.where);
        const killer = (likely.length === 0 ? null : await tests.run(watchers, likely)) ?? (await tests.run(watchers));
        if (killer !== null) suspects.add(mutant.where, killer);
        result =
          killer === null
            ? { id: mutant.id, status: "survived", by: testsHash }
            : { id: mutant.id, status: "killed", by: killer };
        codes.set(hashOf(code), result);
        if (killer !== null) break;
      }
      const { paths, reference } = stages.at(-1)!;
      if (result.status === "survived" && isSame(compileContracts(paths, OPTIMIZED, change)!, reference))
        result = { id: mutant.id, status: "same code" };
      results.set(mutant.id, result);
      appendFileSync(MEMORY, `${JSON.stringify(result)}\n`);
      const seconds = ((performance.now() - since) / 1_000).toFixed(1);
      console.log(
        `${base} ${i + 1}/${left.length} ${result.status}, ${seconds} s: ${mutant.line} ${mutant.before} → ${mutant.after}`,
      );
    }
  }
}

const sample = integerOption("sample", options.sample, 0, 1, 100_000);
const [shard, shards] = (options.shard ?? "1/1").split("/").map(Number) as [number, number];
if (!(shard >= 1 && shard <= shards)) die(`--shard ${options.shard}: it must be like 1/2, the first of two.`);

const all = new Map<string, Mutant[]>();
for (const file of sources.filter((path) => ROOMS.includes(path.split("/")[1]!) && path.includes(options.file ?? ""))) {
  const mutants = mutantsOf(file);
  const chosen = sample === 0 ? mutants : sampleOf(mutants, sample, options.seed ?? "1");
  if (chosen.length > 0) all.set(file, chosen);
}
if (all.size === 0) die(`--file ${options.file}: no contract's path contains that.`);

mkdirSync(resolve(ROOT, "cache"), { recursive: true });
const results = remembered();
if (!options.report) {
  const mine = [...all].map(([file, mutants]) => [file, mutants.filter((_, i) => i % shards === shard - 1)] as const);
  await tryAll(new Map(mine), results);
}
if (shards > 1 && !options.report) process.exit(0);

const explained = existsSync(resolve(ROOT, EXPLANATIONS)) ? readSource(EXPLANATIONS) : "";
const count = (mutants: Mutant[], status: Status): number =>
  mutants.filter(({ id }) => results.get(id)?.status === status).length;
const survivors = [...all.values()].flat().filter(({ id }) => results.get(id)?.status === "survived");
const unexplained = survivors.filter((mutant) => !explained.includes(nameOf(mutant)));

const rows = [...all].map(([file, mutants]) => {
  const killed = count(mutants, "killed");
  const open = mutants.filter((mutant) => unexplained.includes(mutant)).length;
  const survived = count(mutants, "survived");
  return {
    file: file.replace("contracts/", ""),
    mutants: mutants.length,
    untried: mutants.filter(({ id }) => !results.has(id)).length,
    dropped: count(mutants, "does not compile") + count(mutants, "same code"),
    killed,
    explained: survived - open,
    open,
  };
});
type Row = (typeof rows)[number];
const sum = (name: Exclude<keyof Row, "file">): number => rows.reduce((total, row) => total + row[name], 0);
const total: Row = {
  file: "all",
  mutants: sum("mutants"),
  untried: sum("untried"),
  dropped: sum("dropped"),
  killed: sum("killed"),
  explained: sum("explained"),
  open: sum("open"),
};
const percent = ({ killed, explained: known, open }: Row): string =>
  killed + known + open === 0 ? "" : `${((100 * killed) / (killed + known + open)).toFixed(1)} %`;
const line = (row: Row): string =>
  `| ${[row.file, row.mutants, row.dropped, row.killed, row.explained, row.open, row.untried, percent(row)].join(" | ")} |`;
const text = `# Mutation tests

Each mutant is one small change of a contract: an operator, a constant, a condition, a statement or a modifier. It is killed
when a test of \`test/contracts\` fails. Those that survive are explained one by one in \`test/mutants.md\`: nothing that
anybody could see depends on them. "No effect" are changes that give the same code or do not compile. \`npm run mutate\`
writes this file${sample === 0 ? "" : ` (here with --sample ${sample} --seed ${options.seed ?? "1"})`} and fails when a survivor is not explained.

| file | mutants | no effect | killed | explained | unexplained | not tried | killed of those tried with effect |
| ---- | ------: | --------: | -----: | --------: | ----------: | --------: | --------------------------------: |
${[...rows, total].map(line).join("\n")}
`;
if (options.file === undefined) writeFileSync(resolve(ROOT, "bench/results/mutation.md"), text);
console.log(`\n${text}`);
for (const mutant of unexplained)
  console.error(`survived: ${nameOf(mutant)}\n          at ${mutant.file}:${mutant.line}`);
process.exit(unexplained.length === 0 ? 0 : 1);
