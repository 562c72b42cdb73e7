import type { Findings } from "./audit.ts";
import type { Violation } from "./ground.ts";

export interface Outcome {
  readonly minutes: number;
  readonly households: number;
  readonly seed: number;
  readonly node: string;
  readonly tookMinutes: number;
  /** How often each fault struck. */
  readonly struck: ReadonlyMap<string, number>;
  /** Faults that could not be tried here, and what they need. */
  readonly untried: ReadonlyMap<string, string>;
  /** What traders were refused, by reason. */
  readonly refused: ReadonlyMap<string, number>;
  readonly chapters: readonly Findings[];
  readonly violations: readonly Violation[];
}

/** The run as a page and as data. */
export function report(outcome: Outcome): { text: string; json: unknown } {
  const { minutes, households, seed, node, tookMinutes, struck, untried, refused, chapters, violations } = outcome;
  const faults = [...struck.values()].reduce((sum, times) => sum + times, 0);
  const held = violations.length === 0;
  const table = (head: string, rows: Iterable<readonly [string, unknown]>) =>
    `| ${head} | |\n| --- | ---: |\n${[...rows].map(([name, value]) => `| ${name} | ${String(value)} |`).join("\n")}\n`;
  const text = `# Soak

${households} households, each with its oracle process, on simulated Modbus devices and a local chain (${node}) with a keeper, traded
for ${minutes} minutes while ${faults} faults struck at random; seed ${seed}. Then everything was mended and the books were audited; all in
all ${tookMinutes} minutes. \`npm run soak -- --minutes ${minutes} --households ${households} --seed ${seed}\` strikes the same again, and writes this file.

**${held ? "Everything holds." : `${violations.length} things do not hold.`}**
${
  violations.length > 0
    ? `\n${violations
        .slice(0, 50)
        .map(({ what, detail }) => `- ${what}${detail && `: ${detail}`}`)
        .join("\n")}\n`
    : ""
}
${chapters.map(({ chapter, facts }) => table(chapter, Object.entries(facts))).join("\n")}
${table("fault", [...struck].sort())}
${[...untried].map(([name, need]) => `Not tried: ${name} (needs ${need}).\n`).join("")}
${table("refused to traders", [...refused].sort())}`;
  const json = {
    minutes,
    households,
    seed,
    node,
    tookMinutes,
    struck: Object.fromEntries(struck),
    facts: Object.fromEntries(chapters.map(({ chapter, facts }) => [chapter, facts])),
    violations,
  };
  return { text, json };
}
