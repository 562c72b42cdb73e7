import { closeSync, existsSync, fsyncSync, openSync, renameSync, rmSync } from "node:fs";
import { DatabaseSync } from "node:sqlite";

/** The journal cannot be used; `message` says why and what to do. */
export class JournalError extends Error {
  override readonly name = "JournalError";
}

const SCHEMA_VERSION = 4;

/**
 * Everything is kept per world (a deployment on a chain, see `worldOf`): a restarted local chain begins a new one and
 * leaves the old rows as evidence. Energy, nonces and fees are 64-bit integers; times are Unix seconds; `*_block` is
 * the block an effect came from, so that a reorg can take it back.
 */
const SCHEMA = `
  CREATE TABLE cursors (
    world TEXT PRIMARY KEY,
    number INTEGER NOT NULL,
    hash TEXT NOT NULL
  ) STRICT;

  CREATE TABLE block_hashes (
    world TEXT NOT NULL,
    number INTEGER NOT NULL,
    hash TEXT NOT NULL,
    PRIMARY KEY (world, number)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE readings (
    world TEXT NOT NULL,
    meter_id INTEGER NOT NULL,
    taken_at INTEGER NOT NULL,
    since INTEGER NOT NULL,
    epoch INTEGER NOT NULL,
    imported INTEGER NOT NULL,
    exported INTEGER NOT NULL,
    signature TEXT NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('pending', 'accepted', 'evidence')),
    accepted_block INTEGER,
    PRIMARY KEY (world, meter_id, taken_at, since)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX readings_pending ON readings (world, meter_id, taken_at) WHERE status = 'pending';

  CREATE TABLE deliveries (
    world TEXT NOT NULL,
    id INTEGER NOT NULL,
    seller_meter_id INTEGER NOT NULL,
    buyer_meter_id INTEGER NOT NULL,
    energy INTEGER NOT NULL,
    price INTEGER NOT NULL,
    purchased_at INTEGER NOT NULL,
    deadline INTEGER NOT NULL,
    requested_block INTEGER NOT NULL,
    delivered INTEGER NOT NULL DEFAULT 0,
    early_deadline INTEGER,
    ending_block INTEGER,
    outcome TEXT,
    closed_block INTEGER,
    PRIMARY KEY (world, id)
  ) STRICT, WITHOUT ROWID;

  -- Orders of our meter in the call auction; what has become of them is on chain.
  CREATE TABLE orders (
    world TEXT NOT NULL,
    id TEXT NOT NULL,
    slot INTEGER NOT NULL,
    placed_block INTEGER NOT NULL,
    PRIMARY KEY (world, id)
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX orders_of_slot ON orders (world, slot);

  -- What this oracle has done for a delivery; never taken back by a reorg. After one, another purchase may get the same
  -- number: terms says which one this is about.
  CREATE TABLE progress (
    world TEXT NOT NULL,
    id INTEGER NOT NULL,
    imported_before INTEGER NOT NULL,
    exported_before INTEGER NOT NULL,
    checkpoints INTEGER NOT NULL DEFAULT 0,
    ended_because TEXT,
    terms TEXT,
    PRIMARY KEY (world, id)
  ) STRICT, WITHOUT ROWID;

  CREATE TABLE outbox (
    id INTEGER PRIMARY KEY,
    world TEXT NOT NULL,
    sender TEXT NOT NULL,
    label TEXT NOT NULL,
    nonce INTEGER NOT NULL,
    target TEXT NOT NULL,
    data TEXT NOT NULL,
    gas INTEGER NOT NULL,
    status TEXT NOT NULL CHECK (status IN ('open', 'mined', 'reverted', 'cancelled', 'lost'))
  ) STRICT;
  CREATE INDEX outbox_open ON outbox (world, sender, nonce) WHERE status = 'open';

  -- Each signed transaction that was ever sent for an outbox entry; any of them may be the one that is mined.
  CREATE TABLE attempts (
    outbox_id INTEGER NOT NULL REFERENCES outbox (id),
    hash TEXT NOT NULL,
    raw TEXT NOT NULL,
    max_fee INTEGER NOT NULL,
    max_priority_fee INTEGER NOT NULL,
    cancels INTEGER NOT NULL,
    PRIMARY KEY (outbox_id, hash)
  ) STRICT, WITHOUT ROWID;
`;

/**
 * What version 2 added. The newest row says what is added to the meter's own registers so that ours never go back; the
 * others are on record.
 */
const OFFSETS = `
  CREATE TABLE register_offsets (
    id INTEGER PRIMARY KEY,
    world TEXT NOT NULL,
    meter_id INTEGER NOT NULL,
    since INTEGER NOT NULL,
    reason TEXT NOT NULL CHECK (reason IN ('wrapped', 'replaced')),
    imported INTEGER NOT NULL,
    exported INTEGER NOT NULL
  ) STRICT;
  CREATE INDEX offsets_of_meter ON register_offsets (world, meter_id, id);
`;

/**
 * What version 4 added: orders that the agent was about to send, whatever became of them. The energy is part of the key: a
 * person may have replaced one, under the same id. Never taken back by a reorg, after which they may be mined again.
 */
const OWN_ORDERS = `
  CREATE TABLE own_orders (
    world TEXT NOT NULL,
    id TEXT NOT NULL,
    energy INTEGER NOT NULL,
    slot INTEGER NOT NULL,
    PRIMARY KEY (world, id, energy)
  ) STRICT, WITHOUT ROWID;
`;

/** What brings a journal of version i + 1 to the next one. There is no way back but the copy that is kept before. */
const MIGRATIONS = [OFFSETS, "ALTER TABLE progress ADD COLUMN terms TEXT;", OWN_ORDERS];

