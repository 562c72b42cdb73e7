/** Which slots there are to choose from, and until when. Times in Unix seconds. */
export interface SlotTimes {
  slotDuration: number;
  gateClosure: number;
  openAhead: number;
}

/** Slots offered side by side; later ones are in a list. */
const NEAR = 6;
/** Nobody fills in a form in less. */
const HASTE = 45;

/** From this instant on a slot takes no more orders. */
export const gateOf = (slot: number, { slotDuration, gateClosure }: SlotTimes) => slot * slotDuration - gateClosure;

/** The next slots, and the later ones that take orders already. @param current the slot that runs now */
export function slotsAfter(current: number, { openAhead }: SlotTimes): { near: number[]; later: number[] } {
  const all = Array.from({ length: openAhead }, (_, i) => current + 1 + i);
  return { near: all.slice(0, NEAR), later: all.slice(NEAR) };
}

/** The first slot with enough time left to place an order: two slots, or as long as a person needs. */
export function firstSlot(now: number, current: number, times: SlotTimes): number {
  const { near } = slotsAfter(current, times);
  const needed = Math.min(HASTE, 2 * times.slotDuration);
  return near.find((slot) => gateOf(slot, times) - now >= needed) ?? near.at(-1) ?? current + 1;
}
