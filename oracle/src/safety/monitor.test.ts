import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import { FaultLatch } from "./fault-latch.ts";
import { Monitor, TYPICAL_OPENING_MS } from "./monitor.ts";

const folders: string[] = [];

function setUp(
  scope: "branch" | "connection" = "branch",
  { latch = newLatch(), registersEveryMs }: { latch?: FaultLatch; registersEveryMs?: number } = {},
) {
  const clock = new ManualClock();
  const world = { openFor: 60_000 as number | undefined, opened: [] as string[], exported: 0n };
  const monitor = new Monitor({
    meter: { maxPowerW: 8_000, scope, resolution: 1n, registersEveryMs },
    unitsPerKWh: 1_000n,
    latch,
    pollMs: 500,
    clock,
    log: createLogger({ write: () => undefined }),
    allOpenForMs: () => world.openFor,
    open: (reason) => world.opened.push(reason),
  });
  const stop = new AbortController();
  const running = monitor.run(stop.signal);
  /** Samples at the beat of the poll; the register moves unless the meter is frozen. */
  const sample = async (powerW: number, count = 1, frozen = false) => {
    for (let i = 0; i < count; i++) {
      await clock.advance(500);
      if (!frozen) world.exported++;
      monitor.onSample({ at: clock.monotonicMs(), imported: 0n, exported: world.exported, powerW });
    }
  };
  return { clock, world, monitor, sample, stop: () => (stop.abort(), running) };
}

function newLatch(): FaultLatch {
  const folder = mkdtempSync(join(tmpdir(), "ioe-monitor-"));
  folders.push(folder);
  return new FaultLatch(join(folder, "fault"));
}

