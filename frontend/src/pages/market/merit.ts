/** What the order of offers depends on. */
export interface Ranked {
  id: bigint;
  allIn: bigint;
  busy: unknown;
  record: { promised: bigint; delivered: bigint };
}

/** Undelivered share of what was promised, compared without division: a/b against c/d as a·d against c·b. */
function missing({ promised, delivered }: Ranked["record"], other: Ranked["record"]): bigint {
  const open = promised - delivered;
  const otherOpen = other.promised - other.delivered;
  // A seller without a past counts as one who kept every promise.
  return open * (other.promised || 1n) - otherOpen * (promised || 1n);
}

const sign = (x: bigint) => (x < 0n ? -1 : x > 0n ? 1 : 0);

/** Cheapest first; at the same price those who can deliver now, then the more reliable, then the older offer. */
export function byMerit(a: Ranked, b: Ranked): number {
  return (
    sign(a.allIn - b.allIn) ||
    Number(Boolean(a.busy)) - Number(Boolean(b.busy)) ||
    sign(missing(a.record, b.record)) ||
    sign(a.id - b.id)
  );
}
