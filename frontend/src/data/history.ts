/** How far the chain's history has been read. */

/** Blocks of one reading; a short one, which takes a moment, has none. */
export interface HistoryProgress {
  read: bigint;
  of: bigint;
}

/** Tells how far a reading is: first of all, after each piece, and when it is done (`read === of`). */
export type Tell = (progress: HistoryProgress) => void;

/** All readings of the page. Those who wait for them are shown the one that has most of its way before it. */
export function watchHistory() {
  const readings = new Map<string, HistoryProgress>();
  const listeners = new Set<() => void>();
  let slowest: HistoryProgress | undefined;
  return {
    /** Undefined until there was a long reading. */
    get: () => slowest,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** @param name of the reading */
    teller:
      (name: string): Tell =>
      (progress) => {
        readings.set(name, progress);
        slowest = [...readings.values()].reduce((a, b) => (b.read * a.of < a.read * b.of ? b : a));
        for (const listener of listeners) listener();
      },
  };
}

export type HistoryWatcher = ReturnType<typeof watchHistory>;
