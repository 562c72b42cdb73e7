/** Which slots' books are read, and when. Pure. */

/** Books asked about in one call, which nodes allow only so much gas: a book takes about 150,000. */
const BOOKS_AT_ONCE = 24;

/** A book as the queries keep it. */
interface Kept {
  data?: unknown;
  /** Milliseconds. */
  dataUpdatedAt: number;
  /** A block has come since. */
  isInvalidated: boolean;
}

/** Whether a book does for somebody who began to ask at an instant. */
export const isRead = (kept: Kept | undefined, since: number): boolean =>
  kept?.data !== undefined && (!kept.isInvalidated || kept.dataUpdatedAt >= since);

/**
 * The books to read now, and with every block for as long as they are among them: all that are followed, and of those not
 * read yet no more than go into one call.
 * @param others to be read once
 */
export function booksDue(
  followed: readonly number[],
  others: readonly number[],
  isThere: (slot: number) => boolean,
): Set<number> {
  const missing = [...followed, ...others].filter((slot) => !isThere(slot));
  return new Set([...followed.filter(isThere), ...missing.slice(0, BOOKS_AT_ONCE)]);
}
