/**
 * Prometheus' text format, version 0.0.4 (https://prometheus.io/docs/instrumenting/exposition_formats). Names follow
 * https://prometheus.io/docs/practices/naming: base units (seconds, bytes, joules, watts), `_total` for what only grows.
 */
export const CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8";

export interface Sample {
  labels?: Record<string, string>;
  /** An integer too large for a double, or an exact decimal, is text. */
  value: number | string | boolean;
}

export interface Metric {
  name: string;
  help: string;
  type: "gauge" | "counter";
  /** One value, one per set of labels, or nothing while it is unknown. */
  samples: readonly Sample[] | Sample["value"] | undefined;
}

export function render(metrics: readonly Metric[]): string {
  return metrics.map(lines).join("");
}

function lines({ name, help, type, samples }: Metric): string {
  if (samples === undefined) return "";
  const all = typeof samples === "object" ? samples : [{ value: samples }];
  if (all.length === 0) return "";
  const head = `# HELP ${name} ${help.replace(/\\/g, "\\\\").replace(/\n/g, "\\n")}\n# TYPE ${name} ${type}\n`;
  return head + all.map(({ labels, value }) => `${name}${braces(labels)} ${numeral(value)}\n`).join("");
}

function braces(labels: Record<string, string> = {}): string {
  const pairs = Object.entries(labels).map(([name, value]) => `${name}="${escaped(value)}"`);
  return pairs.length === 0 ? "" : `{${pairs.join(",")}}`;
}

function escaped(value: string): string {
  return value.replace(/\\/g, "\\\\").replace(/"/g, '\\"').replace(/\n/g, "\\n");
}

function numeral(value: Sample["value"]): string {
  if (typeof value === "boolean") return value ? "1" : "0";
  if (value === Infinity) return "+Inf";
  return value === -Infinity ? "-Inf" : String(value);
}
