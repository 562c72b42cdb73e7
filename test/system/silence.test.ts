import { DatabaseSync } from "node:sqlite";
import { join } from "node:path";
import { expect } from "chai";
import { endOf, slotOf } from "../../protocol/src/slots.ts";
import { householdDir } from "../../tools/world.ts";
import { Books, openWorld, Trade } from "../faults/books.ts";
import { Line, QUICK_ZONE, until, World } from "./world.ts";

/** An outage of three slots and a restart are over before the grace is, on a busy machine, too. */
const PATIENT_ZONE = { ...QUICK_ZONE, grace: 120 };

describe("Pis that fall silent", () => {
  let world: World;
  let buyersLine: Line;

  before(async () => {
    world = await World.start(2, PATIENT_ZONE);
    buyersLine = await Line.to(world.rpcUrl);
    await world.configure(1, (config) => (config.chain.rpcUrls = [buyersLine.url]));
    await world.configure(2, (config) => (config.delivery = { maxUnwitnessedWh: 40 }));
    await openWorld(world);
  });

  after(async () => {
    await world?.stop();
    await buyersLine?.close();
  });

  async function flowing(): Promise<void> {
    await until("current to flow", async () => (await world.truth()).households[1]!.powerW > 5_000);
  }

  it("the source opens at its limit when the buyer's readings stop coming", async () => {
    const trade = await Trade.make(world, 300n, 190);
    await flowing();
    buyersLine.cut();
    const witnessed = await trade.sent();

    const opened = await until("the source to open", async () => {
      const contact = await world.contact(2, "discharge");
      return !contact.closed && contact;
    });
    const sent = await trade.sent();
    // The limit counts from the buyer's last reading on chain, which is up to a slot (17 Wh at 6 kW) and a poll older.
    expect(sent - witnessed).to.be.within(40 - 22, 40 + 4);
    expect(opened.history.at(-1)!.cause).to.equal("command");
    // The contact is there before the log's line is.
    const ended = await until("the end to be logged", () => Promise.resolve(world.logged(2, "delivery.ended").at(-1)));
    expect(ended.because).to.equal("unwitnessed");

    // What flowed is paid: the silent witness agrees with the other one when the grace is over, or proves it later.
    buyersLine.mend();
    expect(Number(await trade.expectBalanced())).to.be.within(Math.floor(sent) - 3, Math.ceil(sent));
    expect((await trade.moves(2, "discharge")).map(({ closed }) => closed)).to.deep.equal([true, false]);
  });

  it("the relay board opens by itself when the oracle is killed while energy flows", async () => {
    const trade = await Trade.make(world, 120n);
    await flowing();
    const killedAt = Date.now();
    await world.stopOracle(2, "SIGKILL");

    const contact = await until("the board's watchdog", async () => {
      const state = await world.contact(2, "discharge");
      return !state.closed && state;
    });
    const movement = contact.history.at(-1)!;
    expect(movement.cause).to.equal("watchdog");
    // Both times are the board's own, so a busy machine changes nothing: it counts down the guard, which is the lease of 5 s
    // and a margin of 1 s, then its contacts need 10 ms and a step of the world. What was still in the socket at the kill
    // may have armed it once more.
    const armedAt = (await world.truth()).households[1]!.watchdogArmedAt!;
    expect(movement.at - armedAt).to.be.within(5_000, 6_020);
    expect(armedAt - killedAt).to.be.below(2_000);

    // The restarted oracle first knows what flowed, then goes on with the delivery.
    await world.startOracle(2);
    expect(Number(await trade.expectBalanced())).to.be.within(1, 120);
  });

  it("delivers the readings of an outage late and in order; relaying a later one first spoils nothing", async () => {
    const { registry } = await world.contracts();
    const books = await Books.open(world);
    const duration = world.zone.slotDuration;
    const last = Number((await registry.meterOf(1)).lastTakenAt);
    const [first, slots] = [slotOf(last + 1, duration) + 1, 3];
    buyersLine.cut();
    await new Promise((done) => setTimeout(done, endOf(first + slots - 1, duration) * 1_000 + 1_500 - Date.now()));
    await world.stopOracle(1);

    // What is signed and stored but not on chain: a stranger gets hold of a copy and sends the last one first.
    const pending = pendingReadings(join(householdDir(world.dir, 1), "journal.sqlite"));
    expect(pending.length).to.be.at.least(slots);
    const latest = pending.at(-1)!;
    await until("the chain's time to pass it", async () => BigInt(await world.now()) >= latest.takenAt);
    const stranger = registry.connect((await world.ethers.getSigners())[15]);
    const { signature, ...reading } = latest;
    const receipt = await (await stranger.report([reading], [signature])).wait();
    const [rejected] = await registry.queryFilter(registry.filters.ReadingRejected(1), receipt!.blockNumber);
    expect(rejected!.args.reason).to.equal(OUT_OF_ORDER);

    buyersLine.mend();
    await world.startOracle(1);
    await until(
      "the stored readings to be on chain",
      async () => (await registry.meterOf(1)).lastTakenAt >= latest.takenAt,
    );
    const accepted = await registry.queryFilter(registry.filters.ReadingAccepted(1), receipt!.blockNumber);
    const times = accepted.map(({ args }) => args.takenAt);
    for (const { takenAt } of pending) expect(times).to.include(takenAt);
    expect(times).to.deep.equal([...times].sort((a, b) => Number(a - b)));
    for (let slot = first; slot < first + slots; slot++) {
      expect((await registry.energyIn(1, slot)).complete, `slot ${slot}`).to.equal(true);
    }
    await books.expectNoTrade();
  });
});

/** As in IMeterRegistry.Rejection. */
const OUT_OF_ORDER = 3n;

interface StoredReading {
  meterId: bigint;
  epoch: bigint;
  since: bigint;
  takenAt: bigint;
  imported: bigint;
  exported: bigint;
  signature: string;
}

function pendingReadings(journal: string): StoredReading[] {
  const database = new DatabaseSync(journal);
  try {
    const query = database.prepare(
      `SELECT meter_id AS meterId, epoch, since, taken_at AS takenAt, imported, exported, signature
       FROM readings WHERE status = 'pending' ORDER BY taken_at`,
    );
    query.setReadBigInts(true);
    return query.all() as unknown as StoredReading[];
  } finally {
    database.close();
  }
}
