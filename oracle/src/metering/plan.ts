import { endOf, slotOf } from "@ioe/protocol";
import type { SignedReading } from "./readings.ts";

export interface PlanInputs {
  /** Stored and not yet on chain, by `takenAt`. */
  pending: readonly SignedReading[];
  /** The stored reading that continues the chain after an instant, whatever became of it. */
  readingSince: (takenAt: number) => SignedReading | undefined;
  /** Newest reading the chain has, Unix seconds; 0 before the first. */
  lastTakenAt: number;
  /** Time of the chain's head: what is newer would be refused as `InFuture`. */
  headTimestamp: number;
  /** Own clock, Unix seconds. */
  now: number;
  slotDuration: number;
  grace: number;
}

export interface Plan {
  /** Readings to send, in order. */
  send: SignedReading[];
  /** To be signed again with `since = 0` and sent before everything else: the chain cannot be continued. */
  restart: SignedReading | undefined;
  /** Will never be sent; kept. */
  evidence: SignedReading[];
}

/** A reading may be newer than chain and clock by so much, s: it was rounded, and a node's clock may be behind. */
const AHEAD_S = 15;
/** Readings in one transaction; 28k gas each. */
const BATCH = 40;

/**
 * What to tell the chain next. It takes a reading only if `since` is the instant of the last one it has, or 0:
 *
 *   chain's last ──▶ stored readings that continue it ──▶ sent in order
 *                └─▶ none (journal lost, other chain of readings): the oldest pending one restarts with since = 0
 *
 * What is dated later than both chain and clock was signed while the clock was ahead: were it kept until its time comes,
 * energy would be booked to a slot in which it did not flow.
 *
 * Of readings past the grace of their slot nothing is booked any more, so only the newest of them goes on chain, as the
 * restart that the readings in time are chained to.
 */
export function planReport(inputs: PlanInputs): Plan {
  const { pending, lastTakenAt, headTimestamp, now } = inputs;
  const latest = Math.max(headTimestamp, now) + AHEAD_S;
  const evidence = pending.filter(({ takenAt }) => takenAt <= lastTakenAt || takenAt > latest);
  const chain = continuation(inputs, latest);
  const late = chain.filter((reading) => isLate(reading, inputs)).length;
  if (late > 1) {
    evidence.push(...chain.splice(0, late - 1).filter((old) => pending.some((reading) => isSame(reading, old))));
    const newest = chain[0]!;
    const signed = pending.find(({ since, takenAt }) => since === 0 && takenAt === newest.takenAt);
    if (!signed) return { send: [], restart: newest, evidence };
    chain[0] = signed;
  }
  const [first] = chain;
  if (first && first.since !== lastTakenAt && first.since !== 0) return { send: [], restart: first, evidence };
  return {
    send: chain.slice(0, BATCH).filter(({ takenAt }) => takenAt <= headTimestamp),
    restart: undefined,
    evidence,
  };
}

/** Stored readings from the chain's last one on; else from the oldest pending one on, whether it fits or not. */
function continuation(inputs: PlanInputs, latest: number): SignedReading[] {
  const { pending, readingSince, lastTakenAt, headTimestamp } = inputs;
  const chained = lastTakenAt > 0 ? readingSince(lastTakenAt) : undefined;
  const first =
    chained && chained.takenAt <= latest
      ? chained
      : pending.find(({ takenAt }) => takenAt > lastTakenAt && takenAt <= latest);
  const chain: SignedReading[] = [];
  for (let next = first; next && next.takenAt <= headTimestamp; next = readingSince(next.takenAt)) chain.push(next);
  return chain;
}

function isSame(a: SignedReading, b: SignedReading): boolean {
  return a.takenAt === b.takenAt && a.since === b.since;
}

function isLate({ takenAt }: SignedReading, { slotDuration, grace, headTimestamp }: PlanInputs): boolean {
  return endOf(slotOf(takenAt, slotDuration), slotDuration) + grace < headTimestamp;
}
