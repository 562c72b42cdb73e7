import type { Clock } from "../clock.ts";
import { Lease } from "./lease.ts";

/** The authority covers so many blocks at least: with slow blocks one late block must not open the relays. */
const BLOCKS = 3;
/** But no longer than this, ms: blocks that are hours apart say that the chain stood still, not that it is slow. */
const MOST_FOR_BLOCKS_MS = 600_000;

/** Right to keep relays closed: it ends when the contract could not be read again in time. */
export class Authority {
  readonly #lease: Lease;
  readonly #leaseMs: number;
  #head: { readonly number: bigint; readonly timestamp: number } | undefined;
  #blockTimeMs = 0;

  /** @param onExpiry opens what this authority keeps closed. */
  constructor(clock: Clock, leaseMs: number, onExpiry: () => void) {
    this.#lease = new Lease(clock, onExpiry);
    this.#leaseMs = leaseMs;
  }

  get valid(): boolean {
    return this.#lease.valid;
  }

  /** How long a reading of the contract is good for, ms. */
  get ms(): number {
    return Math.max(this.#leaseMs, Math.min(MOST_FOR_BLOCKS_MS, BLOCKS * this.#blockTimeMs));
  }

  /** The contract has been read and wants the relays closed. */
  renew(): void {
    this.#lease.renew(this.ms);
  }

  /** Ends it without calling `onExpiry`. */
  end(): void {
    this.#lease.end();
  }

  /** Learns the time between blocks. @param head timestamp in Unix seconds. */
  noteHead(head: { readonly number: bigint; readonly timestamp: number }): void {
    const before = this.#head;
    this.#head = head;
    if (!before || head.number <= before.number) return;
    this.#blockTimeMs = ((head.timestamp - before.timestamp) * 1_000) / Number(head.number - before.number);
  }
}
