import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  closeSync,
  copyFileSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
  writeSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "chai";
import { brokenFile } from "./database.ts";
import { Journal, JournalError, type StoredReading } from "./index.ts";

const WORLD = "31337:0xregistry:0xmarket:0xhash";
const hash = (n: number) => `0x${n.toString(16).padStart(64, "0")}` as const;
const block = (n: number) => ({ number: BigInt(n), hash: hash(n) });
const reading = (since: number, takenAt: number): StoredReading => ({
  meterId: 1,
  epoch: 0,
  since,
  takenAt,
  imported: 5n,
  exported: 7n,
  signature: "0xab",
});
const purchase = (id: bigint) => ({
  id,
  sellerMeterId: 2,
  buyerMeterId: 1,
  energy: 40n,
  price: 120_000n,
  purchasedAt: 100,
  deadline: 180,
});

describe("journal", () => {
  let dir: string;
  let path: string;
  let open: Journal[];

  const journal = (world = WORLD) => {
    const opened = new Journal(path, world);
    open.push(opened);
    return opened;
  };

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "ioe-journal-"));
    path = join(dir, "journal.sqlite");
    open = [];
  });
  afterEach(() => {
    for (const each of open) {
      try {
        each.close();
      } catch {
        // closed by the test
      }
    }
    rmSync(dir, { recursive: true });
  });

  it("keeps cursor and effects of a block together, or neither", () => {
    const first = journal();
    first.advance(block(1));
    expect(() =>
      first.atomically(() => {
        first.requestDelivery(purchase(1n), 2n);
        first.advance(block(2));
        throw new Error("power cut");
      }),
    ).to.throw("power cut");
    expect(first.cursor()).to.deep.equal(block(1));
    expect(first.openDelivery(1)).to.equal(undefined);
  });

  it("has forgotten nothing after the process was killed in the middle of a transaction", async function () {
    this.timeout(60_000);
    const script = `
      import { Journal } from ${JSON.stringify(new URL("./index.ts", import.meta.url).href)};
      const journal = new Journal(${JSON.stringify(path)}, ${JSON.stringify(WORLD)});
      journal.addReading({ meterId: 1, epoch: 0, since: 0, takenAt: 60, imported: 1n, exported: 2n, signature: "0xab" });
      journal.atomically(() => {
        journal.addReading({ meterId: 1, epoch: 0, since: 60, takenAt: 120, imported: 1n, exported: 2n, signature: "0xab" });
        process.kill(process.pid, "SIGKILL");
      });`;
    await once(spawn(process.execPath, ["--input-type=module", "-e", script], { stdio: "inherit" }), "exit");
    expect(
      journal()
        .pendingReadings(1)
        .map(({ takenAt }) => takenAt),
    ).to.deep.equal([60]);
  });

  it("keeps of two readings of one instant the first, unless that one will never be sent", () => {
    const it = journal();
    it.addReading(reading(0, 60));
    it.addReading({ ...reading(0, 60), exported: 99n });
    expect(it.pendingReadings(1)).to.deep.equal([reading(0, 60)]);
    it.setReadingStatus(reading(0, 60), "evidence");
    it.addReading({ ...reading(0, 60), exported: 99n });
    expect(it.pendingReadings(1)).to.deep.equal([{ ...reading(0, 60), exported: 99n }]);
  });

  it("begins anew in another world and leaves the old one in place", () => {
    const old = journal();
    old.advance(block(9));
    old.addReading(reading(0, 60));
    old.requestDelivery(purchase(1n), 3n);
    old.close();
    const fresh = journal("31337:0xregistry:0xmarket:0xother");
    expect(fresh.cursor()).to.equal(undefined);
    expect(fresh.pendingReadings(1)).to.deep.equal([]);
    expect(fresh.openDelivery(1)).to.equal(undefined);
    expect(fresh.otherWorlds()).to.deep.equal([WORLD]);
    fresh.requestDelivery(purchase(1n), 3n);
    fresh.close();
    expect(journal().cursor()).to.deep.equal(block(9));
  });

  it("takes the effects of undone blocks back", () => {
    const it = journal();
    for (const n of [1, 2, 3, 4]) it.advance(block(n));
    it.addReading(reading(0, 60));
    it.addReading(reading(60, 120));
    it.acceptReading(1, 60, 2n);
    it.acceptReading(1, 120, 4n);
    it.requestDelivery(purchase(1n), 2n);
    it.endDelivery(1n, 150, 3n);
    it.closeDelivery(1n, 40n, "Complete", 3n);
    it.requestDelivery(purchase(2n), 4n);

    it.rewind(block(2));

    expect(it.cursor()).to.deep.equal(block(2));
    expect(it.recentBlocks().map(({ number }) => number)).to.deep.equal([2n, 1n]);
    expect(it.pendingReadings(1).map(({ takenAt }) => takenAt)).to.deep.equal([120]);
    expect(it.openDelivery(1)).to.include({ id: 1n, deadline: 180, outcome: undefined });
  });

  it("remembers what was done for a purchase that a reorg moves, and forgets it for another one with its number", () => {
    const it = journal();
    it.advance(block(1));
    const done = { importedBefore: 1n, exportedBefore: 2n, checkpoints: 3, endedBecause: "target" };
    it.requestDelivery(purchase(1n), 2n);
    it.saveProgress(1n, done);
    it.rewind(block(1));
    it.requestDelivery({ ...purchase(1n), purchasedAt: 101 }, 3n);
    expect(it.progress(1n)).to.deep.equal(done);
    it.rewind(block(1));
    it.requestDelivery({ ...purchase(1n), energy: 41n }, 3n);
    expect(it.progress(1n)).to.equal(undefined);
    it.saveProgress(1n, { ...done, endedBecause: undefined });
    expect(it.progress(1n)?.endedBecause).to.equal(undefined);
  });

  it("counts an event that is seen twice once", () => {
    const it = journal();
    it.requestDelivery(purchase(1n), 2n);
    it.closeDelivery(1n, 40n, "Complete", 3n);
    it.requestDelivery(purchase(1n), 2n);
    expect(it.openDelivery(1)).to.equal(undefined);
    expect(it.delivery(1n)).to.include({ outcome: "Complete", delivered: 40n });
  });

  it("knows the agent's orders by key and energy, through restarts and reorgs, until their slot is past", () => {
    const first = journal();
    first.advance(block(1));
    const own = { id: 2n ** 80n + 1n, slot: 7, energy: 40n };
    first.addOwnOrders([own, { ...own, energy: 50n }, { ...own, id: 3n, slot: 8 }], 6);
    first.advance(block(2));
    first.rewind(block(1));
    first.close();
    const it = journal();
    const known = () => [40n, 50n, 60n].map((energy) => it.isOwnOrder({ ...own, energy }));
    expect(known()).to.deep.equal([true, true, false]);
    it.addOwnOrders([own], 7);
    expect(known()).to.deep.equal([true, true, false]);
    it.addOwnOrders([], 8);
    expect(known()).to.deep.equal([false, false, false]);
    expect(it.isOwnOrder({ id: 3n, energy: 40n })).to.equal(true);
  });

  it("never sends what is older than the chain's last reading", () => {
    const it = journal();
    it.addReading(reading(0, 60));
    it.addReading(reading(60, 120));
    it.addReading(reading(120, 180));
    it.acceptReading(1, 120, 5n);
    expect(it.pendingReadings(1).map(({ takenAt }) => takenAt)).to.deep.equal([180]);
    expect(it.readingSince(1, 60)).to.include({ takenAt: 120 });
  });

  it("keeps registers beyond the doubles' integers", () => {
    const it = journal();
    it.addReading({ ...reading(0, 60), exported: 9_007_199_254_740_993n });
    expect(it.lastReading(1)!.exported).to.equal(9_007_199_254_740_993n);
  });

  it("remembers every attempt of a transaction, cheapest first", () => {
    const it = journal();
    const attempt = (fee: bigint, cancels = false) =>
      ({ hash: hash(Number(fee)), raw: "0x02", maxFeePerGas: fee, maxPriorityFeePerGas: 1n, cancels }) as const;
    const entry = it.addOutbox(
      "0xs",
      { label: "report", nonce: 3, target: "0xt", data: "0xd", gas: 21_000n },
      attempt(10n),
    );
    it.addAttempt(entry.id, attempt(12n, true));
    expect(it.openOutbox("0xs")).to.deep.equal([entry]);
    expect(it.attempts(entry.id)).to.deep.equal([attempt(10n), attempt(12n, true)]);
    it.setOutboxStatus(entry.id, "mined");
    expect(it.openOutbox("0xs")).to.deep.equal([]);
  });

  it("drops transactions that ended long ago, in its world only, and never one that is open", () => {
    const elsewhere = journal("another world");
    const add = (it: Journal, nonce: number) =>
      it.addOutbox(
        "0xs",
        { label: "report", nonce, target: "0xt", data: "0xd", gas: 1n },
        { hash: hash(nonce), raw: "0x02", maxFeePerGas: 1n, maxPriorityFeePerGas: 1n, cancels: false },
      ).id;
    const old = add(elsewhere, 0);
    elsewhere.setOutboxStatus(old, "mined");
    elsewhere.close();
    const it = journal();
    const waiting = add(it, 0);
    const end = (nonce: number) => {
      const id = add(it, nonce);
      it.setOutboxStatus(id, nonce % 2 === 0 ? "mined" : "lost");
      return id;
    };
    const ids = it.atomically(() => Array.from({ length: 400 }, (_, i) => end(i + 1)));
    const kept = ids.filter((id) => it.attempts(id).length > 0);
    expect(kept).to.deep.equal(ids.slice(-256));
    expect(it.openOutbox("0xs").map(({ id }) => id)).to.deep.equal([waiting]);
    expect(it.attempts(waiting)).to.have.length(1);
    expect(it.attempts(old)).to.have.length(1);
    it.close();
    const raw = new DatabaseSync(path);
    expect(raw.prepare("SELECT count(*) AS rows FROM outbox").get()).to.deep.include({ rows: 256 + 2 });
    raw.close();
  });

  it("works a large backlog of ended transactions off bit by bit", () => {
    journal().close();
    const raw = new DatabaseSync(path);
    raw.exec(`
      INSERT INTO outbox WITH RECURSIVE n (id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n WHERE id < 400)
        SELECT id, '${WORLD}', '0xs', 'report', id, '0xt', '0xd', 1, 'mined' FROM n;
      INSERT INTO attempts SELECT id, '0xh', '0x02', 1, 1, 0 FROM outbox`);
    raw.close();
    const it = journal();
    const oldest = () => Array.from({ length: 400 }, (_, i) => i + 1).find((id) => it.attempts(id).length > 0);
    it.setOutboxStatus(400, "mined");
    expect(oldest()).to.equal(51);
    for (let i = 0; i < 5; i++) it.setOutboxStatus(400, "mined");
    expect(oldest()).to.equal(400 - 256 + 1);
  });

  it("belongs to one process at a time", () => {
    journal();
    expect(() => journal()).to.throw(JournalError, /in use by another process/);
  });

  it("says so when the file is no database", () => {
    writeFileSync(path, "not a database at all ".repeat(100));
    expect(() => journal()).to.throw(JournalError, /is damaged/);
  });

  it("says so when pages of the database are broken", () => {
    const it = journal();
    for (let n = 1; n < 2_000; n++) it.addReading(reading(n, n + 1));
    it.close();
    const raw = new DatabaseSync(path);
    raw.exec("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE");
    const { page_count: pages } = raw.prepare("PRAGMA page_count").get() as { page_count: number };
    raw.close();
    const file = openSync(path, "r+");
    const garbage = Buffer.alloc(4_096 * Math.floor(pages / 2), 0x5a);
    writeSync(file, garbage, 0, garbage.length, 4_096 * 10);
    closeSync(file);
    expect(() => journal()).to.throw(JournalError, /is damaged/);
  });

  it("takes a journal of version 1 and keeps what is in it", () => {
    const old = journal();
    old.addReading(reading(0, 60));
    old.close();
    const raw = new DatabaseSync(path);
    raw.exec("DROP TABLE own_orders; DROP TABLE register_offsets; ALTER TABLE progress DROP COLUMN terms");
    raw.exec("PRAGMA user_version = 1");
    raw.exec(`INSERT INTO progress VALUES ('${WORLD}', 1, 1, 2, 3, NULL)`);
    raw.close();
    const now = journal();
    now.requestDelivery(purchase(1n), 2n);
    expect(now.progress(1n)).to.include({ exportedBefore: 2n });
    expect(now.lastReading(1)!.takenAt).to.equal(60);
    expect(now.registerOffsets(1)).to.equal(undefined);
    expect(now.isOwnOrder({ id: 1n, energy: 40n })).to.equal(false);
    now.close();
    expect(journal().pendingReadings(1)).to.have.length(1);
  });

  it("keeps a copy before it brings a journal to a newer schema, to go back to", () => {
    const copy = `${path}.schema-2`;
    const makeOld = () => {
      const raw = new DatabaseSync(path);
      raw.exec("DROP TABLE own_orders; ALTER TABLE progress DROP COLUMN terms; PRAGMA user_version = 2");
      raw.close();
    };
    const takenAt = (file: string) => {
      const raw = new DatabaseSync(file);
      const rows = raw.prepare("SELECT taken_at FROM readings ORDER BY taken_at").all();
      const version = raw.prepare("PRAGMA user_version").get()!.user_version;
      raw.close();
      return { version, readings: rows.map((row) => row.taken_at) };
    };
    const first = journal();
    first.addReading(reading(0, 60));
    first.close();
    expect(existsSync(copy), "nothing to keep").to.equal(false);
    makeOld();
    const migrated = journal();
    migrated.addReading(reading(60, 120));
    migrated.close();
    expect(takenAt(copy)).to.deep.equal({ version: 2, readings: [60] });

    makeOld();
    journal().close();
    expect(takenAt(copy), "replaced by the newer one").to.deep.equal({ version: 2, readings: [60, 120] });
    journal().close();
    expect(readdirSync(dir).filter((name) => name.includes("schema"))).to.deep.equal(["journal.sqlite.schema-2"]);

    const raw = new DatabaseSync(path);
    raw.exec("PRAGMA user_version = 99");
    raw.close();
    expect(() => journal()).to.throw(JournalError, `copy ${copy} to its place; readings since the upgrade stay in the`);
    renameSync(path, `${path}.newer`);
    copyFileSync(copy, path);
    expect(journal().lastReading(1)!.takenAt).to.equal(120);
  });

  it("leaves a journal as it is when no copy of it can be kept", () => {
    journal().close();
    const raw = new DatabaseSync(path);
    raw.exec("DROP TABLE own_orders; ALTER TABLE progress DROP COLUMN terms; PRAGMA user_version = 2");
    raw.close();
    mkdirSync(`${path}.schema-2`);
    expect(() => journal()).to.throw(JournalError, "older version, and no copy of it can be kept");
    const after = new DatabaseSync(path);
    expect(after.prepare("PRAGMA user_version").get()!.user_version).to.equal(2);
    after.close();
  });

  it("knows what is added to a meter's registers now, and when it was last replaced", () => {
    const it = journal();
    it.addRegisterOffsets(1, { imported: 100n, exported: 0n, reason: "wrapped", since: 60 });
    it.addRegisterOffsets(1, { imported: -7n, exported: 5n, reason: "replaced", since: 70 });
    it.addRegisterOffsets(1, { imported: 93n, exported: 5n, reason: "wrapped", since: 80 });
    it.addRegisterOffsets(2, { imported: 1n, exported: 1n, reason: "wrapped", since: 90 });
    expect(it.registerOffsets(1)).to.deep.equal({ imported: 93n, exported: 5n, reason: "wrapped", since: 80 });
    expect(it.registerOffsets(1, "replaced")!.since).to.equal(70);
    expect(it.registerOffsets(2, "replaced")).to.equal(undefined);
    expect(it.registerOffsets(3)).to.equal(undefined);
  });

  it("refuses what a newer version has written", () => {
    journal().close();
    const raw = new DatabaseSync(path);
    raw.exec("PRAGMA user_version = 99");
    raw.close();
    expect(() => journal()).to.throw(
      JournalError,
      /newer version .*update ioe, or go back: move .* away .* rebuilds what it needs/,
    );
  });

  it("refuses a database of something else", () => {
    const raw = new DatabaseSync(path);
    raw.exec("CREATE TABLE recipes (name TEXT)");
    raw.close();
    expect(() => journal()).to.throw(JournalError, /not a journal of ioe/);
  });

  it("says so when the folder is missing", () => {
    path = join(dir, "nowhere", "journal.sqlite");
    expect(() => journal()).to.throw(JournalError, /check that its folder exists/);
  });

  it("says what to do when its disk is full, and nothing about other errors", () => {
    const raw = new DatabaseSync(path);
    raw.exec("CREATE TABLE ballast (bytes BLOB); PRAGMA max_page_count = 3");
    const failure = (sql: string) => {
      try {
        raw.exec(sql);
      } catch (error) {
        return brokenFile(path, error);
      }
      throw new Error("expected it to fail");
    };
    expect(failure("INSERT INTO ballast VALUES (zeroblob(100000))")?.message).to.match(
      /can no longer be written \(database or disk is full\); free some space on its disk and start again/,
    );
    expect(failure("INSERT INTO nowhere VALUES (1)")).to.equal(undefined);
    raw.close();
  });
});
