import { mulDivUp } from "@ioe/protocol";

/** Energy of a delivery as the meters show it before it is settled. For people only: the contract alone decides. */

type Side = "exported" | "imported";

interface Registers {
  takenAt: number;
  imported: bigint;
  exported: bigint;
}

/** What one meter has counted since the purchase. */
export interface Witness {
  /** Energy units. */
  energy: bigint;
  /** W in the delivery's direction. */
  powerW: number | undefined;
  /** Where `powerW` comes from. */
  source: "live" | "average";
}

/**
 * @param side the register that counts for this meter: the seller's export, the buyer's import
 * @param baseline the registers when the purchase was made
 * @param latest the registers of the newest reading on chain
 * @param live the meter's own signed figures, however old: a register never goes back
 * @param fresh they are young enough for their power to be the power now
 * @param boughtAt Unix seconds; a baseline may be older than the purchase, during which nothing flowed
 */
export function witness(
  side: Side,
  baseline: Registers | undefined,
  latest: Registers | undefined,
  live: (Registers & { powerW: number }) | undefined,
  fresh: boolean,
  boughtAt: number,
  unitsPerKWh: bigint,
): Witness | undefined {
  if (!baseline || !latest) return undefined;
  const positive = (x: bigint) => (x > 0n ? x : 0n);
  const settled = positive(latest[side] - baseline[side]);
  const shown = live ? positive(live[side] - baseline[side]) : 0n;
  const energy = shown > settled ? shown : settled;
  if (live && fresh) {
    return { energy, powerW: Math.max(0, side === "exported" ? live.powerW : -live.powerW), source: "live" };
  }
  const seconds = latest.takenAt - Math.max(baseline.takenAt, boughtAt);
  const watts = seconds > 0 ? (Number(settled) * 3_600_000) / Number(unitsPerKWh) / seconds : undefined;
  return { energy, powerW: watts && Math.round(watts), source: "average" };
}

/**
 * What both witnesses agree on, as `DirectMarket` will see it: the lesser of what was given and what arrived, the latter
 * with the allowance for losses on the line (1/10_000, rounded up); never more than was bought.
 */
export function agreed(energy: bigint, given: bigint, taken: bigint, lineLossAllowance: bigint): bigint {
  const sent = mulDivUp(taken, 10_000n + lineLossAllowance, 10_000n);
  return [given, sent].reduce((least, each) => (each < least ? each : least), energy);
}

/** Seconds until the rest has flowed at this power, undefined when nothing flows. */
export function timeLeft(energy: bigint, measured: bigint, powerW: number | undefined, unitsPerKWh: bigint) {
  if (measured >= energy) return 0;
  if (!powerW || powerW <= 0) return undefined;
  return (Number(energy - measured) * 3_600_000) / Number(unitsPerKWh) / powerW;
}

/**
 *   waiting ─► flowing ─► settling ─► (closed)
 *      └──────────┴─► ending ─┘            ending: a party has asked for the end
 */
export type Phase = "waiting" | "flowing" | "settling" | "ending";

export function phaseOf(context: {
  now: number;
  deadline: number;
  endedEarly: boolean;
  energy: bigint;
  measured: bigint;
  powerW: number | undefined;
}): Phase {
  const { now, deadline, endedEarly, energy, measured, powerW } = context;
  if (now > deadline || measured >= energy) return "settling";
  if (endedEarly) return "ending";
  return measured > 0n || (powerW ?? 0) > 0 ? "flowing" : "waiting";
}
