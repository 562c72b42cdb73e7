import { CHECKPOINT_S, CHECKPOINT_SHARE, type Role } from "./routes.ts";

/*
 * One delivery, seen from one side. The two oracles exchange no messages: each switches its own relays and sees the
 * other one only through the chain and through the flow at its own meter.
 *
 *                 sink: at once
 *                 source: the buyer has posted a reading since the
 *                 purchase (its relay is closed), or 10 s have passed
 *  ┌───────────┐ ────────────────────────────────▶ ┌─────────┐  power   ┌─────────┐
 *  │ preparing │                                   │ waiting │ ───────▶ │ flowing │
 *  │   (open)  │ ◀──────────────────────────────── │ (closed)│          │ (closed)│
 *  └─────┬─────┘  fault that may pass, authority   └────┬────┘          └────┬────┘
 *        │        expired, relay fell open  ◀───────────│────────────────────┤
 *        │                                              │ no flow in time    │ target, unwitnessed (source),
 *        │ no route, too small,                         ▼                    │ silent (sink), no flow (source)
 *        │ never ready                             ┌─────────┐               │
 *        └────────────────────────────────────────▶│  ended  │◀──────────────┘
 *          from everywhere: closed on chain,       │  (open) │
 *          deadline, latched fault                 └─────────┘
 *
 * The source opens first: at its target, while the sink still takes what comes for two polls more. Opening is never conditional.
 */

export type Phase = "preparing" | "waiting" | "flowing" | "ended";

export type EndReason =
  | "target"
  | "deadline"
  | "closed-on-chain"
  | "no-route"
  | "too-small"
  | "not-ready"
  | "no-flow"
  | "silent"
  | "unwitnessed"
  | "fault";

export interface State {
  readonly phase: Phase;
  /** Monotonic ms at which the phase began. */
  readonly since: number;
  /** Monotonic ms at which flow was last seen in this phase. */
  readonly flowAt: number;
  /** The sink has noted that the flow stopped. */
  readonly still: boolean;
}

/** What is known at this moment. Times are monotonic ms unless named otherwise. */
export interface Inputs {
  readonly now: number;
  readonly unixS: number;
  readonly role: Role;
  readonly energy: bigint;
  /** Exported (source) or imported (sink) since the start of the delivery, by the newest sample. */
  readonly moved: bigint;
  readonly sampleAt: number;
  /** Power in the direction of the delivery, W. */
  readonly powerW: number;
  readonly resolution: bigint;
  /** The coarser resolution of both meters, as far as it is known. */
  readonly coarser: bigint;
  readonly unitsPerKWh: bigint;
  /** Power the route carries, W; nothing without a route. */
  readonly routePowerW: number | undefined;
  /** Our relays of the route are closed. */
  readonly closed: boolean;
  /** Unix seconds. */
  readonly purchasedAt: number;
  readonly deadline: number;
  /** The chain says that nothing more is wanted: closed, or everything delivered. */
  readonly over: boolean;
  readonly fault: { readonly latched: boolean } | undefined;
  /** The contract's state has been read recently enough to keep relays closed. */
  readonly authority: boolean;
  /** `takenAt` of the buyer's newest reading on chain, Unix seconds. */
  readonly witnessAt: number;
  /** Exported since that reading. */
  readonly unwitnessed: bigint;
  /** Our newest reading: Unix seconds, and what had moved by then. */
  readonly readingAt: number;
  readonly readingMoved: bigint;
  readonly checkpoints: number;
  readonly limits: Limits;
}

export interface Limits {
  readonly pollMs: number;
  readonly noFlowMs: number;
  /** The sink opens when the flow has stopped for so long. */
  readonly silentMs: number;
  readonly maxUnwitnessed: bigint;
}

export interface Decision {
  readonly state: State;
  readonly relays: "open" | "closed";
  /** Take and post a reading now. */
  readonly checkpoint: boolean;
  /** Set once, when the delivery ends on our side. */
  readonly end?: EndReason;
  /** Decide again after this time, without waiting for the next sample. */
  readonly wakeInMs?: number;
}

/** The source closes so long after the purchase even without a sign of the sink, s. */
const SINK_HEAD_START_S = 10;
const MAX_CHECKPOINTS = 20;
/** A trade is at least so many steps of the coarser meter: below, the steps decide what was delivered. */
const MIN_STEPS = 20n;
/** Share of the route's power that counts as flow. */
const FLOW_SHARE = 0.01;
/** The sink's target lies so many polls behind the source's: it opens second even when the two meters' samples differ in time. */
const SINK_LAG_POLLS = 2;
/** A sample's power is carried on for so long. */
const BELIEVED_POLLS = 2;
/** The contract counts whole units, per slot and meter: so many may be lost in a delivery's first and last slot. */
const ROUNDING_UNITS = 2n;

/** Least energy that two meters can witness, by the coarser one's resolution. */
export function smallestTrade(coarser: bigint): bigint {
  return MIN_STEPS * coarser;
}

