/** Relays: none was closed without a delivery or a fill that was alive, by what the contacts themselves remember. */
import { unpackOrderId } from "../../protocol/src/order.ts";
import { endOf } from "../../protocol/src/slots.ts";
import { Findings } from "./audit.ts";
import { AUTHORITY_S, type Ground, type Span } from "./ground.ts";
import type { History } from "./history.ts";
import type { Tally } from "./trading.ts";

/** The chain's time is whole seconds and may lie a block off the world's, s. */
const CLOCKS_APART_S = 2;
/** A board opens by itself so long after its oracle was last heard, s. */
const GUARD_S = 7;

type Contact = "charge" | "discharge";

interface Reason extends Span {
  readonly what: string;
}

export async function auditRelays(ground: Ground, history: History, tally: Tally): Promise<Findings> {
  const findings = new Findings("relays");
  const { world, households } = ground;
  const reasons = reasonsOf(ground, history, tally);
  const truth = await world.truth();
  let [closings, latest] = [0, 0];
  for (const n of households) {
    for (const [contact, { closed, history: moves }] of Object.entries(truth.households[n - 1]!.contacts)) {
      findings.holds(!closed, `household ${n}: ${contact} is open in the end`);
      moves.forEach((move, i) => {
        if (!move.closed) return;
        closings++;
        const openedAt = moves[i + 1]?.at ?? truth.at;
        const grounds = (reasons.get(`${n} ${contact}`) ?? []).filter(
          ({ from, to }) => move.at >= from - CLOCKS_APART_S * 1_000 && move.at <= to + CLOCKS_APART_S * 1_000,
        );
        const when = new Date(move.at).toISOString();
        findings.holds(grounds.length > 0, `household ${n}: ${contact} closed for a live delivery or fill`, when);
        if (grounds.length === 0) return;
        const welded = (ground.welded.get(n) ?? []).some(({ from, to }) => openedAt >= from && move.at <= to);
        if (welded) return;
        const over = (openedAt - Math.max(...grounds.map(({ to }) => to))) / 1_000;
        latest = Math.max(latest, over);
        findings.holds(
          over <= AUTHORITY_S + GUARD_S + CLOCKS_APART_S,
          `household ${n}: ${contact} opened when what it was closed for had ended`,
          `closed ${when} for ${grounds.map(({ what }) => what).join(", ")}, opened ${over.toFixed(1)} s after its end`,
        );
      });
    }
  }
  findings.fact("closings", closings);
  findings.fact("latest opening after an end, s", latest.toFixed(1));
  return findings;
}

/** What each contact may be closed for, by "household contact". */
function reasonsOf(ground: Ground, history: History, tally: Tally): ReadonlyMap<string, Reason[]> {
  const reasons = new Map<string, Reason[]>();
  const add = (n: number, contact: Contact, reason: Reason) =>
    reasons.set(`${n} ${contact}`, [...(reasons.get(`${n} ${contact}`) ?? []), reason]);

  const ends = new Map<bigint, number>();
  const end = (id: bigint, at: number) => ends.set(id, Math.min(ends.get(id) ?? Infinity, at));
  for (const { name, args, at } of history.of("DeliveryEnding", "DeliveryClosed"))
    end(args.deliveryId as bigint, name === "DeliveryEnding" ? Number(args.deadline) : at);
  const deliver = (id: bigint, seller: number, buyer: number, from: number, to: number) => {
    const reason = { what: `delivery ${id}`, from: from * 1_000, to: to * 1_000 };
    add(seller, "discharge", reason);
    add(buyer, "charge", reason);
  };
  const left = new Set<string>();
  for (const { args, at } of history.of("DeliveryRequested")) {
    const id = args.deliveryId as bigint;
    const [seller, buyer, deadline] = [args.sellerMeterId, args.buyerMeterId, args.deadline].map(Number);
    left.add(`${id} ${seller} ${buyer} ${deadline}`);
    deliver(id, seller!, buyer!, at, Math.min(deadline!, ends.get(id) ?? Infinity));
  }
  for (const { id, sellerMeterId, buyerMeterId, at, deadline } of tally.purchases) {
    if (left.has(`${id} ${sellerMeterId} ${buyerMeterId} ${deadline}`)) continue;
    // A reorg has removed it: then it has ended.
    const undoneAt = Math.min(
      deadline,
      ...ground.reorgs.map((reorg) => reorg.at / 1_000).filter((time) => time >= at - 2),
    );
    deliver(id, sellerMeterId, buyerMeterId, at, undoneAt);
  }

  const { slotDuration } = ground.world.zone;
  const filled = history.of("OrderSettled").filter(({ args }) => (args.filled as bigint) > 0n);
  const settled = new Set(history.of("OrderSettled").map(({ args }) => args.orderId as bigint));
  const orders = new Set(filled.map(({ args }) => args.orderId as bigint));
  // Around a reorg an order may have been filled that is not, or not there, in the end.
  for (const id of tally.orders) {
    const { slot } = unpackOrderId(id);
    const around = ground.reorgs.some(({ at }) => Math.abs(at / 1_000 - endOf(slot, slotDuration)) < 3 * slotDuration);
    if (around || !settled.has(id)) orders.add(id);
  }
  for (const id of orders) {
    const { slot, meterId, side } = unpackOrderId(id);
    const span = { from: endOf(slot - 1, slotDuration) * 1_000, to: endOf(slot, slotDuration) * 1_000 };
    add(meterId, side === "ask" ? "discharge" : "charge", { what: `fill of slot ${slot}`, ...span });
  }
  return reasons;
}
