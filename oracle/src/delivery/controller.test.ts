import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import type { EnergyMeter, RelayDriver } from "../hardware/types.ts";
import { Journal } from "../journal/index.ts";
import { createLogger } from "../log.ts";
import { Readings, SampleTime, Sampler } from "../metering/index.ts";
import { RelaySet } from "../safety/index.ts";
import { Deliveries } from "./controller.ts";
import type { DeliveryView } from "./settlement.ts";

const START = 1_700_000_000;
const purchase = {
  id: 1n,
  sellerMeterId: 1,
  buyerMeterId: 2,
  energy: 40n,
  price: 120_000n,
  purchasedAt: START,
  deadline: START + 600,
};

/** A source whose meter shows 6 kW of export whenever its way is closed; journal, sampling and relays are the real ones. */
function setUp({ switched = true, maxUnwitnessed }: { switched?: boolean; maxUnwitnessed?: bigint } = {}) {
  const clock = new ManualClock(START * 1_000);
  const lines: { event: string; because?: string }[] = [];
  const log = createLogger({ level: "debug", write: (line) => lines.push(JSON.parse(line) as (typeof lines)[0]) });
  const journal = new Journal(":memory:", "world");
  const contact = { closed: !switched, reads: 0, offline: false };
  /** When the market was told to close, seconds. */
  const closings: number[] = [];
  let exported = 0;
  let last = 0;
  const meter: EnergyMeter = {
    name: "meter",
    scope: switched ? "branch" : "connection",
    resolution: 1n,
    maxPowerW: 8_000,
    read: () => {
      const at = clock.monotonicMs();
      const powerW = contact.closed ? 6_000 : 0;
      exported += (powerW * (at - last)) / 3.6e6;
      last = at;
      return Promise.resolve({ at, imported: 0n, exported: BigInt(Math.floor(exported)), powerW });
    },
    dispose: () => Promise.resolve(),
  };
  const relay: RelayDriver = {
    name: "discharge",
    caps: { guarded: true, maxLeaseMs: 60_000 },
    open: () => Promise.resolve(void (contact.closed = false)),
    close: () => Promise.resolve(void (contact.closed = true)),
    state: () => Promise.resolve(contact.closed ? "closed" : "open"),
    dispose: () => Promise.resolve(),
  };
  const view: DeliveryView = {
    energy: purchase.energy,
    delivered: 0n,
    startSlot: 0,
    deadlineSlot: Math.floor((START + 600 - 1) / 60),
    deadline: purchase.deadline,
    closed: false,
    sellerTakenAt: START,
    buyerTakenAt: START + 1,
    resolution: 1n,
  };
  const relays = new RelaySet({
    relays: new Map(switched ? [["discharge", relay]] : []),
    interlocks: [],
    deviceLeaseMs: 5_000,
    minOpenMs: 0,
    limits: { maxOnMs: 3_600_000, maxMilliWh: 100_000_000n },
    movedMilliWh: () => undefined,
    clock,
    log,
    blocked: () => (deliveries.authorized ? undefined : "not authorized"),
  });
  const sampler = new Sampler({ meter, clock, log, pollMs: 500, unitsPerKWh: 1_000n });
  const time = new SampleTime(clock);
  const readings = new Readings({
    meterId: 1,
    sampler,
    time,
    store: journal,
    sign: () => Promise.resolve("0x" as const),
    slotDuration: 60,
    signing: { epoch: 0, epochFromSlot: 0 },
    isSynchronised: () => true,
    log,
  });
  const done = Promise.resolve({ status: "mined" });
  const deliveries: Deliveries = new Deliveries({
    meterId: 1,
    routes: [{ role: "source", peers: "any", relays: switched ? ["discharge"] : [], powerW: 6_000 }],
    store: journal,
    isFinal: () => true,
    settles: true,
    market: {
      delivery: () => {
        contact.reads++;
        return contact.offline ? Promise.reject(new Error("no node answers")) : Promise.resolve({ ...view });
      },
      settle: () => done,
      close: () => {
        closings.push(clock.unixMs() / 1_000 - START);
        return done;
      },
    },
    relays,
    sampler,
    readings,
    time,
    fault: () => undefined,
    slotDuration: 60,
    grace: 120,
    authorityLeaseMs: 120_000,
    noFlowTimeoutMs: 60_000,
    silentTimeoutMs: 15_000,
    maxUnwitnessed,
    clock,
    log,
  });
  const stop = new AbortController();
  const running = [sampler.run(stop.signal), deliveries.run(stop.signal)];
  let head = 0n;
  /** Time passes with a block every second, whose time lags behind. */
  const pass = async (seconds: number, lagS = 0) => {
    for (let i = 0; i < seconds; i++) {
      await clock.advance(1_000);
      if (contact.offline) continue;
      const timestamp = Math.floor(clock.unixMs() / 1_000) - lagS;
      await deliveries.onHead({ number: ++head, timestamp });
    }
    await clock.advance(0);
  };
  const ended = () => lines.find(({ event }) => event === "delivery.ended")?.because;
  const end = async () => {
    stop.abort();
    await clock.advance(0);
    await Promise.all(running);
    journal.close();
  };
  return { clock, journal, contact, closings, deliveries, view, pass, ended, end };
}

