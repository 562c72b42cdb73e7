/**
 * Energy: from the readings that the chain accepted it is computed again what the registry had to book, and each step of a
 * register that was not booked has to have a name.
 */
import { DatabaseSync } from "node:sqlite";
import { endOf, slotOf } from "../../protocol/src/slots.ts";
import { unpackOrderId } from "../../protocol/src/order.ts";
import { Findings } from "./audit.ts";
import type { Ground } from "./ground.ts";
import type { History } from "./history.ts";
import type { Booking, Watch } from "./watch.ts";

/** A meter shows whole Wh, and the chain knows it as of its last reading. */
const UNITS_OFF = 4;

interface Reading {
  takenAt: number;
  imported: bigint;
  exported: bigint;
  minedAt: number;
  rebased: boolean;
}

/** What follows from a meter's readings. */
interface Books {
  /** What the registry had to book, by slot. */
  readonly booked: Map<number, Booking>;
  /** Steps that are not booked, by their name. */
  readonly gaps: Map<string, { times: number; energy: bigint }>;
}

export async function auditRegisters(ground: Ground, history: History, watch: Watch): Promise<Findings> {
  const findings = new Findings("energy");
  const { world, households } = ground;
  const truth = await world.truth();
  const claimed = claims(history);
  const total = { readings: 0, risen: 0n, booked: 0n, unbooked: 0n };
  const gaps: Books["gaps"] = new Map();
  const unsent = new Map<string, number>();

  for (const n of households) {
    const readings = readingsOf(history, n);
    const books = bookAgain(ground, n, readings, findings);
    const [first, last] = [readings[0], readings.at(-1)];
    total.readings += readings.length;
    if (first && last) total.risen += last.exported - first.exported + last.imported - first.imported;
    for (const [name, { times, energy }] of books.gaps) {
      const entry = gaps.get(name) ?? { times: 0, energy: 0n };
      gaps.set(name, { times: entry.times + times, energy: entry.energy + energy });
      total.unbooked += energy;
    }
    const { exported, both } = compareBookings(watch, n, books, claimed, findings);
    total.booked += both;
    const { sentWh, meter } = truth.households[n - 1]!;
    findings.holds(
      Number(exported) <= Math.ceil(sentWh) + 1,
      `meter ${n}: no more booked than flowed`,
      `${exported} of ${sentWh} Wh`,
    );
    const journal = journalOf(ground, n);
    for (const [status, times] of compareJournal(n, journal.readings, readings, findings))
      unsent.set(status, (unsent.get(status) ?? 0) + times);
    for (const [name, onChain, shown] of [
      ["export", last?.exported, meter.exportedWh + Number(journal.offset.exported)],
      ["import", last?.imported, meter.importedWh + Number(journal.offset.imported)],
    ] as const)
      findings.holds(
        Number(onChain) <= shown && Number(onChain) >= shown - UNITS_OFF,
        `meter ${n}: the ${name} register on chain is the meter's`,
        `${onChain} on chain, ${shown} at the meter`,
      );
  }
  findings.same(total.risen, total.booked + total.unbooked, "signed registers = booked on chain + named gaps");
  findings.same(unsent.get("pending") ?? 0, 0, "signed readings that still wait");
  findings.fact("readings on chain", total.readings);
  for (const [status, times] of unsent) findings.fact(`signed and not on chain (${status})`, times);
  findings.fact("rise of all registers, Wh", total.risen);
  findings.fact("booked, Wh", total.booked);
  for (const [name, { times, energy }] of [...gaps].sort())
    findings.fact(`gap: ${name}`, `${times} times, ${energy} Wh`);
  return findings;
}

function bookAgain(ground: Ground, n: number, readings: readonly Reading[], findings: Findings): Books {
  const { slotDuration, grace } = ground.world.zone;
  const logged = (event: string) => new Set(ground.world.logged(n, event).map(({ takenAt }) => Number(takenAt)));
  const [named, disbelieved] = [logged("readings.restart"), logged("reading.rebased")];
  const books: Books = { booked: new Map(), gaps: new Map() };
  const gapOf = (before: Reading, { takenAt, minedAt, rebased }: Reading) => {
    const slot = slotOf(takenAt, slotDuration);
    if (rebased && named.has(takenAt)) return "restart of the chain of readings, named by the oracle";
    if (rebased) {
      findings.holds(disbelieved.has(takenAt), `meter ${n}: its oracle named the gap before ${takenAt}`);
      return "step that the contract did not believe, named by the oracle";
    }
    if (slotOf(before.takenAt + 1, slotDuration) !== slot) {
      findings.holds(false, `meter ${n}: no reading reaches over a slot's boundary`, `${takenAt}`);
      return "reading over a boundary";
    }
    return minedAt > endOf(slot, slotDuration) + grace ? "later than the grace" : undefined;
  };
  for (const [i, reading] of readings.entries()) {
    const before = readings[i - 1];
    if (!before) continue;
    const { takenAt } = reading;
    findings.holds(takenAt > before.takenAt, `meter ${n}: readings in order, none twice`, `${takenAt}`);
    const exported = reading.exported - before.exported;
    const imported = reading.imported - before.imported;
    const risen = exported >= 0n && imported >= 0n;
    findings.holds(risen || reading.rebased, `meter ${n}: registers never go back`, `at ${takenAt}`);
    const gap = gapOf(before, reading);
    if (gap === undefined) {
      const slot = slotOf(takenAt, slotDuration);
      const sum = books.booked.get(slot) ?? { exported: 0n, imported: 0n };
      books.booked.set(slot, { exported: sum.exported + exported, imported: sum.imported + imported });
    } else {
      const entry = books.gaps.get(gap) ?? { times: 0, energy: 0n };
      books.gaps.set(gap, { times: entry.times + 1, energy: entry.energy + exported + imported });
    }
  }
  return books;
}