/**
 * Opens or creates the journal file and keeps it locked: one process per journal.
 * @throws JournalError when another process holds it, it is damaged, or a newer version wrote it.
 */
export function openDatabase(path: string): DatabaseSync {
  const isNew = path === ":memory:" || !existsSync(path);
  let db: DatabaseSync | undefined;
  try {
    db = new DatabaseSync(path);
    // Exclusive before WAL: the lock is held as long as the process lives and no shared-memory file is needed.
    db.exec("PRAGMA locking_mode = EXCLUSIVE; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL");
    db.exec("PRAGMA foreign_keys = ON; BEGIN IMMEDIATE; COMMIT");
    if (!isNew) check(db);
    prepare(db, path);
    return db;
  } catch (error) {
    db?.close();
    throw explain(path, error);
  }
}

function check(db: DatabaseSync): void {
  const row = db.prepare("PRAGMA quick_check(1)").get() as { quick_check: string };
  if (row.quick_check !== "ok") throw new Error(`database disk image is malformed: ${row.quick_check}`);
}

function prepare(db: DatabaseSync, path: string): void {
  const { user_version: version } = db.prepare("PRAGMA user_version").get() as { user_version: number };
  if (version > SCHEMA_VERSION) {
    throw new JournalError(
      `journal ${path} was written by a newer version (schema ${version}, this one knows ${SCHEMA_VERSION}); update ioe, ` +
        `or go back: ${wayBack(path)}`,
    );
  }
  if (version === SCHEMA_VERSION) return;
  if (version > 0) {
    keepCopy(db, path, version);
    const steps = MIGRATIONS.slice(version - 1).join(" ");
    db.exec(`BEGIN IMMEDIATE; ${steps} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
    return;
  }
  const { tables } = db.prepare("SELECT count(*) AS tables FROM sqlite_schema").get() as { tables: number };
  if (tables > 0) throw new JournalError(`${path} is a database, but not a journal of ioe; choose another file`);
  db.exec(`BEGIN IMMEDIATE; ${SCHEMA} ${OFFSETS} ${OWN_ORDERS} PRAGMA user_version = ${SCHEMA_VERSION}; COMMIT`);
}

/** Where the journal is kept as it was before it was brought to a newer schema. */
function copyOf(path: string, schema: number): string {
  return `${path}.schema-${schema}`;
}

/** Whole and on the disk, or not there: a power failure leaves no half of it. */
function keepCopy(db: DatabaseSync, path: string, schema: number): void {
  const copy = copyOf(path, schema);
  const draft = `${copy}.new`;
  try {
    // What is there already is not written over by SQLite.
    rmSync(draft, { force: true });
    db.prepare("VACUUM INTO ?").run(draft);
    const file = openSync(draft, "r+");
    try {
      fsyncSync(file);
    } finally {
      closeSync(file);
    }
    renameSync(draft, copy);
  } catch (error) {
    rmSync(draft, { force: true });
    throw new JournalError(
      `journal ${path} was written by an older version, and no copy of it can be kept at ${copy} ` +
        `(${(error as Error).message}); check its disk (df, mount) and start again`,
      { cause: error },
    );
  }
}

/** What a person does who wants to stay with this version. */
function wayBack(path: string): string {
  const away = "move the journal away together with its -wal file";
  for (let schema = SCHEMA_VERSION; schema > 0; schema--) {
    const copy = copyOf(path, schema);
    if (existsSync(copy))
      return `${away}, and copy ${copy} to its place; readings since the upgrade stay in the newer journal`;
  }
  return `${away}, and the oracle rebuilds what it needs from chain and meter; readings that are not on chain yet stay in it`;
}

const SQLITE_BUSY = 5;
const SQLITE_READONLY = 8;
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_FULL = 13;
const SQLITE_CANTOPEN = 14;
const SQLITE_NOTADB = 26;

/** What broke the file of an open journal, or nothing when the error is something else. */
export function brokenFile(path: string, error: unknown): JournalError | undefined {
  // Extended codes carry the primary one in their low byte (https://www.sqlite.org/rescode.html).
  const code = ((error as { errcode?: number }).errcode ?? 0) & 0xff;
  const { message } = error as Error;
  const fail = (advice: string) =>
    new JournalError(`journal ${path} can no longer be written (${message}); ${advice}`, { cause: error });
  if (code === SQLITE_FULL) return fail("free some space on its disk and start again");
  if (code === SQLITE_READONLY || code === SQLITE_IOERR || code === SQLITE_CANTOPEN)
    return fail("check its disk (dmesg, df, mount) and start again");
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB) return fail("start again: the start says what is damaged");
  return undefined;
}

function explain(path: string, error: unknown): Error {
  if (error instanceof JournalError) return error;
  const code = (error as { errcode?: number }).errcode;
  const message = (error as Error).message;
  const fail = (text: string) => new JournalError(text, { cause: error });
  if (code === SQLITE_BUSY) {
    return fail(`journal ${path} is in use by another process; stop the other oracle or give this one its own journal`);
  }
  if (code === SQLITE_CANTOPEN)
    return fail(`journal ${path} cannot be opened; check that its folder exists and may be written`);
  if (code === SQLITE_CORRUPT || code === SQLITE_NOTADB || message.includes("malformed")) {
    return fail(
      `journal ${path} is damaged (${message}); move it away together with its -wal file and start again: ` +
        "the oracle rebuilds what it needs from chain and meter",
    );
  }
  return fail(`journal ${path}: ${message}`);
}
