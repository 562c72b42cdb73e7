/** Memory: what each oracle holds, and whether it grows. */
import { Findings } from "./audit.ts";
import { isVeteran } from "./plan.ts";
import type { Watch } from "./watch.ts";

/** A process has found its size after so long, s. */
const WARM_UP_S = 600;
/** A slope over less than this, s, says nothing. */
const LEAST_S = 1_200;
/** Budgets of an oracle, MB and MB/h. */
const MOST_MB = 150;
const MOST_GROWTH = 5;

export function auditMemory(watch: Watch): Findings {
  const findings = new Findings("memory");
  const slopes: number[] = [];
  const sizes: number[] = [];
  for (const [name, memory] of watch.memory) {
    const n = Number(/^oracle-(\d+)/.exec(name)?.[1]);
    if (!n) continue;
    const steady = memory.samples.filter(({ atS }) => atS >= WARM_UP_S).map(({ rssMB }) => rssMB);
    if (steady.length > 0) sizes.push(median(steady));
    if (!isVeteran(n) || memory.samples.at(-1)!.atS < WARM_UP_S + LEAST_S) continue;
    const slope = memory.growthMBPerHour(WARM_UP_S);
    slopes.push(slope);
    findings.fact(`${name.split(" ")[0]}, MB/h`, slope.toFixed(1));
  }
  findings.fact("oracles that found their size", sizes.length);
  if (sizes.length > 0) {
    const largest = Math.max(...sizes);
    findings.fact("median of an oracle, MB", median(sizes).toFixed(0));
    findings.fact("largest median, MB", largest.toFixed(0));
    findings.holds(largest <= MOST_MB, `an oracle holds at most ${MOST_MB} MB`, `${largest.toFixed(0)} MB`);
  }
  if (slopes.length === 0) {
    findings.fact("growth", `not judged: needs ${(WARM_UP_S + LEAST_S) / 60} minutes`);
    return findings;
  }
  const growth = slopes.reduce((sum, slope) => sum + slope, 0) / slopes.length;
  findings.fact("growth on average, MB/h", growth.toFixed(1));
  findings.holds(growth <= MOST_GROWTH, `oracles grow by at most ${MOST_GROWTH} MB/h`, `${growth.toFixed(1)} MB/h`);
  return findings;
}

function median(values: readonly number[]): number {
  return [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;
}
