import { reasons } from "./hardware/needs.ts";

/** What a file of tests did not run, and why, stands below it. */
export const mochaHooks = {
  afterAll(): void {
    for (const [what, why] of reasons) console.log(`    not run: ${what}: ${why}`);
    reasons.clear();
  },
};
