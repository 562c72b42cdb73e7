import type { Role } from "../delivery/index.ts";

/** What the auction wants of our meter in a slot. */
export interface Fill {
  readonly slot: number;
  readonly role: Role;
  /** Energy units to export (source) or import (sink) within the slot. */
  readonly energy: bigint;
}

export interface Inputs {
  readonly unixMs: number;
  /** Bounds of the slot, Unix ms. */
  readonly startMs: number;
  readonly endMs: number;
  readonly fill: Fill;
  /** Exported (source) or imported (sink) since the slot's start. */
  readonly moved: bigint;
  readonly resolution: bigint;
  /** A direct delivery of this meter is under way. */
  readonly delivering: boolean;
  /** The contract has been read recently enough. */
  readonly authority: boolean;
}

/** Sinks have so long to close before sources do, ms: against open sinks nothing flows. */
const SINK_HEAD_START_MS = 2_000;
/** Time from the decision to an open contact, ms; what flows after the slot belongs to nobody. */
const OPENING_MS = 200;

/** When a slot's relays have to start opening, Unix ms. */
export function opensAt(endMs: number): number {
  return endMs - OPENING_MS;
}

/**
 * Whether the meter's relays should be closed for its fill now: from the slot's start until the energy is reached or
 * the slot ends. A direct delivery goes first, for there every unit is somebody's.
 */
export function wantsClosed(inputs: Inputs): boolean {
  const { unixMs, startMs, endMs, fill, moved, resolution, delivering, authority } = inputs;
  if (!authority || delivering) return false;
  const from = startMs + (fill.role === "source" ? SINK_HEAD_START_MS : 0);
  if (unixMs < from || unixMs >= opensAt(endMs)) return false;
  // One step more, so that the floored registers at both ends of the slot still show the whole fill.
  return moved < fill.energy + resolution;
}
