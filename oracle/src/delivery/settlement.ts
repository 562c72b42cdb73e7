import { endOf, slotOf } from "@ioe/protocol";
import type { Clock } from "../clock.ts";
import { type Logger, reasonOf } from "../log.ts";
import type { EndReason } from "./decide.ts";
import type { Role } from "./routes.ts";

/** A delivery and both witnesses as of one block; see Zone. */
export interface DeliveryView {
  energy: bigint;
  delivered: bigint;
  startSlot: number;
  deadlineSlot: number;
  /** Unix seconds. */
  deadline: number;
  closed: boolean;
  sellerTakenAt: number;
  buyerTakenAt: number;
  /** The coarser one's of both meters, as registered. */
  resolution: bigint;
}

export interface Settler {
  settle(deliveryId: bigint, slot: number): Promise<{ status: string; reason?: string }>;
  close(deliveryId: bigint): Promise<{ status: string; error?: string; reason?: string }>;
}

export interface SettlementInputs {
  view: DeliveryView;
  role: Role;
  /** Why we ended the delivery on our side, if we did, and when (Unix seconds): nothing has flowed since. */
  ended: { because: EndReason; at: number } | undefined;
  /** Energy our meter had moved by its newest reading on chain, and by the one we settled last for. */
  moved: bigint;
  settledMoved: bigint;
  /** Slot → our newest reading, Unix seconds, that it has been settled for. */
  settled: ReadonlyMap<number, number>;
  /** Time of the chain's head, Unix seconds. */
  headTimestamp: number;
  slotDuration: number;
  grace: number;
}

export interface SettlementPlan {
  settle: number[];
  /** Due, by whichever side. */
  close: boolean;
}

/** Time and number of a block; Unix seconds. */
interface Head {
  readonly number: bigint;
  readonly timestamp: number;
}

/**
 * The sink leaves the source the first chance at every `close` that is due, from the moment it sees that it is: so long, and
 * so many blocks. Otherwise both would pay for the same, and one of them for nothing.
 */
const SINK_WAITS_S = 8;
const SINK_WAITS_BLOCKS = 3n;
/** After a target the last readings of both meters may complete the delivery, s. */
const COMPLETION_S = 30;

/**
 * What to tell the market now; settling goes first. Each side settles after readings of its own; whoever comes second makes
 * the difference. The first `close` of a party ends the delivery with the current slot, the one after both meters are final
 * (or when everything is delivered) finishes it.
 */
export function planSettlement(inputs: SettlementInputs): SettlementPlan {
  const { view, ended, headTimestamp, slotDuration, grace } = inputs;
  if (view.closed) return { settle: [], close: false };
  const bothRead = Math.min(view.sellerTakenAt, view.buyerTakenAt) >= view.deadline;
  const graceOver = headTimestamp > view.deadline + grace;
  // `close` settles every slot by itself.
  if (view.delivered >= view.energy || bothRead || graceOver) return { settle: [], close: true };
  const mayEndEarly = ended !== undefined && slotOf(headTimestamp, slotDuration) < view.deadlineSlot;
  const wait = ended?.because === "target" ? COMPLETION_S : 0;
  return { settle: slotsToSettle(inputs), close: mayEndEarly && headTimestamp >= ended.at + wait };
}

/** Slots in which both meters have been read and ours says more than when we settled last. */
function slotsToSettle({ view, role, moved, settledMoved, settled, slotDuration }: SettlementInputs): number[] {
  if (moved === settledMoved) return [];
  const [mine, other] =
    role === "source" ? [view.sellerTakenAt, view.buyerTakenAt] : [view.buyerTakenAt, view.sellerTakenAt];
  const slots: number[] = [];
  for (let slot = view.startSlot; slot <= view.deadlineSlot; slot++) {
    const slotStart = endOf(slot - 1, slotDuration);
    if (mine <= slotStart || other <= slotStart) break;
    if (readIn(slot, mine, slotDuration) > (settled.get(slot) ?? 0)) slots.push(slot);
  }
  return slots;
}

