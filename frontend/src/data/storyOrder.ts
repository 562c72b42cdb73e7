/** Which readings stand behind which step of a story. Pure. */
import type { Hex } from "@ioe/protocol";

/** Where in the chain something happened. */
export interface Place {
  blockNumber: bigint;
  logIndex: number;
}

/** An accepted reading: a meter's registers at one instant, energy units. */
export interface Reading {
  meterId: number;
  takenAt: number;
  imported: bigint;
  exported: bigint;
  block: bigint;
  logIndex: number;
  transaction: Hex;
}

/** A step: what happened, when (Unix seconds), and each meter's newest reading that no earlier step had. */
export interface Told<Event> {
  event: Event;
  time: number;
  readings: Reading[];
}

const isBefore = (reading: Reading, place: Place) =>
  reading.block < place.blockNumber || (reading.block === place.blockNumber && reading.logIndex < place.logIndex);

/** @param events @param readings both in chain order */
export function attachReadings<Event extends Place>(
  events: readonly Event[],
  readings: readonly Reading[],
): Omit<Told<Event>, "time">[] {
  let told = 0;
  return events.map((event) => {
    const newest = new Map<number, Reading>();
    for (; told < readings.length && isBefore(readings[told]!, event); told++) {
      newest.set(readings[told]!.meterId, readings[told]!);
    }
    return { event, readings: [...newest.values()] };
  });
}