export function start(now: number): State {
  return { phase: "preparing", since: now, flowAt: now, still: false };
}

export function decide(state: State, inputs: Inputs): Decision {
  if (state.phase === "ended") return { state, relays: "open", checkpoint: false };
  const wasClosed = state.phase !== "preparing";
  const enter = (phase: Phase): State => ({ phase, since: inputs.now, flowAt: inputs.now, still: false });

  const end = endReason(state, inputs);
  if (end) return { state: enter("ended"), relays: "open", checkpoint: wasClosed, end };

  if (wasClosed && (inputs.fault || !inputs.authority || !inputs.closed)) {
    return { state: enter("preparing"), relays: "open", checkpoint: true };
  }
  switch (state.phase) {
    case "preparing":
      if (inputs.closed) return { state: enter("waiting"), relays: "closed", checkpoint: inputs.role === "sink" };
      return { state, relays: mayClose(inputs) ? "closed" : "open", checkpoint: false };
    case "waiting":
      if (flows(inputs)) return flowing(enter("flowing"), inputs);
      return { state, relays: "closed", checkpoint: false };
    case "flowing":
      return flowing(state, inputs);
  }
}

function flowing(state: State, inputs: Inputs): Decision {
  const { now, role, limits } = inputs;
  const next = flows(inputs) ? { ...state, flowAt: now, still: false } : state;
  // The source has probably opened: its last energy is proven at once, not when we open.
  const stopped = role === "sink" && !next.still && now - next.flowAt >= 2 * limits.pollMs;
  const left = timeToTarget(next, inputs);
  return {
    state: stopped ? { ...next, still: true } : next,
    relays: "closed",
    checkpoint: stopped || checkpointDue(inputs),
    ...(left < limits.pollMs ? { wakeInMs: left } : {}),
  };
}

function endReason(state: State, inputs: Inputs): EndReason | undefined {
  const { now, unixS, role, energy, coarser, limits, routePowerW } = inputs;
  if (inputs.over) return "closed-on-chain";
  if (unixS >= inputs.deadline) return "deadline";
  if (routePowerW === undefined) return "no-route";
  if (energy < smallestTrade(coarser)) return "too-small";
  if (inputs.fault?.latched) return "fault";
  if (timeToTarget(state, inputs) <= 0) return "target";
  if (role === "source" && inputs.unwitnessed > limits.maxUnwitnessed) return "unwitnessed";
  const silentFor = now - state.flowAt;
  switch (state.phase) {
    case "preparing":
      return now - state.since >= limits.noFlowMs ? "not-ready" : undefined;
    case "waiting":
      return silentFor >= limits.noFlowMs ? "no-flow" : undefined;
    case "flowing":
      if (role === "sink") return silentFor >= limits.silentMs ? "silent" : undefined;
      return silentFor >= limits.noFlowMs ? "no-flow" : undefined;
    case "ended":
      return undefined;
  }
}

/** Against an open sink nothing flows, so the source may close without certainty that the sink is there. */
function mayClose(inputs: Inputs): boolean {
  if (inputs.fault) return false;
  if (inputs.role === "sink") return true;
  return inputs.witnessAt >= inputs.purchasedAt || inputs.unixS >= inputs.purchasedAt + SINK_HEAD_START_S;
}

function flows({ powerW, routePowerW = 0 }: Inputs): boolean {
  return powerW > 0 && powerW >= FLOW_SHARE * routePowerW;
}

/**
 * Milliseconds until our contact has to start opening, by the power of the newest sample; 0 when it is time. That power is
 * believed for the two polls after which a meter counts as silent, and only while something flows: what was not measured is
 * no reason to end.
 * A little more than the energy is let through, and what flows while the contact opens: what flows too much stays the
 * seller's unsold export, while a missing unit would leave the delivery incomplete.
 */
function timeToTarget({ phase }: State, inputs: Inputs): number {
  const { role, energy, moved, resolution, powerW, now, sampleAt, unitsPerKWh, limits, fault } = inputs;
  const left = energy + (resolution - 1n) + ROUNDING_UNITS - moved;
  if (phase !== "flowing" || fault || !flows(inputs)) return left <= 0n ? 0 : Infinity;
  const perMs = (powerW * Number(unitsPerKWh)) / 3.6e9;
  const lagMs = role === "sink" ? SINK_LAG_POLLS * limits.pollMs : 0;
  const sinceMs = Math.min(now - sampleAt, BELIEVED_POLLS * limits.pollMs);
  return Math.max(0, Number(left) / perMs + lagMs - sinceMs);
}

function checkpointDue({ unixS, readingAt, moved, readingMoved, energy, checkpoints }: Inputs): boolean {
  if (checkpoints >= MAX_CHECKPOINTS || unixS - readingAt < CHECKPOINT_S) return false;
  return moved - readingMoved >= energy / CHECKPOINT_SHARE;
}
