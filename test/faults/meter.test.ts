import { expect } from "chai";
import { runNode } from "../../tools/cli.ts";
import { needs } from "../hardware/needs.ts";
import { serialLine, type SerialLine } from "../hardware/serial-line.ts";
import { until, World } from "../system/world.ts";
import { BUYER, openWorld, SELLER, Trade } from "./books.ts";
import { LINE, type Manner, SerialBridge } from "./serial-bridge.ts";

const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
/**
 * Waits until the seller's relay has opened, and sees that its oracle did it: it was not the board, which does so when
 * no good sample has renewed the lease for some seconds.
 */
async function opens(world: World, since: number): Promise<void> {
  const opened = await until("the relay to open", async () => {
    const state = await world.contact(SELLER, "discharge");
    const last = state.history.at(-1);
    return !state.closed && last && last.at >= since && last;
  });
  expect(opened).to.include({ cause: "command" });
}

async function flows(world: World): Promise<void> {
  await until("current to flow", async () => (await world.truth()).households[SELLER - 1]!.powerW > 5_000);
}

describe("faults of the meter", () => {
  /** What the seller's meter had counted before this world began, so that it can be set back. */
  const HISTORY_WH = 5_000;
  let world: World;
  /** A minute after the meter was frozen. */
  let cleared: Promise<unknown> | undefined;

  before(async () => {
    world = await World.start(2);
    for (const n of [SELLER, BUYER])
      await world.configure(n, (config) => (config.delivery = { noFlowTimeoutS: 30, silentTimeoutS: 60 }));
    await world.physics(SELLER, { meter: { offsetWh: HISTORY_WH } });
    await openWorld(world);
  });

  after(() => world?.stop());

  it("NaN, and registers that jump by more than could flow: relays open each time, nothing of it is booked, it goes on", async () => {
    const trade = await Trade.make(world, 60n, 190);
    for (const [fault, mended, said] of [
      [{ garbage: true }, { garbage: false }, ["meter.unreadable", /no finite number|missing/]],
      [
        { offsetWh: HISTORY_WH + 2_000 },
        { offsetWh: HISTORY_WH },
        ["meter.implausible", /rose by \d+ in \d+ ms, more than/],
      ],
    ] as const) {
      await flows(world);
      await pause(3_000);
      const since = Date.now();
      await world.physics(SELLER, { meter: fault });
      await opens(world, since);
      await world.physics(SELLER, { meter: mended });
      expect(world.logged(SELLER, said[0]).at(-1)!.reason).to.match(said[1]);
    }
    const delivered = await trade.expectBalanced();
    expect(Number(delivered)).to.be.above(30);
  });

  it("a frozen meter: relays open within seconds, for a minute at least; paid is what it had shown before", async () => {
    const trade = await Trade.make(world, 100n, 100);
    await trade.flowed(8);
    await world.physics(SELLER, { meter: { frozen: true } });
    const shown = await trade.sent();
    const fault = await world.nextLog(SELLER, "safety.fault");
    expect(fault).to.include({ fault: "MeterFrozen" });
    const words = /the registers have not moved for (\d+) s although the meter shows \d+ W/.exec(String(fault.reason));
    expect(Number(words?.[1]), String(fault.reason)).to.be.at.most(12);
    await until("the relay to open", async () => !(await world.contact(SELLER, "discharge")).closed, 3);
    await world.physics(SELLER, { meter: { frozen: false } });
    cleared = world.nextLog(SELLER, "safety.cleared");
    const { delivered } = await trade.closed();
    expect(Number(delivered)).to.be.within(Math.floor(shown) - 4, Math.ceil(await trade.sent()));
    await trade.expectBalanced();
    expect((await trade.moves(SELLER, "discharge")).filter(({ closed }) => closed)).to.have.length(1);
  });

  it("registers that go back: relays open and stay open, whatever restarts, until a person says that the meter was replaced", async () => {
    await cleared;
    const { registry } = await world.contracts();
    const before = await registry.meterOf(SELLER);
    const trade = await Trade.make(world, 60n, 100);
    await trade.flowed(8);
    const since = Date.now();
    await world.physics(SELLER, { meter: { offsetWh: HISTORY_WH - 1_000 } });
    await opens(world, since);
    const advice =
      /went back from \d+ to \d+; if the meter was replaced or reset, stop the oracle and run: ioe meter replace/;
    expect(world.logged(SELLER, "meter.implausible").at(-1)!.reason).to.match(advice);
    const flowed = await trade.sent();
    await world.stopOracle(SELLER);
    await world.startOracle(SELLER);
    await pause(5_000);
    expect(await trade.sent(), "nothing flows after a mere restart").to.equal(flowed);

    await world.stopOracle(SELLER);
    const { code, output } = await runNode("oracle/bin/ioe.mjs", [
      "meter",
      "replace",
      "--config",
      world.configOf(SELLER),
    ]);
    expect(code, output).to.equal(0);
    const restart = world.nextLog(SELLER, "readings.restart");
    await world.startOracle(SELLER);
    expect((await restart).reason).to.be.a("string");
    expect(Number(await trade.expectPaid())).to.be.at.least(Math.floor(flowed) - 20);
    const after = await registry.meterOf(SELLER);
    expect(after.exported > before.exported, "the registers on chain went on").to.equal(true);
    expect(Number(after.exported - before.exported)).to.be.at.most(Math.ceil(await trade.sent()));
    await trade.expectCovered();
  });
});

