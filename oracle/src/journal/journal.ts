import type { DatabaseSync, SQLInputValue, StatementSync } from "node:sqlite";
import { type JournalError, brokenFile, openDatabase } from "./database.ts";

/** A signed reading as it was stored before it was sent. */
export interface StoredReading {
  meterId: number;
  epoch: number;
  since: number;
  takenAt: number;
  imported: bigint;
  exported: bigint;
  signature: `0x${string}`;
}

/** `pending`: still to be sent. `accepted`: on chain. `evidence`: kept, never to be sent. */
export type ReadingStatus = "pending" | "accepted" | "evidence";

export interface StoredDelivery {
  id: bigint;
  sellerMeterId: number;
  buyerMeterId: number;
  energy: bigint;
  /** Base units per kWh, without the grid fee. */
  price: bigint;
  /** Unix seconds of the purchase's block. */
  purchasedAt: number;
  /** Unix seconds; the earlier one when a party ended the delivery. */
  deadline: number;
  /** Block of the purchase. */
  block: bigint;
  delivered: bigint;
  outcome: string | undefined;
}

/** Registers when this oracle first saw the delivery, and how far it has come with it. */
export interface Progress {
  importedBefore: bigint;
  exportedBefore: bigint;
  checkpoints: number;
  endedBecause: string | undefined;
}

/** What is added to the meter's own registers, energy units, and why. May be negative. */
export interface RegisterOffsets {
  imported: bigint;
  exported: bigint;
  reason: "wrapped" | "replaced";
  /** Unix seconds. */
  since: number;
}

/** An order in the call auction that the agent has placed, or tried to. */
export interface OwnOrder {
  id: bigint;
  slot: number;
  energy: bigint;
}

export interface BlockId {
  number: bigint;
  hash: `0x${string}`;
}

export interface OutboxEntry {
  id: number;
  label: string;
  nonce: number;
  target: `0x${string}`;
  data: `0x${string}`;
  gas: bigint;
}

export interface Attempt {
  hash: `0x${string}`;
  raw: `0x${string}`;
  maxFeePerGas: bigint;
  maxPriorityFeePerGas: bigint;
  /** Replaces the call by nothing, to free its nonce. */
  cancels: boolean;
}

export type OutboxStatus = "open" | "mined" | "reverted" | "cancelled" | "lost";

type Row = Record<string, SQLInputValue>;

/** What tells two purchases with the same number apart: not their block, in which a reorg may put the same one again. */
const TERMS = `(SELECT format('%d>%d %d at %d until %d', seller_meter_id, buyer_meter_id, energy, price, deadline)
                FROM deliveries WHERE world = ? AND id = ?)`;
/** Blocks whose hashes are remembered to find the common ancestor after a reorg. */
const RING_BLOCKS = 256n;
/**
 * Transactions that are kept after their end. A sender's next one is sent when the one before has ended, so each is in a block
 * of its own, and what is dropped lies deeper than the remembered blocks.
 */
const KEPT_ENDED = 256;
/** Most of them that are dropped at once: a journal with very many must not hold the process up. */
const DROPPED_AT_ONCE = 50;

/**
 * The oracle's memory of one world. Every method is one durable transaction (WAL, synchronous FULL) unless it runs
 * inside `atomically`, which makes them all one.
 */
export class Journal {
  readonly world: string;
  readonly #path: string;
  readonly #db: DatabaseSync;
  readonly #statements = new Map<string, StatementSync>();
  readonly #onBroken: (error: JournalError) => void;
  #depth = 0;

  /**
   * @param onBroken is told when the file can no longer be written or read. Whoever wrote gets the error as well, but
   * most of them go on to the next sample or block, which this journal will not keep either.
   * @throws JournalError see `openDatabase`.
   */
  constructor(path: string, world: string, onBroken: (error: JournalError) => void = () => undefined) {
    this.#db = openDatabase(path);
    this.world = world;
    this.#path = path;
    this.#onBroken = onBroken;
  }

  close(): void {
    this.#db.close();
  }

