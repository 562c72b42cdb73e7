import { energyIn } from "../metering/index.ts";

export type Role = "source" | "sink";

/** Which relays of ours connect our meter with others, and what power the way carries. */
export interface Route {
  readonly role: Role;
  /** Meters at the other end. */
  readonly peers: "any" | readonly number[];
  /** Relays to close, in this order. */
  readonly relays: readonly string[];
  readonly powerW: number;
}

/** A transfer of energy between our meter and another one, from our side. */
export interface Transfer {
  readonly role: Role;
  readonly peer: number;
  readonly energy: bigint;
  readonly route: Route;
  /** Time the energy takes at the route's power, seconds. */
  readonly estimatedS: number;
}

/** The way to another meter: a route that names the meter goes before one for any. */
export function findRoute(routes: readonly Route[], role: Role, peer: number): Route | undefined {
  const fitting = routes.filter((route) => route.role === role);
  return (
    fitting.find(({ peers }) => peers !== "any" && peers.includes(peer)) ?? fitting.find(({ peers }) => peers === "any")
  );
}

/** Relays of ours that form the path between our meter and another one; none when there is no path. */
export function relaysBetween(routes: readonly Route[], role: Role, peer: number): readonly string[] {
  return findRoute(routes, role, peer)?.relays ?? [];
}

/** Seconds the energy takes at a power, rounded up. */
export function estimatedTimeS(energy: bigint, powerW: number, unitsPerKWh: bigint): number {
  return Math.ceil((Number(energy) * 3.6e6) / (powerW * Number(unitsPerKWh)));
}

/** Plans a transfer; nothing when no route leads to the other meter. */
export function transfer(
  routes: readonly Route[],
  role: Role,
  peer: number,
  energy: bigint,
  unitsPerKWh: bigint,
): Transfer | undefined {
  const route = findRoute(routes, role, peer);
  return route && { role, peer, energy, route, estimatedS: estimatedTimeS(energy, route.powerW, unitsPerKWh) };
}

/** A checkpoint is due after so long at least, and after this share of the energy. */
export const CHECKPOINT_S = 60;
export const CHECKPOINT_SHARE = 20n;

/** Energy a source may be ahead of what the buyer's meter has confirmed: three checkpoints' worth. */
export function defaultMaxUnwitnessed({ energy, route }: Transfer, unitsPerKWh: bigint): bigint {
  const byTime = energyIn(route.powerW, CHECKPOINT_S * 1_000, unitsPerKWh);
  const byShare = energy / CHECKPOINT_SHARE;
  return 3n * (byTime > byShare ? byTime : byShare);
}