/** Newest instant of the slot that a meter's readings reach. */
function readIn(slot: number, takenAt: number, slotDuration: number): number {
  return Math.min(takenAt, endOf(slot, slotDuration));
}

export interface SettlementOptions {
  deliveryId: bigint;
  role: Role;
  settler: Settler;
  slotDuration: number;
  grace: number;
  clock: Clock;
  log: Logger;
}

const FIRST_PAUSE_MS = 5_000;
const MAX_PAUSE_MS = 120_000;

/** Settles and closes one delivery; remembers what it has settled and backs off after refusals. */
export class Settlement {
  readonly #options: SettlementOptions;
  readonly #settled = new Map<number, number>();
  #settledMoved = 0n;
  #running = false;
  /** Since when a `close` has been due. */
  #dueSince: Head | undefined;
  #refusals = 0;
  #notBefore = 0;

  constructor(options: SettlementOptions) {
    this.#options = options;
  }

  /**
   * Does what is due by this view; nothing while an earlier call is still at it. Never throws.
   * @param moved by our meter's newest reading on chain.
   */
  async step(view: DeliveryView, moved: bigint, ended: SettlementInputs["ended"], head: Head): Promise<void> {
    const { role, slotDuration, grace, clock, log, deliveryId } = this.#options;
    if (this.#running || clock.monotonicMs() < this.#notBefore) return;
    const facts = { view, role, ended, moved, settledMoved: this.#settledMoved, settled: this.#settled };
    const plan = planSettlement({ ...facts, headTimestamp: head.timestamp, slotDuration, grace });
    this.#dueSince = plan.close ? (this.#dueSince ?? head) : undefined;
    this.#running = true;
    try {
      for (const slot of plan.settle) await this.#settle(view, slot);
      if (plan.settle.length > 0) this.#settledMoved = moved;
      else if (this.#isOurTurn(head)) await this.#close();
    } catch (error) {
      this.#backOff();
      log.warn("settlement.failed", { deliveryId, reason: reasonOf(error) });
    } finally {
      this.#running = false;
    }
  }

  #isOurTurn({ number, timestamp }: Head): boolean {
    const since = this.#dueSince;
    if (!since || this.#options.role === "source") return since !== undefined;
    return timestamp >= since.timestamp + SINK_WAITS_S && number >= since.number + SINK_WAITS_BLOCKS;
  }

  async #settle(view: DeliveryView, slot: number): Promise<void> {
    const { deliveryId, role, settler, slotDuration, log } = this.#options;
    const outcome = await settler.settle(deliveryId, slot);
    // A refusal does not get better by repeating; the next reading, or `close`, settles the slot again.
    const mine = role === "source" ? view.sellerTakenAt : view.buyerTakenAt;
    this.#settled.set(slot, readIn(slot, mine, slotDuration));
    log.info("delivery.settled", { deliveryId, slot, status: outcome.status, reason: outcome.reason });
  }

  async #close(): Promise<void> {
    const { deliveryId, settler, log } = this.#options;
    const outcome = await settler.close(deliveryId);
    const { status, reason } = outcome;
    if (status === "mined" || outcome.error === "DeliveryIsClosed") {
      this.#refusals = 0;
      // What the call did shows in the next view.
      this.#notBefore = this.#options.clock.monotonicMs() + FIRST_PAUSE_MS;
      log.info("delivery.close-sent", { deliveryId, status });
      return;
    }
    this.#backOff();
    log.warn("delivery.close-refused", { deliveryId, status, reason });
  }

  #backOff(): void {
    this.#notBefore =
      this.#options.clock.monotonicMs() + Math.min(FIRST_PAUSE_MS * 2 ** this.#refusals++, MAX_PAUSE_MS);
  }
}
