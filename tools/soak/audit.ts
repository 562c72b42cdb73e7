/** What the audit finds: sentences with numbers, and everything that does not hold. */
import type { Violation } from "./ground.ts";

export class Findings {
  readonly violations: Violation[] = [];
  /** By name, for the report. */
  readonly facts: Record<string, number | string> = {};
  readonly #chapter: string;

  constructor(chapter: string) {
    this.#chapter = chapter;
  }

  get chapter(): string {
    return this.#chapter;
  }

  fact(name: string, value: number | bigint | string): void {
    this.facts[name] = typeof value === "bigint" ? Number(value) : value;
  }

  holds(condition: boolean, what: string, detail = ""): void {
    if (!condition) this.violations.push({ what: `${this.#chapter}: ${what}`, detail });
  }

  same(actual: bigint | number, expected: bigint | number, what: string): void {
    this.holds(BigInt(actual) === BigInt(expected), what, `is ${actual}, has to be ${expected}`);
  }
}