describe("safety monitor", () => {
  after(() => folders.forEach((folder) => rmSync(folder, { recursive: true })));

  it("trusts the meter after three samples", async () => {
    const { monitor, sample, stop } = setUp();
    expect(monitor.fault).to.include({ kind: "NoSample" });
    await sample(0, 2);
    expect(monitor.fault).to.include({ kind: "NoSample" });
    await sample(0);
    expect(monitor.fault).to.equal(undefined);
    await stop();
  });

  it("opens so early that contacts are open two polls after the last sample, and recovers", async () => {
    const { clock, world, monitor, sample, stop } = setUp();
    await sample(0, 3);
    await clock.advance(1_000 - TYPICAL_OPENING_MS - 1);
    expect(world.opened).to.deep.equal([]);
    await clock.advance(1);
    expect(world.opened).to.deep.equal(["NoSample"]);
    expect(monitor.fault).to.include({ latched: false });
    await sample(0, 3);
    expect(monitor.fault).to.equal(undefined);
    await stop();
  });

  it("opens at once when a sample cannot be true", async () => {
    const { world, monitor, sample, stop } = setUp();
    await sample(0, 3);
    monitor.distrust("imported went back");
    expect(world.opened).to.deep.equal(["NoSample"]);
    await stop();
  });

  for (const powerW of [8_001, -8_001]) {
    it(`opens with the first sample of ${powerW} W and stays open for a minute`, async () => {
      const { world, monitor, sample, stop } = setUp();
      world.openFor = undefined;
      await sample(8_000, 3);
      expect(monitor.fault).to.equal(undefined);
      await sample(powerW);
      expect(world.opened).to.deep.equal(["OverPower"]);
      expect(monitor.fault).to.include({ latched: true });
      await sample(0, 119);
      expect(monitor.fault).to.include({ kind: "OverPower" });
      await sample(0);
      expect(monitor.fault).to.equal(undefined);
      await stop();
    });
  }

  it("latches a welded contact: power on a branch whose relays are all open", async () => {
    const { world, monitor, sample, stop } = setUp();
    await sample(0, 3);
    await sample(500, 2);
    expect(monitor.fault).to.equal(undefined);
    await sample(500);
    expect(monitor.fault).to.include({ kind: "ContactorWelded", latched: true });
    expect(world.opened).to.deep.equal(["ContactorWelded"]);
    await sample(0, 500);
    expect(monitor.fault).to.include({ kind: "ContactorWelded" });
    await stop();
  });

  it("does not take the power of a time before the opening for power after it", async () => {
    const { clock, world, monitor, stop } = setUp();
    const shown = async (seconds: number, powerAt?: number) => {
      for (let i = 0; i < seconds * 2; i++) {
        await clock.advance(500);
        if (world.openFor !== undefined) world.openFor += 500;
        const at = clock.monotonicMs();
        const sample = { at, imported: 0n, exported: BigInt(at), powerW: 500 };
        monitor.onSample(powerAt === undefined ? sample : { ...sample, powerAt });
      }
    };
    world.openFor = undefined;
    await shown(5);
    world.openFor = 0;
    // A pulse meter shows the distance of its last two pulses until the next one is late.
    await shown(15, clock.monotonicMs());
    expect(monitor.fault).to.equal(undefined);
    await shown(1, clock.monotonicMs());
    expect(monitor.fault).to.equal(undefined);
    await shown(2);
    expect(monitor.fault).to.include({ kind: "ContactorWelded" });
    await stop();
  });

  it("keeps a contact in mind that does not open any more, once", async () => {
    const latch = newLatch();
    const { world, monitor, sample, stop } = setUp("branch", { latch });
    await sample(0, 3);
    monitor.weld("a: still reads closed");
    monitor.weld("a: still reads closed");
    expect(world.opened).to.deep.equal(["ContactorWelded"]);
    expect(monitor.fault).to.include({ kind: "ContactorWelded", latched: true });
    expect(latch.load()?.reason).to.equal("a: still reads closed");
    await stop();
  });

  it("gives the current time to die down after an opening", async () => {
    const { world, monitor, sample, stop } = setUp();
    await sample(0, 3);
    world.openFor = 2_900;
    await sample(500, 10);
    expect(monitor.fault).to.equal(undefined);
    await stop();
  });

  it("does not judge welding at a house's connection, nor while a relay is closed", async () => {
    const connection = setUp("connection");
    await connection.sample(3_000, 20);
    expect(connection.monitor.fault).to.equal(undefined);
    await connection.stop();
    const branch = setUp();
    branch.world.openFor = undefined;
    await branch.sample(3_000, 20);
    expect(branch.monitor.fault).to.equal(undefined);
    await branch.stop();
  });

  it("keeps a welded contact latched over a restart, until it is cleared", async () => {
    const latch = newLatch();
    const first = setUp("branch", { latch });
    await first.sample(0, 3);
    await first.sample(500, 3);
    await first.stop();
    const second = setUp("branch", { latch });
    await second.sample(0, 500);
    expect(second.monitor.fault).to.include({ kind: "ContactorWelded", latched: true });
    expect(second.monitor.fault!.reason).to.match(/^500 W flow .*run: ioe relays-off/);
    await second.stop();
    latch.clear();
    const third = setUp("branch", { latch });
    await third.sample(0, 3);
    expect(third.monitor.fault).to.equal(undefined);
    await third.stop();
  });

  it("opens when registers stand still although power is shown, and stays open for a minute", async () => {
    const { world, monitor, sample, stop } = setUp();
    world.openFor = undefined;
    await sample(6_000, 3);
    // 6 kW move 1 Wh in 0.6 s: two steps are due with the third sample, but ten polls are waited for.
    await sample(6_000, 9, true);
    expect(monitor.fault).to.equal(undefined);
    await sample(6_000, 1, true);
    expect(monitor.fault).to.include({ kind: "MeterFrozen", latched: true });
    expect(world.opened).to.deep.equal(["MeterFrozen"]);
    await sample(0, 119, true);
    expect(monitor.fault).to.include({ kind: "MeterFrozen" });
    await sample(0, 1, true);
    expect(monitor.fault).to.equal(undefined);
    await stop();
  });

  it("does not take a low power between two steps of the register for a standstill", async () => {
    const { world, monitor, sample, stop } = setUp();
    world.openFor = undefined;
    await sample(100, 3);
    // 100 W move 1 Wh in 36 s; equal power to the last digit proves nothing.
    await sample(100, 140, true);
    expect(monitor.fault).to.equal(undefined);
    await sample(100, 10, true);
    expect(monitor.fault).to.include({ kind: "MeterFrozen" });
    await stop();
  });

  it("takes no rest for a standstill, however long it was and however much power begins after it", async () => {
    const { world, monitor, sample, stop } = setUp();
    world.openFor = undefined;
    await sample(0, 3);
    await sample(0, 200, true);
    await sample(8_000, 8, true);
    expect(monitor.fault).to.equal(undefined);
    await sample(8_000, 1);
    expect(monitor.fault).to.equal(undefined);
    await sample(8_000, 10, true);
    expect(monitor.fault).to.include({ kind: "MeterFrozen" });
    await stop();
  });

  it("waits two updates of registers that a device updates once a minute", async () => {
    const { world, monitor, sample, stop } = setUp("connection", { registersEveryMs: 60_000 });
    await sample(3_000, 3);
    for (let i = 0; i < 5; i++) {
      await sample(3_000, 119, true);
      await sample(3_000);
    }
    expect(monitor.fault).to.equal(undefined);
    await sample(3_000, 240, true);
    expect(world.opened).to.deep.equal(["MeterFrozen"]);
    await stop();
  });

  it("does not count noise of the power", async () => {
    const { monitor, sample, stop } = setUp();
    await sample(0, 3);
    await sample(79, 5_000, true);
    expect(monitor.fault).to.equal(undefined);
    await stop();
  });
});
