/** How the benchmarks of running programs show their figures. */
import { mkdir, writeFile } from "node:fs/promises";
import { cpus, totalmem } from "node:os";
import { resolve } from "node:path";

export interface Figure {
  readonly name: string;
  readonly value: number;
  readonly unit: string;
  /** Most it may be. */
  readonly budget?: number;
  /** A ratio or a count, which a busy machine does not change: above its budget it fails the run. */
  readonly strict?: boolean;
  readonly what: string;
}

/** Nearest rank. @param share 0.99 for the 99th percentile */
export function percentile(values: readonly number[], share: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const value = sorted[Math.max(0, Math.ceil(share * sorted.length) - 1)];
  if (value === undefined) throw new Error("nothing was measured");
  return value;
}

/** Writes bench/results/NAME.json and NAME.md. @returns budgets that must hold and are broken. */
export async function publish(name: string, introduction: string, figures: readonly Figure[]): Promise<string[]> {
  const rows = figures.map(
    ({ name: label, value, unit, budget, what }) =>
      `| ${label} | ${shown(value)} ${unit} | ${budget === undefined ? "" : `${shown(budget)} ${unit}`} | ${what} |`,
  );
  const text = `# ${name[0]!.toUpperCase()}${name.slice(1)}

${introduction}

${machine()}

| name | measured | budget | what |
| ---- | -------: | -----: | ---- |
${rows.join("\n")}
`;
  console.log(text);
  const folder = resolve(import.meta.dirname, "results");
  await mkdir(folder, { recursive: true });
  const values = Object.fromEntries(figures.map(({ name: label, value }) => [label, value]));
  await writeFile(resolve(folder, `${name}.json`), `${JSON.stringify({ machine: machine(), values }, null, 2)}\n`);
  await writeFile(resolve(folder, `${name}.md`), text);
  const broken = figures.filter(({ value, budget }) => budget !== undefined && value > budget);
  for (const { name: label, value, unit, budget } of broken)
    console.error(`${label} is above its budget of ${budget} ${unit}: ${shown(value)}`);
  return broken.filter(({ strict }) => strict).map(({ name: label }) => label);
}

function machine(): string {
  const [first] = cpus();
  return `${cpus().length} × ${first?.model.trim() ?? "unknown processor"}, ${Math.round(totalmem() / 2 ** 30)} GiB, Node ${process.versions.node}.`;
}

function shown(value: number): string {
  return value.toLocaleString("en-US", { maximumFractionDigits: value < 10 ? 2 : value < 100 ? 1 : 0 });
}