/**
 * Holds what the registry shows against what it had to book.
 * @returns what it shows for all slots, Wh: the export, and both together with what it booked before anybody looked.
 */
function compareBookings(
  watch: Watch,
  n: number,
  { booked }: Books,
  claimed: ReadonlyMap<string, bigint>,
  findings: Findings,
): { exported: bigint; both: bigint } {
  let [exported, both] = [0n, 0n];
  for (const [slot, meters] of watch.bookings) {
    const shown = meters.get(n)!;
    const must = booked.get(slot) ?? { exported: 0n, imported: 0n };
    findings.same(shown.exported, must.exported, `meter ${n}: export booked in slot ${slot}`);
    findings.same(shown.imported, must.imported, `meter ${n}: import booked in slot ${slot}`);
    const taken = claimed.get(`${n} ${slot}`) ?? 0n;
    // Where the seller's meter was silent, the buyer's word stands alone.
    findings.holds(
      !shown.complete || taken <= shown.exported,
      `meter ${n}: no unit of slot ${slot} was sold twice`,
      `${taken} of ${shown.exported}`,
    );
    exported += shown.exported;
    both += shown.exported + shown.imported;
  }
  for (const [slot, { exported: out, imported }] of booked) {
    if (slot < watch.firstSlot) both += out + imported;
    const seen = slot < watch.firstSlot || watch.bookings.has(slot) || out + imported === 0n;
    findings.holds(seen, `meter ${n}: slot ${slot} was looked at`);
  }
  return { exported, both };
}

/** Holds what an oracle has signed against what is on chain. @returns readings that are not there, by their status */
function compareJournal(
  n: number,
  signed: readonly JournalReading[],
  readings: readonly Reading[],
  findings: Findings,
): Map<string, number> {
  const byTime = new Map(readings.map((reading) => [reading.takenAt, reading]));
  const unsent = new Map<string, number>();
  for (const { takenAt, status, imported, exported } of signed) {
    const onChain = byTime.get(takenAt);
    const same = onChain?.imported === imported && onChain.exported === exported;
    // Oracles go on signing: the newest reading may be on its way, or on chain and not read back yet.
    const underway = status === "pending" && (same || takenAt > (readings.at(-1)?.takenAt ?? 0));
    const name = underway ? "on its way" : status;
    if (status === "accepted") findings.holds(same, `meter ${n}: the accepted reading of ${takenAt} is on chain`);
    else unsent.set(name, (unsent.get(name) ?? 0) + 1);
  }
  return unsent;
}

function readingsOf(history: History, n: number): Reading[] {
  const ofMeter = (name: string) => history.of(name).filter(({ args }) => Number(args.meterId) === n);
  const rebased = new Set(ofMeter("Rebased").map(({ args }) => Number(args.takenAt)));
  return ofMeter("ReadingAccepted").map(({ args, at }) => ({
    takenAt: Number(args.takenAt),
    imported: args.imported as bigint,
    exported: args.exported as bigint,
    minedAt: at,
    rebased: rebased.has(Number(args.takenAt)),
  }));
}

/** Export that trades have taken, Wh, by "meter slot". */
function claims(history: History): ReadonlyMap<string, bigint> {
  const claimed = new Map<string, bigint>();
  const take = (meterId: number, slot: unknown, energy: bigint) => {
    const key = `${meterId} ${Number(slot)}`;
    claimed.set(key, (claimed.get(key) ?? 0n) + energy);
  };
  const sellers = new Map<bigint, number>();
  const delivered = new Map<bigint, bigint>();
  for (const { name, args } of history.of("DeliveryRequested", "DeliveryProgress", "OrderSettled")) {
    if (name === "OrderSettled") {
      const { meterId, side } = unpackOrderId(args.orderId as bigint);
      if (side === "ask") take(meterId, args.slot, args.energy as bigint);
      continue;
    }
    const id = args.deliveryId as bigint;
    if (name === "DeliveryRequested") {
      sellers.set(id, Number(args.sellerMeterId));
      continue;
    }
    const now = args.delivered as bigint;
    take(sellers.get(id)!, args.slot, now - (delivered.get(id) ?? 0n));
    delivered.set(id, now);
  }
  return claimed;
}

interface JournalReading {
  takenAt: number;
  imported: bigint;
  exported: bigint;
  status: string;
}

/** What a household's oracle remembers; it must not run. */
function journalOf(ground: Ground, n: number): { readings: JournalReading[]; offset: Booking } {
  const journal = new DatabaseSync(ground.journalOf(n), { readOnly: true });
  try {
    const readings = journal.prepare("SELECT taken_at AS takenAt, imported, exported, status FROM readings");
    const offsets = journal.prepare("SELECT imported, exported FROM register_offsets ORDER BY id DESC LIMIT 1");
    for (const statement of [readings, offsets]) statement.setReadBigInts(true);
    const rows = readings.all() as unknown as (Omit<JournalReading, "takenAt"> & { takenAt: bigint })[];
    return {
      readings: rows.map((row) => ({ ...row, takenAt: Number(row.takenAt) })),
      offset: (offsets.get() as unknown as Booking | undefined) ?? { imported: 0n, exported: 0n },
    };
  } finally {
    journal.close();
  }
}