describe("carrying out a delivery", () => {
  it("closes when the contract has been read, lets the energy through and opens", async () => {
    const world = setUp();
    world.journal.requestDelivery(purchase, 1n);
    await world.pass(3);
    expect(world.contact.closed).to.equal(true);
    await world.pass(30);
    expect(world.contact.closed).to.equal(false);
    expect(world.ended()).to.equal("target");
    expect(world.deliveries.status()!.moved).to.be.within(Number(purchase.energy), Number(purchase.energy) + 3);
    await world.end();
  });

  it("never closes for less than the other meter, the coarser one, can witness", async () => {
    const world = setUp();
    world.view.resolution = purchase.energy / 20n + 1n;
    world.journal.requestDelivery(purchase, 1n);
    for (let i = 0; i < 10; i++) {
      await world.pass(1);
      expect(world.contact.closed).to.equal(false);
    }
    expect(world.ended()).to.equal("too-small");
    await world.end();
  });

  it("does not close while the contract cannot be read, and does not ask without a pause", async () => {
    const world = setUp();
    world.journal.requestDelivery(purchase, 1n);
    world.contact.offline = true;
    await world.pass(30);
    expect(world.contact.closed).to.equal(false);
    expect(world.contact.reads).to.be.within(2, 11);
    await world.end();
  });

  it("opens when the contract could not be read for the length of the authority", async () => {
    const world = setUp();
    world.journal.requestDelivery({ ...purchase, energy: 4_000n }, 1n);
    world.view.energy = 4_000n;
    await world.pass(3);
    world.contact.offline = true;
    await world.pass(118);
    expect(world.contact.closed).to.equal(true);
    await world.pass(4);
    expect(world.contact.closed).to.equal(false);
    await world.end();
  });

  it("opens when the delivery is closed on chain", async () => {
    const world = setUp();
    world.journal.requestDelivery(purchase, 1n);
    await world.pass(5);
    world.journal.closeDelivery(1n, 3n, "Short", 2n);
    await world.pass(1);
    expect(world.contact.closed).to.equal(false);
    expect(world.deliveries.status()).to.equal(undefined);
    await world.end();
  });

  it("ends it on a chain that lags behind when that has come to the end, not before: what flowed would be cut off", async () => {
    const world = setUp({ maxUnwitnessed: 20n });
    world.journal.requestDelivery(purchase, 1n);
    await world.pass(20, 90);
    expect(world.contact.closed).to.equal(false);
    expect(world.ended()).to.equal("unwitnessed");
    await world.pass(80, 90);
    expect(world.closings).to.deep.equal([]);
    await world.pass(15, 90);
    expect(world.closings[0]).to.be.within(100, 110);
    await world.end();
  });

  it("does not go on with a delivery that it ended before a restart", async () => {
    const world = setUp();
    world.journal.requestDelivery(purchase, 1n);
    world.journal.saveProgress(1n, { importedBefore: 0n, exportedBefore: 0n, checkpoints: 2, endedBecause: "fault" });
    await world.pass(20);
    expect(world.contact.closed).to.equal(false);
    expect(world.deliveries.status()).to.include({ phase: "ended", endedBecause: "fault" });
    await world.end();
  });

  it("only watches the registers where there is nothing to switch", async () => {
    const world = setUp({ switched: false });
    world.journal.requestDelivery(purchase, 1n);
    await world.pass(5);
    expect(world.deliveries.status()!.phase).to.equal("flowing");
    world.contact.closed = false; // a cloud
    await world.pass(120);
    expect(world.ended()).to.equal(undefined);
    expect(world.contact.reads).to.be.lessThan(140);
    world.contact.closed = true;
    await world.pass(40);
    expect(world.ended()).to.equal("target");
    await world.end();
  });
});
