/**
 * Slots are half-open to the left: slot s covers (s·D, (s+1)·D], so a reading taken at exactly (s+1)·D closes slot s.
 * Times are Unix seconds. The contracts' twin is `MeterRegistry.slotOf`.
 */

/** Slot that contains the instant; 0 for instants before the first second. */
export function slotOf(timestamp: number, slotDuration: number): number {
  return timestamp <= 0 ? 0 : Math.floor((timestamp - 1) / slotDuration);
}

/** Last instant of a slot, which is also the boundary to the next one. */
export function endOf(slot: number, slotDuration: number): number {
  return (slot + 1) * slotDuration;
}

/** First boundary at or after the instant. */
export function nextBoundary(timestamp: number, slotDuration: number): number {
  return endOf(slotOf(timestamp, slotDuration), slotDuration);
}
