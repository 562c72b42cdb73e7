import { expect } from "chai";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { LineEvent } from "../transport/gpio-uapi.ts";
import { DeviceError } from "../types.ts";
import { type S0Config, createS0, s0Schema } from "./s0.ts";

const { signal } = new AbortController();

describe("S0 meter", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "ioe-s0-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  /** A meter on a line whose pulses the test makes. */
  function setUp(own: Partial<S0Config> = {}, unitsPerKWh = 1_000n) {
    const config = s0Schema.parse({
      driver: "s0",
      line: "GPIO22",
      pulsesPerKWh: 1_000,
      direction: "import",
      scope: "branch",
      maxPowerW: 3_600,
      ...own,
    });
    let queue: LineEvent[] = [];
    let sequence = 0;
    const open = () => ({ events: () => queue.splice(0), close: () => (queue = []) });
    const meter = createS0(config, { unitsPerKWh, stateDir: folder, open });
    const pulse = (count: number) => {
      for (let i = 0; i < count; i++) queue.push({ sequence: ++sequence, timestampNs: process.hrtime.bigint() });
    };
    return { meter, pulse };
  }

  it("adds its pulses to the meter's display at the beginning", async () => {
    const { meter, pulse } = setUp({ initialWh: 1_234_567, pulsesPerKWh: 500 });
    expect((await meter.read(signal)).imported).to.equal(1_234_567n);
    pulse(3);
    const { imported, exported } = await meter.read(signal);
    expect([imported, exported]).to.deep.equal([1_234_573n, 0n]);
    expect(meter.resolution).to.equal(2n);
  });

  it("rounds pulses that are no whole energy unit down", async () => {
    const { meter, pulse } = setUp({ pulsesPerKWh: 1_200, direction: "export" });
    pulse(7);
    expect((await meter.read(signal)).exported).to.equal(5n);
    expect(meter.resolution).to.equal(1n);
  });

  it("goes on counting after a crash without losing or inventing what it has reported", async () => {
    const first = setUp({ initialWh: 100 });
    first.pulse(7);
    const reported = (await first.meter.read(signal)).imported;
    const second = setUp({ initialWh: 100 });
    expect((await second.meter.read(signal)).imported).to.equal(reported);
    second.pulse(1);
    expect((await second.meter.read(signal)).imported).to.equal(reported + 1n);
  });

  it("reports no pulse that is not on the disk, and counts it once it is", async () => {
    const { meter, pulse } = setUp();
    pulse(1);
    await meter.read(signal);
    rmSync(folder, { recursive: true });
    writeFileSync(folder, "a file in the folder's place");
    pulse(2);
    const error: unknown = await meter.read(signal).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(DeviceError);
    rmSync(folder);
    expect((await meter.read(signal)).imported).to.equal(3n);
  });

  it("does not take over the count of a meter with other pulses", async () => {
    const first = setUp();
    first.pulse(1);
    await first.meter.read(signal);
    const error: unknown = await setUp({ pulsesPerKWh: 800 })
      .meter.read(signal)
      .catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(DeviceError);
    expect((error as Error).message).to.include("counted with 1000 pulses per kWh, the configuration says 800");
  });

  it("shows power against the direction of the register", async () => {
    const { meter, pulse } = setUp();
    pulse(1);
    await new Promise((done) => setTimeout(done, 20));
    pulse(1);
    expect((await meter.read(signal)).powerW).to.be.below(-1);
  });
});
