import { packOrderId } from "@ioe/protocol";
import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import type { EnergyMeter, RelayDriver } from "../hardware/types.ts";
import { createLogger } from "../log.ts";
import { SampleTime, Sampler } from "../metering/index.ts";
import { RelaySet } from "../safety/index.ts";
import { Fills } from "./fills.ts";

const SLOT_S = 60;
const SLOT = 28_333_333;
/** The slot's first moment. */
const START = SLOT * SLOT_S;
const ASK = packOrderId({ slot: SLOT, meterId: 1, side: "ask", tick: 10 });
const BID = packOrderId({ slot: SLOT, meterId: 1, side: "bid", tick: 40 });

/** 6 kW flow whenever a way is closed: a unit in 600 ms. Sampling and relays are the real ones. */
async function setUp() {
  const clock = new ManualClock((START - 10) * 1_000);
  const events: string[] = [];
  const log = createLogger({
    level: "debug",
    write: (line) => events.push((JSON.parse(line) as { event: string }).event),
  });
  const contacts = { discharge: false, charge: false };
  /** Energy accepted of each order, and whether the node answers only when it is told to. */
  const chain = { fills: new Map<bigint, bigint>(), answer: () => Promise.resolve() };
  const moved = { exported: 0, imported: 0 };
  let last = 0;
  const meter: EnergyMeter = {
    name: "meter",
    scope: "branch",
    resolution: 1n,
    maxPowerW: 8_000,
    read: () => {
      const at = clock.monotonicMs();
      const units = (at - last) / 600;
      last = at;
      if (contacts.discharge) moved.exported += units;
      if (contacts.charge) moved.imported += units;
      const [exported, imported] = [moved.exported, moved.imported].map((value) => BigInt(Math.floor(value)));
      const powerW = contacts.discharge ? 6_000 : contacts.charge ? -6_000 : 0;
      return Promise.resolve({ at, imported: imported!, exported: exported!, powerW });
    },
    dispose: () => Promise.resolve(),
  };
  /** Of a slow device: how long its contact takes to answer that it has closed, ms. */
  const device = { closingMs: 0 };
  const relay = (name: keyof typeof contacts): RelayDriver => ({
    name,
    caps: { guarded: true, maxLeaseMs: 60_000 },
    open: () => Promise.resolve(void (contacts[name] = false)),
    close: async () => {
      contacts[name] = true;
      if (device.closingMs > 0) await clock.sleep(device.closingMs);
    },
    state: () => Promise.resolve(contacts[name] ? "closed" : "open"),
    dispose: () => Promise.resolve(),
  });
  const relays = new RelaySet({
    relays: new Map([
      ["discharge", relay("discharge")],
      ["charge", relay("charge")],
    ]),
    interlocks: [{ relays: ["discharge", "charge"], deadTimeMs: 500 }],
    deviceLeaseMs: 5_000,
    minOpenMs: 0,
    limits: { maxOnMs: 3_600_000, maxMilliWh: 100_000_000n },
    movedMilliWh: () => undefined,
    clock,
    log,
    blocked: () => (fills.authorized ? undefined : "not authorized"),
  });
  await relays.openAll("start");
  const sampler = new Sampler({ meter, clock, log, pollMs: 500, unitsPerKWh: 1_000n });
  const fills: Fills = new Fills({
    routes: [
      { role: "source", peers: "any", relays: ["discharge"], powerW: 6_000 },
      { role: "sink", peers: "any", relays: ["charge"], powerW: 6_000 },
    ],
    orders: { ordersIn: (slot) => (slot === SLOT ? [ASK, BID] : []) },
    auction: {
      fillOf: async (id, blockNumber) => {
        // As the head showed it, whichever node answers.
        expect(blockNumber).to.equal(number);
        const filled = chain.fills.get(id) ?? 0n;
        await chain.answer();
        return filled;
      },
    },
    relays,
    sampler,
    time: new SampleTime(clock),
    slotDuration: SLOT_S,
    authorityLeaseMs: 120_000,
    delivering: () => false,
    clock,
    log,
  });
  const stop = new AbortController();
  const running = sampler.run(stop.signal);
  let number = 0n;
  const head = () => fills.onHead({ number: ++number, timestamp: Math.floor(clock.unixMs() / 1_000) });
  /** Time passes with a block every second. */
  const pass = async (seconds: number) => {
    for (let i = 0; i < seconds; i++) {
      await clock.advance(1_000);
      await head();
    }
    await clock.advance(0);
  };
  const end = async () => {
    stop.abort();
    await clock.advance(0);
    await running;
    await relays.dispose();
  };
  return { clock, chain, contacts, device, moved, events, fills, head, pass, end };
}