describe("registers that wrap", () => {
  /** Where those of the simulated meter begin again from zero, Wh. */
  const WRAP_WH = 1e12;
  let world: World;

  before(async () => {
    world = await World.start(2);
    await world.physics(SELLER, { meter: { offsetWh: WRAP_WH - 15 } });
    await openWorld(world);
  });

  after(() => world?.stop());

  it("while energy flows: the count goes on, and all of it is booked and paid", async () => {
    const trade = await Trade.make(world, 40n);
    expect(await trade.expectBalanced({ ahead: WRAP_WH })).to.equal(40n);
    expect(world.logged(SELLER, "meter.wrapped")).to.have.length(1);
    expect((await world.truth()).households[SELLER - 1]!.meter.exportedWh, "the meter itself").to.be.below(WRAP_WH / 2);
    expect(world.logged(SELLER, "safety.fault")).to.deep.equal([]);
  });
});

describe("faults of the line to the meter", () => {
  needs("socat");
  let world: World;
  let line: SerialLine;
  let bridge: SerialBridge | undefined;
  let devicePort: number;

  before(async () => {
    world = await World.start(2);
    line = await serialLine();
    await world.configure(SELLER, (config) => {
      const { host: _, port, ...meter } = config.meter as { host: string; port: number };
      devicePort = port;
      config.meter = { ...meter, serial: { path: line.path, ...LINE } };
    });
    for (const n of [SELLER, BUYER])
      await world.configure(n, (config) => (config.delivery = { noFlowTimeoutS: 30, silentTimeoutS: 60 }));
    bridge = await SerialBridge.between(line.far, devicePort);
    await openWorld(world);
  });

  after(async () => {
    await world?.stop();
    bridge?.close();
    await line?.remove();
  });

  const manners: readonly Manner[] = ["wrong CRC", "another unit", "half a frame", "silent"];

  it(`${manners.join(", ")}: relays open each time, no wrong register is believed, and it goes on`, async () => {
    const trade = await Trade.make(world, 90n, 195);
    for (const manner of manners) {
      await flows(world);
      await pause(2_000);
      const since = Date.now();
      bridge!.manner = manner;
      await opens(world, since);
      expect(bridge!.spoiled).to.be.above(0);
      bridge!.spoiled = 0;
      bridge!.manner = "honest";
    }
    const faults = world.logged(SELLER, "safety.fault").filter(({ fault }) => fault === "NoSample");
    expect(faults.length).to.be.at.least(manners.length);
    expect(world.logged(SELLER, "meter.implausible")).to.have.length(0);
    await trade.expectBalanced();
  });

  it("the adapter is unplugged while energy flows: relays open; plugged in again, the oracle goes on by itself", async () => {
    const trade = await Trade.make(world, 40n);
    await flows(world);
    await pause(3_000);
    const since = Date.now();
    bridge!.close();
    await line.unplug();
    await opens(world, since);
    await line.plugIn();
    bridge = await SerialBridge.between(line.far, devicePort);
    const delivered = await trade.expectBalanced();
    expect(Number(delivered)).to.be.above(20);
    expect(world.logged(SELLER, "died")).to.have.length(0);
  });
});
