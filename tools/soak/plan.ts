/** Which fault strikes whom and when, all drawn before the run from its seed. */
import { type Fault, FAULTS } from "./faults/index.ts";
import type { Ground } from "./ground.ts";
import { Random } from "./random.ts";

export interface Strike {
  /** Seconds after the beginning. */
  readonly at: number;
  readonly fault: Fault;
  /** 0: everybody. */
  readonly household: number;
  /** Of what the fault itself draws. */
  readonly seed: number;
}

/** Each household meets a fault so often on average, s; all of them together are met as often as one of them. */
const HOUSEHOLD_EVERY_S = 100;
const COMMON_EVERY_S = 60;
/** Every so manyth household's oracle is never ended: its memory is watched over the whole run. */
const VETERAN_EVERY = 4;

export function isVeteran(n: number): boolean {
  return n > 0 && n % VETERAN_EVERY === 0;
}

/** @param seconds in which faults begin. */
export function plan(ground: Ground, seconds: number, seed: number): readonly Strike[] {
  const random = new Random(seed);
  const strikes = [0, ...ground.households].flatMap((household) => {
    const possible = FAULTS.filter(
      ({ common = false, restarts, meets }) =>
        common === (household === 0) && !(restarts && isVeteran(household)) && (meets?.(ground, household) ?? true),
    );
    const urn = possible.flatMap((fault) => Array<Fault>(fault.weight).fill(fault));
    const every = household === 0 ? COMMON_EVERY_S : HOUSEHOLD_EVERY_S;
    const own: Strike[] = [];
    for (let at = random.within(5, every); at < seconds && urn.length > 0; at += random.within(every / 2, every * 1.5))
      own.push({ at, fault: random.pick(urn), household, seed: random.within(1, 1_000_000_000) });
    return own;
  });
  return strikes.sort((a, b) => a.at - b.at);
}

/** Faults that can meet nobody here, and why. */
export function untried(ground: Ground): ReadonlyMap<string, string> {
  const lacking = FAULTS.filter(
    ({ common, meets }) =>
      meets && ![0, ...ground.households].some((n) => (common ?? false) === (n === 0) && meets(ground, n)),
  );
  return new Map(lacking.map(({ name, needs }) => [name, needs ?? ""]));
}