describe("carrying out a fill", () => {
  let world: Awaited<ReturnType<typeof setUp>>;
  const open = { discharge: false, charge: false };
  beforeEach(async () => (world = await setUp()));
  afterEach(() => world.end());

  it("closes in its slot until the energy is reached", async () => {
    world.chain.fills.set(ASK, 20n);
    await world.pass(9);
    expect(world.contacts).to.deep.equal(open);
    await world.pass(5);
    expect(world.contacts).to.deep.equal({ discharge: true, charge: false });
    await world.pass(15);
    expect(world.contacts).to.deep.equal(open);
    expect(world.moved.exported).to.be.within(20, 23);
    expect(world.events.filter((event) => event === "fill.started")).to.have.lengthOf(1);
  });

  it("opens with the head that shows its clearing undone, and goes on when the clearing is there again", async () => {
    world.chain.fills.set(ASK, 90n);
    await world.pass(15);
    expect(world.contacts.discharge).to.equal(true);
    world.chain.fills.clear();
    await world.head();
    expect(world.contacts).to.deep.equal(open);
    expect(world.fills.authorized).to.equal(false);
    await world.pass(5);
    expect(world.contacts).to.deep.equal(open);
    world.chain.fills.set(ASK, 90n);
    await world.pass(2);
    expect(world.contacts.discharge).to.equal(true);
  });

  it("opens also while a slow device is still closing", async () => {
    world.chain.fills.set(ASK, 90n);
    world.device.closingMs = 4_000;
    await world.pass(13);
    expect(world.contacts.discharge).to.equal(true);
    world.chain.fills.clear();
    await world.head();
    expect(world.contacts).to.deep.equal(open);
    await world.pass(10);
    expect(world.contacts).to.deep.equal(open);
  });

  it("takes the other direction when the clearing has turned around", async () => {
    world.chain.fills.set(ASK, 90n);
    await world.pass(15);
    expect(world.contacts.discharge).to.equal(true);
    world.chain.fills.set(BID, 100n);
    await world.head();
    expect(world.contacts).to.deep.equal(open);
    await world.pass(3);
    expect(world.contacts).to.deep.equal({ discharge: false, charge: true });
    await world.pass(15);
    expect(world.contacts).to.deep.equal(open);
    expect(world.moved.imported).to.be.within(10, 13);
  });

  it("follows its energy, counted from the slot's start, without opening in between", async () => {
    world.chain.fills.set(ASK, 90n);
    await world.pass(15);
    world.chain.fills.set(ASK, 20n);
    await world.pass(2);
    expect(world.contacts.discharge).to.equal(true);
    expect(world.events).not.to.include("relays.opened");
    await world.pass(15);
    expect(world.contacts).to.deep.equal(open);
    expect(world.moved.exported).to.be.within(20, 23);
    world.chain.fills.set(ASK, 30n);
    await world.pass(15);
    expect(world.contacts).to.deep.equal(open);
    expect(world.moved.exported).to.be.within(30, 33);
    world.chain.fills.set(ASK, 15n);
    await world.pass(5);
    expect(world.contacts).to.deep.equal(open);
  });

  it("does not believe a slow answer after a newer head's", async () => {
    world.chain.fills.set(ASK, 90n);
    await world.pass(15);
    expect(world.contacts.discharge).to.equal(true);
    let answer = (): void => undefined;
    const slow = new Promise<void>((resolve) => (answer = resolve));
    world.chain.answer = () => slow;
    const late = world.head();
    world.chain.answer = () => Promise.resolve();
    world.chain.fills.clear();
    await world.head();
    answer();
    await late;
    await world.clock.advance(900);
    expect(world.contacts).to.deep.equal(open);
  });
});
