/** Whose a meter's energy is: that of its owner at the time. Pure. */
import type { Address } from "@ioe/protocol";

/** A meter's owner from a slot on. */
export interface OwnedFrom {
  owner: Address;
  fromSlot: number;
}

/** @param owners the first one first */
export function ownerIn(owners: readonly OwnedFrom[], slot: number): Address | undefined {
  return owners.findLast(({ fromSlot }) => fromSlot <= slot)?.owner;
}

/** What belongs to slots in which somebody owned the meter. @param bySlot meter → slot → anything */
export function ofOwner<T>(
  bySlot: ReadonlyMap<number, ReadonlyMap<number, T>>,
  isOwn: (meterId: number, slot: number) => boolean,
): Map<number, ReadonlyMap<number, T>> {
  return new Map([...bySlot].map(([id, slots]) => [id, new Map([...slots].filter(([slot]) => isOwn(id, slot)))]));
}
