import { mkdtemp, readFile, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { privateKeyToAccount } from "viem/accounts";
import { DEMO_ZONE, type ZoneParameters } from "../../deploy/zone.ts";
import { createChainClient, Outbox, worldOf, Zone } from "../../oracle/src/chain/index.ts";
import { ManualClock, systemClock } from "../../oracle/src/clock.ts";
import type { EnergyMeter } from "../../oracle/src/hardware/index.ts";
import { Journal } from "../../oracle/src/journal/index.ts";
import { createLogger } from "../../oracle/src/log.ts";
import { MeterKey, Readings, Reporter, SampleTime, Sampler } from "../../oracle/src/metering/index.ts";
import { buildMicroGrid } from "../../oracle/src/simulator/build.ts";
import { parseMicroGrid } from "../../oracle/src/simulator/config.ts";
import type { Hex } from "../../protocol/src/deployment.ts";
import { slotOf } from "../../protocol/src/slots.ts";
import { householdDir } from "../../tools/world.ts";
import { World } from "./world.ts";

const QUARTER = 900;
/** The times of a real zone: quarter hours, four hours of grace. */
const REAL_TIMES: ZoneParameters = {
  ...DEMO_ZONE,
  slotDuration: QUARTER,
  grace: 4 * 3_600,
  claimWindow: 7 * 86_400,
  maxDelivery: 4 * 3_600,
};
const METER = 1;

/**
 * An hour passes on a clock that is moved by hand, in a micro-grid in this process; sampler, journal, signatures,
 * reporter and chain are the real ones.
 */
describe("an hour without the chain", () => {
  let world: World;
  let folder: string;

  before(async () => {
    world = await World.start(2, REAL_TIMES);
    folder = await mkdtemp(join(tmpdir(), "ioe-offline-"));
  });

  after(async () => {
    await world?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  const key = async (name: string) =>
    privateKeyToAccount((await readFile(join(householdDir(world.dir, METER), name), "utf8")).trim() as Hex);

  it("ends with every reading on chain in order, every quarter hour complete and every unit booked", async () => {
    const now = await world.now();
    const clock = new ManualClock((now - 3_700) * 1_000);
    const grid = buildMicroGrid(
      parseMicroGrid({
        households: [
          {
            name: "house",
            scope: "connection",
            meter: { port: 0, map: "siemens-pac3200" },
            load: { watts: 5_432 },
          },
        ],
      }),
      clock,
    );
    const [house] = grid.households;
    const meter: EnergyMeter = {
      name: "house",
      scope: "connection",
      resolution: 1n,
      maxPowerW: 8_000,
      read: () => {
        grid.advanceTo(clock.monotonicMs());
        const { importedMilliWh, exportedMilliWh } = house!.meter;
        return Promise.resolve({
          at: clock.monotonicMs(),
          imported: importedMilliWh / 1_000n,
          exported: exportedMilliWh / 1_000n,
          powerW: house!.power / 1_000,
        });
      },
      dispose: () => Promise.resolve(),
    };

    // Offline: sampled, signed, stored.
    const log = createLogger({ level: "error" });
    const journal = new Journal(join(folder, "journal.sqlite"), worldOf(world.deployment));
    const client = createChainClient([world.rpcUrl]);
    const stop = new AbortController();
    const outbox = new Outbox(
      {
        client,
        account: await key("sender.key"),
        chainId: 31_337,
        store: journal,
        clock: systemClock,
        log,
        pollMs: 100,
      },
      stop.signal,
    );
    const zone = new Zone(client, world.deployment, outbox);
    const { domain } = await zone.constants();
    const meterKey = new MeterKey(await key("meter.key"), domain);
    const sampler = new Sampler({ meter, clock, log, pollMs: 1_000, unitsPerKWh: 1_000n });
    const readings = new Readings({
      meterId: METER,
      sampler,
      time: new SampleTime(clock),
      store: journal,
      sign: (reading) => meterKey.reading(reading),
      slotDuration: QUARTER,
      signing: await zone.meter(METER),
      isSynchronised: () => true,
      log,
    });
    for (let second = 0; second < 3_690; second++) {
      if (second % 60 === 30) void readings.checkpoint();
      await sampler.poll(stop.signal);
      await readings.idle();
      await clock.advance(1_000);
    }
    const stored = journal.pendingReadings(METER);
    expect(stored.length).to.be.at.least(60);

    // Back online.
    const reporter = new Reporter({
      meterId: METER,
      chain: zone,
      store: journal,
      sign: (reading) => meterKey.reading(reading),
      slotDuration: QUARTER,
      grace: REAL_TIMES.grace,
      clock: systemClock,
      log,
    });
    const { registry } = await world.contracts();
    await reporter.wake(await world.now());

    const accepted = await registry.queryFilter(registry.filters.ReadingAccepted(METER));
    expect(accepted.map(({ args }) => Number(args.takenAt))).to.deep.equal(stored.map(({ takenAt }) => takenAt));
    const first = slotOf(stored[0]!.takenAt, QUARTER) + 1;
    const last = slotOf(stored.at(-1)!.takenAt + 1, QUARTER) - 1;
    expect(last - first + 1).to.be.at.least(3);
    for (let slot = first; slot <= last; slot++) {
      const { imported, complete } = await registry.energyIn(METER, slot);
      const at = (takenAt: number) => stored.find((reading) => reading.takenAt === takenAt)!.imported;
      expect(complete, `slot ${slot}`).to.equal(true);
      expect(imported, `slot ${slot}`).to.equal(at((slot + 1) * QUARTER) - at(slot * QUARTER));
      expect(imported > 1_300n).to.equal(true);
    }
    stop.abort();
    journal.close();
  });
});
