/**
 * Splits work into batches that fit the room, halving what does not; a single item that does not fit or fails stays
 * alone, so that it holds up nobody else.
 * @param gasOf estimate for a batch; nothing when the node cannot execute it at once.
 */
export async function batchesWithin<T>(
  items: readonly T[],
  room: bigint,
  gasOf: (batch: readonly T[]) => Promise<bigint | undefined>,
): Promise<T[][]> {
  if (items.length === 0) return [];
  if (items.length > 1) {
    const gas = await gasOf(items);
    if (gas === undefined || gas > room) {
      const half = Math.ceil(items.length / 2);
      const first = await batchesWithin(items.slice(0, half), room, gasOf);
      return [...first, ...(await batchesWithin(items.slice(half), room, gasOf))];
    }
  }
  return [[...items]];
}
