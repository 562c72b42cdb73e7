/**
 * When this keeper acts on what is due: so many seconds after it has first seen it, so that of several keepers, each with
 * a wait of its own, one comes first and the others find it done.
 */
export class Turns {
  readonly #waitS: number;
  #seen = new Map<unknown, number>();
  #seenNow = new Map<unknown, number>();

  constructor(waitS: number) {
    this.#waitS = waitS;
  }

  /**
   * @param what is due, by a name of its own.
   * @param now Unix seconds.
   * @param mostS the wait is no longer than this.
   */
  isOurs(what: unknown, now: number, mostS = Infinity): boolean {
    const since = this.#seen.get(what) ?? now;
    this.#seenNow.set(what, since);
    return now >= since + Math.min(this.#waitS, mostS);
  }

  /**
   * What nobody has asked about since the round before is no longer due.
   * @param complete false when something went wrong and what is due was perhaps not asked about.
   */
  nextRound(complete = true): void {
    this.#seen = complete ? this.#seenNow : new Map([...this.#seen, ...this.#seenNow]);
    this.#seenNow = new Map();
  }
}