  /** Runs `work` (synchronous) so that all or none of its writes are kept. */
  atomically<T>(work: () => T): T {
    if (this.#depth > 0) return work();
    this.#exec("BEGIN IMMEDIATE");
    this.#depth++;
    try {
      const result = work();
      this.#exec("COMMIT");
      return result;
    } catch (error) {
      // A full disk has rolled back by itself.
      if (this.#db.isTransaction) this.#exec("ROLLBACK");
      throw error;
    } finally {
      this.#depth--;
    }
  }

  /** Other worlds this file has seen. */
  otherWorlds(): string[] {
    return this.#all("SELECT world FROM cursors WHERE world <> ?", this.world).map((row) => text(row.world));
  }

  // ----------------------------------------------------------------- blocks

  /** Newest block whose effects are in the journal. */
  cursor(): BlockId | undefined {
    const row = this.#get("SELECT number, hash FROM cursors WHERE world = ?", this.world);
    return row && { number: big(row.number), hash: hex(row.hash) };
  }

  /** Moves the cursor on and remembers the block's hash. */
  advance(block: BlockId): void {
    this.atomically(() => {
      this.#setCursor(block);
      this.#run("INSERT OR REPLACE INTO block_hashes VALUES (?, ?, ?)", this.world, block.number, block.hash);
      this.#run("DELETE FROM block_hashes WHERE world = ? AND number <= ?", this.world, block.number - RING_BLOCKS);
    });
  }

  /** Remembered blocks, newest first. */
  recentBlocks(): BlockId[] {
    return this.#all("SELECT number, hash FROM block_hashes WHERE world = ? ORDER BY number DESC", this.world).map(
      (row) => ({ number: big(row.number), hash: hex(row.hash) }),
    );
  }

  /** Takes back every effect of the blocks after `ancestor`. */
  rewind(ancestor: BlockId): void {
    const { world } = this;
    const { number } = ancestor;
    this.atomically(() => {
      this.#setCursor(ancestor);
      this.#run("DELETE FROM block_hashes WHERE world = ? AND number > ?", world, number);
      this.#run("DELETE FROM deliveries WHERE world = ? AND requested_block > ?", world, number);
      this.#run("DELETE FROM orders WHERE world = ? AND placed_block > ?", world, number);
      this.#run(
        "UPDATE deliveries SET early_deadline = NULL, ending_block = NULL WHERE world = ? AND ending_block > ?",
        world,
        number,
      );
      this.#run(
        "UPDATE deliveries SET outcome = NULL, closed_block = NULL WHERE world = ? AND closed_block > ?",
        world,
        number,
      );
      this.#run(
        "UPDATE readings SET status = 'pending', accepted_block = NULL WHERE world = ? AND accepted_block > ?",
        world,
        number,
      );
    });
  }

  #setCursor(block: BlockId): void {
    this.#run("INSERT OR REPLACE INTO cursors VALUES (?, ?, ?)", this.world, block.number, block.hash);
  }

  // --------------------------------------------------------------- readings

  /**
   * A clock that was set can bring a second reading of the same instant and the same one before it. It takes the place of one
   * that will never be sent; otherwise the first one stays, which may be on its way or on chain already.
   */
  addReading(reading: StoredReading, status: ReadingStatus = "pending"): void {
    this.#run(
      `INSERT INTO readings (world, meter_id, taken_at, since, epoch, imported, exported, signature, status)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)
       ON CONFLICT DO UPDATE SET epoch = excluded.epoch, imported = excluded.imported, exported = excluded.exported,
         signature = excluded.signature, status = excluded.status
       WHERE readings.status = 'evidence'`,
      this.world,
      reading.meterId,
      reading.takenAt,
      reading.since,
      reading.epoch,
      reading.imported,
      reading.exported,
      reading.signature,
      status,
    );
  }

  lastReading(meterId: number): StoredReading | undefined {
    const row = this.#get(
      "SELECT * FROM readings WHERE world = ? AND meter_id = ? ORDER BY taken_at DESC, since LIMIT 1",
      this.world,
      meterId,
    );
    return row && toReading(row);
  }

  pendingReadings(meterId: number): StoredReading[] {
    return this.#all(
      "SELECT * FROM readings WHERE world = ? AND meter_id = ? AND status = 'pending' ORDER BY taken_at, since",
      this.world,
      meterId,
    ).map(toReading);
  }

  /** The reading that continues the chain after `takenAt`, whatever became of it. */
  readingSince(meterId: number, takenAt: number): StoredReading | undefined {
    const row = this.#get(
      "SELECT * FROM readings WHERE world = ? AND meter_id = ? AND since = ? ORDER BY taken_at LIMIT 1",
      this.world,
      meterId,
      takenAt,
    );
    return row && toReading(row);
  }

  /** The newest reading taken at that instant or before. */
  readingUntil(meterId: number, takenAt: number): StoredReading | undefined {
    const row = this.#get(
      "SELECT * FROM readings WHERE world = ? AND meter_id = ? AND taken_at <= ? ORDER BY taken_at DESC LIMIT 1",
      this.world,
      meterId,
      takenAt,
    );
    return row && toReading(row);
  }

  /** Keeps another epoch and signature of the same reading. */
  signReading({ meterId, takenAt, since, epoch, signature }: StoredReading): void {
    this.#run(
      "UPDATE readings SET epoch = ?, signature = ? WHERE world = ? AND meter_id = ? AND taken_at = ? AND since = ?",
      epoch,
      signature,
      this.world,
      meterId,
      takenAt,
      since,
    );
  }

  setReadingStatus(reading: StoredReading, status: ReadingStatus): void {
    this.#run(
      "UPDATE readings SET status = ? WHERE world = ? AND meter_id = ? AND taken_at = ? AND since = ?",
      status,
      this.world,
      reading.meterId,
      reading.takenAt,
      reading.since,
    );
  }

  /**
   * The chain has taken the reading of that instant; what is older can never be taken any more. Of two readings of one
   * instant (a restart re-signed it) both are done with.
   */
  acceptReading(meterId: number, takenAt: number, block: bigint): void {
    this.atomically(() => {
      this.#run(
        "UPDATE readings SET status = 'accepted', accepted_block = ? WHERE world = ? AND meter_id = ? AND taken_at = ?",
        block,
        this.world,
        meterId,
        takenAt,
      );
      this.#run(
        "UPDATE readings SET status = 'evidence' WHERE world = ? AND meter_id = ? AND taken_at < ? AND status = 'pending'",
        this.world,
        meterId,
        takenAt,
      );
    });
  }

  /** What is added to a meter's registers now, the newest of the given reason if one is given. */
  registerOffsets(meterId: number, reason?: RegisterOffsets["reason"]): RegisterOffsets | undefined {
    const row = this.#get(
      `SELECT * FROM register_offsets WHERE world = ? AND meter_id = ? AND ? IN (reason, '') ORDER BY id DESC LIMIT 1`,
      this.world,
      meterId,
      reason ?? "",
    );
    return (
      row && {
        imported: big(row.imported),
        exported: big(row.exported),
        reason: text(row.reason) as RegisterOffsets["reason"],
        since: Number(row.since),
      }
    );
  }

  addRegisterOffsets(meterId: number, { imported, exported, reason, since }: RegisterOffsets): void {
    this.#run(
      "INSERT INTO register_offsets (world, meter_id, since, reason, imported, exported) VALUES (?, ?, ?, ?, ?, ?)",
      this.world,
      meterId,
      since,
      reason,
      imported,
      exported,
    );
  }

  // ----------------------------------------------------------------- orders

  placeOrder(id: bigint, slot: number, block: bigint): void {
    // Placing again replaces: the older block keeps the order through a reorg of the newer one.
    this.#run("INSERT OR IGNORE INTO orders VALUES (?, ?, ?, ?)", this.world, String(id), slot, block);
  }

  /** Orders that were placed for a slot, whatever became of them. */
  ordersIn(slot: number): bigint[] {
    return this.#all("SELECT id FROM orders WHERE world = ? AND slot = ?", this.world, slot).map((row) =>
      BigInt(text(row.id)),
    );
  }

  /** Remembers what the agent is about to place, and forgets what it has placed for slots before `first`. */
  addOwnOrders(orders: readonly OwnOrder[], first: number): void {
    this.atomically(() => {
      this.#run("DELETE FROM own_orders WHERE world = ? AND slot < ?", this.world, first);
      for (const { id, slot, energy } of orders)
        this.#run("INSERT OR IGNORE INTO own_orders VALUES (?, ?, ?, ?)", this.world, String(id), energy, slot);
    });
  }

  isOwnOrder({ id, energy }: Pick<OwnOrder, "id" | "energy">): boolean {
    const sql = "SELECT id FROM own_orders WHERE world = ? AND id = ? AND energy = ?";
    return this.#get(sql, this.world, String(id), energy) !== undefined;
  }

  // ------------------------------------------------------------- deliveries

  requestDelivery(delivery: Omit<StoredDelivery, "delivered" | "outcome" | "block">, block: bigint): void {
    this.#run(
      `INSERT OR IGNORE INTO deliveries
         (world, id, seller_meter_id, buyer_meter_id, energy, price, purchased_at, deadline, requested_block)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`,
      this.world,
      delivery.id,
      delivery.sellerMeterId,
      delivery.buyerMeterId,
      delivery.energy,
      delivery.price,
      delivery.purchasedAt,
      delivery.deadline,
      block,
    );
  }

  progressDelivery(id: bigint, delivered: bigint): void {
    this.#run("UPDATE deliveries SET delivered = ? WHERE world = ? AND id = ?", delivered, this.world, id);
  }

  endDelivery(id: bigint, deadline: number, block: bigint): void {
    this.#run(
      "UPDATE deliveries SET early_deadline = ?, ending_block = ? WHERE world = ? AND id = ?",
      deadline,
      block,
      this.world,
      id,
    );
  }

  closeDelivery(id: bigint, delivered: bigint, outcome: string, block: bigint): void {
    this.#run(
      "UPDATE deliveries SET delivered = ?, outcome = ?, closed_block = ? WHERE world = ? AND id = ?",
      delivered,
      outcome,
      block,
      this.world,
      id,
    );
  }

  /** The delivery a meter takes part in that is not closed yet; a meter has one at most. */
  openDelivery(meterId: number): StoredDelivery | undefined {
    const row = this.#get(
      `SELECT * FROM deliveries WHERE world = ? AND closed_block IS NULL AND ? IN (seller_meter_id, buyer_meter_id)
       ORDER BY id DESC LIMIT 1`,
      this.world,
      meterId,
    );
    return row && toDelivery(row);
  }

  delivery(id: bigint): StoredDelivery | undefined {
    const row = this.#get("SELECT * FROM deliveries WHERE world = ? AND id = ?", this.world, id);
    return row && toDelivery(row);
  }

  progress(id: bigint): Progress | undefined {
    const row = this.#get(
      `SELECT * FROM progress WHERE world = ? AND id = ? AND (terms IS NULL OR terms = ${TERMS})`,
      this.world,
      id,
      this.world,
      id,
    );
    return (
      row && {
        importedBefore: big(row.imported_before),
        exportedBefore: big(row.exported_before),
        checkpoints: Number(row.checkpoints),
        endedBecause: row.ended_because === null ? undefined : text(row.ended_because),
      }
    );
  }

  saveProgress(id: bigint, progress: Progress): void {
    this.#run(
      `INSERT OR REPLACE INTO progress VALUES (?, ?, ?, ?, ?, ?, ${TERMS})`,
      this.world,
      id,
      progress.importedBefore,
      progress.exportedBefore,
      progress.checkpoints,
      progress.endedBecause ?? null,
      this.world,
      id,
    );
  }

  // ----------------------------------------------------------------- outbox

  /** Stores a signed transaction before it is broadcast. */
  addOutbox(sender: string, entry: Omit<OutboxEntry, "id">, first: Attempt): OutboxEntry {
    return this.atomically(() => {
      const { lastInsertRowid } = this.#run(
        `INSERT INTO outbox (world, sender, label, nonce, target, data, gas, status)
         VALUES (?, ?, ?, ?, ?, ?, ?, 'open')`,
        this.world,
        sender,
        entry.label,
        entry.nonce,
        entry.target,
        entry.data,
        entry.gas,
      );
      const stored = { ...entry, id: Number(lastInsertRowid) };
      this.addAttempt(stored.id, first);
      return stored;
    });
  }

  addAttempt(outboxId: number, attempt: Attempt): void {
    this.#run(
      "INSERT INTO attempts VALUES (?, ?, ?, ?, ?, ?)",
      outboxId,
      attempt.hash,
      attempt.raw,
      attempt.maxFeePerGas,
      attempt.maxPriorityFeePerGas,
      attempt.cancels ? 1 : 0,
    );
  }

  /** Also drops what has ended so long ago that no reorg is expected to reach it. */
  setOutboxStatus(outboxId: number, status: OutboxStatus): void {
    this.atomically(() => {
      this.#run("UPDATE outbox SET status = ? WHERE id = ?", status, outboxId);
      for (const id of this.#longEnded()) {
        this.#run("DELETE FROM attempts WHERE outbox_id = ?", id);
        this.#run("DELETE FROM outbox WHERE id = ?", id);
      }
    });
  }

  #longEnded(): bigint[] {
    const ended = "SELECT id FROM outbox WHERE world = ? AND status <> 'open'";
    const newest = `${ended} ORDER BY id DESC LIMIT 1 OFFSET ${KEPT_ENDED}`;
    const sql = `${ended} AND id <= (${newest}) ORDER BY id LIMIT ${DROPPED_AT_ONCE}`;
    return this.#all(sql, this.world, this.world).map((row) => big(row.id));
  }

  /** Transactions whose end is not known, by nonce. */
  openOutbox(sender: string): OutboxEntry[] {
    return this.#all(
      "SELECT * FROM outbox WHERE world = ? AND sender = ? AND status = 'open' ORDER BY nonce, id",
      this.world,
      sender,
    ).map((row) => ({
      id: Number(row.id),
      label: text(row.label),
      nonce: Number(row.nonce),
      target: hex(row.target),
      data: hex(row.data),
      gas: big(row.gas),
    }));
  }

  /** Every transaction that was signed for an entry, cheapest first. */
  attempts(outboxId: number): Attempt[] {
    return this.#all("SELECT * FROM attempts WHERE outbox_id = ? ORDER BY max_fee", outboxId).map((row) => ({
      hash: hex(row.hash),
      raw: hex(row.raw),
      maxFeePerGas: big(row.max_fee),
      maxPriorityFeePerGas: big(row.max_priority_fee),
      cancels: big(row.cancels) === 1n,
    }));
  }

  // --------------------------------------------------------------- internal

  #prepare(sql: string): StatementSync {
    let statement = this.#statements.get(sql);
    if (!statement) {
      statement = this.#db.prepare(sql);
      statement.setReadBigInts(true);
      this.#statements.set(sql, statement);
    }
    return statement;
  }

  #exec(sql: string): void {
    this.#noticing(() => this.#db.exec(sql));
  }

  #run(sql: string, ...values: SQLInputValue[]) {
    return this.#noticing(() => this.#prepare(sql).run(...values));
  }

  #noticing<T>(work: () => T): T {
    try {
      return work();
    } catch (error) {
      const broken = brokenFile(this.#path, error);
      if (broken) this.#onBroken(broken);
      throw broken ?? error;
    }
  }

  #get(sql: string, ...values: SQLInputValue[]): Row | undefined {
    return this.#prepare(sql).get(...values);
  }

  #all(sql: string, ...values: SQLInputValue[]): Row[] {
    return this.#prepare(sql).all(...values);
  }
}

function big(value: SQLInputValue | undefined): bigint {
  return value as bigint;
}

function text(value: SQLInputValue | undefined): string {
  return value as string;
}

function hex(value: SQLInputValue | undefined): `0x${string}` {
  return value as `0x${string}`;
}

function toReading(row: Row): StoredReading {
  return {
    meterId: Number(row.meter_id),
    epoch: Number(row.epoch),
    since: Number(row.since),
    takenAt: Number(row.taken_at),
    imported: big(row.imported),
    exported: big(row.exported),
    signature: hex(row.signature),
  };
}

function toDelivery(row: Row): StoredDelivery {
  return {
    id: big(row.id),
    sellerMeterId: Number(row.seller_meter_id),
    buyerMeterId: Number(row.buyer_meter_id),
    energy: big(row.energy),
    price: big(row.price),
    purchasedAt: Number(row.purchased_at),
    deadline: Number(row.early_deadline ?? row.deadline),
    block: big(row.requested_block),
    delivered: big(row.delivered),
    outcome: row.outcome === null ? undefined : text(row.outcome),
  };
}
