import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import {
  type EnergyMeter,
  type MeterMapName,
  createMeter,
  createRelay,
  meterDriverSchema,
  meterMapNames,
  relayDriverSchema,
} from "../hardware/index.ts";
import { rejection, silentServer } from "../hardware/testing/bare-server.ts";
import { type HouseholdState, PortError, type Simulator, parseMicroGrid, startSimulator } from "./index.ts";

const never = new AbortController().signal;
const battery = { capacityWh: 10_000, socWh: 5_000, dischargeLimitW: 6_000, chargeLimitW: 6_000 };
const branch = (name: string, map: MeterMapName, start = {}) => ({
  name,
  meter: { port: 0, map, start },
  board: { port: 0 },
  battery,
});

function meterAt(port: number, map: MeterMapName, unitsPerKWh: bigint): EnergyMeter {
  const config = { driver: "modbus", host: "127.0.0.1", port, map, scope: "branch", maxPowerW: 8_000, timeoutMs: 200 };
  return createMeter(meterDriverSchema.parse(config), { unitsPerKWh });
}

describe("simulator", () => {
  let clock: ManualClock;
  let simulator: Simulator;
  const meters: EnergyMeter[] = [];

  const start = async (config: object) => {
    clock = new ManualClock(Date.UTC(2026, 0, 1));
    simulator = await startSimulator(parseMicroGrid(config), clock);
  };
  const stop = async () => {
    const stopping = simulator.stop();
    await clock.advance(100);
    await stopping;
  };
  const meterOf = (i: number, map: MeterMapName, unitsPerKWh = 1_000_000n) => {
    const meter = meterAt(simulator.ports.households[i]!.meter, map, unitsPerKWh);
    meters.push(meter);
    return meter;
  };
  const control = (path: string, init?: RequestInit) =>
    fetch(`http://127.0.0.1:${simulator.ports.control}${path}`, init);
  const post = (body: unknown) => control("/v1/physics", { method: "POST", body: JSON.stringify(body) });

  afterEach(async () => {
    for (const meter of meters.splice(0)) await meter.dispose();
    await stop();
  });

  for (const map of meterMapNames) {
    it(`shows a ${map} that the driver reads right`, async () => {
      await start({
        households: [
          {
            name: "h",
            scope: "connection",
            meter: { port: 0, map, start: { importedWh: 12_340, exportedWh: 560 } },
            load: { watts: 1_200 },
          },
        ],
      });
      const meter = meterOf(0, map);
      const first = await meter.read(never);
      await clock.advance(60_000);
      const second = await meter.read(never);
      // A Float is not exactly 12.36 kWh, and what it is gets rounded down.
      expect(Number(first.imported)).to.be.within(12_339_999, 12_340_000);
      expect(Number(second.imported)).to.be.within(12_359_999, 12_360_000);
      if (meter.importOnly) expect(second.exported).to.equal(0n);
      else expect(Number(second.exported)).to.be.within(559_999, 560_000);
      expect(second.powerW).to.be.closeTo(-1_200, 0.001);
    });
  }

  it("plays step i of a day in slot i, at true watts", async () => {
    const folder = mkdtempSync(join(tmpdir(), "day-"));
    const csv = (name: string, values: number[]) => {
      const lines = values.map((value, i) => `${1_600_000_000 + i * 900},${value}`);
      writeFileSync(join(folder, name), ["timestamp,electricity", ...lines, ""].join("\n"));
      return join(folder, name);
    };
    await start({
      profile: { stepSeconds: 900, slotSeconds: 60, firstStep: 1 },
      households: [
        {
          name: "house",
          scope: "connection",
          meter: { port: 0, map: "siemens-pac3200" },
          load: { csv: csv("load.csv", [9_999, 600, 1_200, 300]) },
          pv: { peakW: 4_000, csv: csv("pv.csv", [0, 0, 0.5, 0.75]) },
        },
      ],
    });
    rmSync(folder, { recursive: true });
    const meter = meterOf(0, "siemens-pac3200", 1_000n);
    const slots = [];
    for (let slot = 0; slot < 3; slot++) {
      await clock.advance(60_000);
      const { imported, exported } = await meter.read(never);
      slots.push([imported, exported]);
    }
    // 600 W bought for a minute, then 800 W and 2700 W sold.
    expect(slots).to.deep.equal([
      [10n, 0n],
      [10n, 13n],
      [10n, 58n],
    ]);
    const [house] = simulator.state().households;
    expect(house!.residual).to.equal(0n);
    expect(house!.loadWh).to.equal(35);
  });

  it("answers for a unit that is not there as a gateway does", async () => {
    await start({ households: [branch("a", "siemens-pac3200")] });
    const config = {
      driver: "modbus",
      host: "127.0.0.1",
      port: simulator.ports.households[0]!.meter,
      unit: 7,
      map: "siemens-pac3200",
      scope: "branch",
      maxPowerW: 1,
    };
    const meter = createMeter(meterDriverSchema.parse(config), { unitsPerKWh: 1_000n });
    meters.push(meter);
    expect((await rejection(meter.read(never))).message).to.match(/gets no answer from unit 7 .* check the unit id/);
  });

  it("refuses registers its product does not have", async () => {
    await start({ households: [branch("a", "siemens-pac3200")] });
    const error = await rejection(meterOf(0, "schneider-iem3155").read(never));
    expect(error.message).to.match(/has no such address .* check the addresses and that the map fits the device/);
  });

  it("tells the truth and takes physical changes on the loopback interface", async () => {
    await start({ control: { port: 0 }, households: [branch("a", "siemens-pac3200")] });
    const changed = await post({
      household: "a",
      battery: { socWh: 100, chargeLimitW: 0 },
      meter: { gain: 0.5 },
      welded: { charge: true },
    });
    expect(changed.status).to.equal(200);
    const state = (await (await control("/v1/state")).json()) as {
      households: (Omit<HouseholdState, "residual"> & { residual: string })[];
    };
    expect(state.households[0]).to.deep.include({
      name: "a",
      residual: "0",
      battery: { connected: true, socWh: 100, dischargeLimitW: 6_000, chargeLimitW: 0 },
    });
    expect(state.households[0]!.meter.gain).to.equal(0.5);
    expect(state.households[0]!.contacts.charge!.welded).to.equal(true);
  });

  it("says what is wrong with a change and changes nothing", async () => {
    await start({ control: { port: 0 }, households: [branch("a", "siemens-pac3200")] });
    const replies: [unknown, number, RegExp][] = [
      [{ household: "x" }, 409, /no household "x"; there are a/],
      [{ household: "a", battery: { socWh: 99_999 } }, 409, /holds 10000 Wh at most/],
      [
        { household: "a", meter: { gain: 0.5 }, welded: { pump: true } },
        409,
        /no contact "pump"; it has discharge, charge/,
      ],
      [{ household: "a", meter: { gain: -1 } }, 400, /meter\.gain: /],
    ];
    for (const [body, status, message] of replies) {
      const reply = await post(body);
      expect(reply.status).to.equal(status);
      expect(((await reply.json()) as { error: string }).error).to.match(message);
    }
    expect((await control("/v1/physics", { method: "POST", body: "{" })).status).to.equal(400);
    expect((await control("/other")).status).to.equal(404);
    expect((await control("/v1/state", { headers: { origin: "http://evil.example" } })).status).to.equal(403);
    expect(simulator.state().households[0]!.meter.gain).to.equal(1);
  });

  it("makes a meter that under-reads by its factor", async () => {
    await start({
      households: [
        { name: "h", scope: "connection", meter: { port: 0, map: "siemens-pac3200" }, load: { watts: 6_000 } },
      ],
    });
    simulator.change({ household: "h", meter: { gain: 0.9 } });
    await clock.advance(60_000);
    expect(await meterOf(0, "siemens-pac3200", 1_000n).read(never)).to.include({ imported: 90n, powerW: -5_400 });
    expect(simulator.state().households[0]!.receivedWh).to.equal(100);
  });

  it("makes a meter that is set back or exchanged, one that freezes, and one that shows garbage", async () => {
    await start({
      households: [
        { name: "h", scope: "connection", meter: { port: 0, map: "siemens-pac3200" }, load: { watts: 6_000 } },
      ],
    });
    const meter = meterOf(0, "siemens-pac3200", 1_000n);
    const change = (physics: object) => simulator.change({ household: "h", meter: physics });
    change({ offsetWh: 5_000 });
    await clock.advance(60_000);
    expect(await meter.read(never)).to.include({ imported: 5_100n, exported: 5_000n });
    change({ frozen: true });
    change({ offsetWh: 0 });
    await clock.advance(60_000);
    expect(await meter.read(never)).to.include({ imported: 5_100n, powerW: -6_000 });
    change({ frozen: false });
    expect(await meter.read(never)).to.include({ imported: 200n, exported: 0n });
    change({ garbage: true });
    expect((await rejection(meter.read(never))).message).to.match(/is no finite number/);
    change({ garbage: false });
    expect(await meter.read(never)).to.include({ imported: 200n });
  });

  it("makes a meter that stops answering", async () => {
    await start({ households: [branch("a", "siemens-pac3200")] });
    const meter = meterOf(0, "siemens-pac3200");
    await meter.read(never);
    simulator.change({ household: "a", meter: { answers: false } });
    expect((await rejection(meter.read(never))).message).to.match(/did not answer within 200 ms/);
    simulator.change({ household: "a", meter: { answers: true } });
    await meter.read(never);
  });

  it("names the place of a port that is taken, and gives back those it had", async () => {
    await start({ households: [branch("a", "siemens-pac3200")] });
    const taken = await silentServer();
    const config = parseMicroGrid({
      households: [branch("a", "siemens-pac3200"), { ...branch("b", "siemens-pac3200"), board: { port: taken.port } }],
    });
    const error = await rejection(startSimulator(config));
    expect(error).to.be.instanceOf(PortError);
    expect(error.message).to.match(
      /^households\.1\.board\.port: port \d+ of 127.0.0.1 is in use; stop the program that listens there/,
    );
    await taken.close();
  });
});

describe("simulator in real time", () => {
  it("carries energy between two households through the production drivers, and drops all coils at its end", async () => {
    // Limits beyond any household's, so that a second moves enough Wh to count.
    const strong = { capacityWh: 10_000, socWh: 5_000, dischargeLimitW: 900_000, chargeLimitW: 900_000 };
    const homes = [
      { ...branch("a", "siemens-pac3200"), battery: strong },
      { ...branch("b", "schneider-iem3155"), battery: strong },
    ];
    const simulator = await startSimulator(parseMicroGrid({ bus: { lossFraction: 0.02 }, households: homes }));
    const [a, b] = simulator.ports.households;
    const relay = (port: number, coil: number) =>
      createRelay(
        relayDriverSchema.parse({
          driver: "modbus-coil",
          host: "127.0.0.1",
          port,
          coil,
          watchdog: { register: 0, unitMs: 100 },
        }),
      );
    const source = relay(a!.board!, 0);
    const sink = relay(b!.board!, 1);
    const meters = [
      meterAt(a!.meter, "siemens-pac3200", 1_000n),
      meterAt(b!.meter, "schneider-iem3155", 1_000n),
    ] as const;

    await sink.close(5_000);
    await source.close(5_000);
    await delay(700);
    const flowing = await meters[0].read(never);
    expect(flowing.powerW).to.equal(900_000);
    await source.open();
    const [sold, bought] = [await meters[0].read(never), await meters[1].read(never)];
    expect(bought.powerW).to.equal(0);
    const [from, to] = simulator.state().households;
    expect(sold).to.include({ imported: 0n, exported: BigInt(Math.floor(from!.sentWh)) });
    expect(bought).to.include({ exported: 0n, imported: BigInt(Math.floor(to!.receivedWh)) });
    expect(Number(sold.exported)).to.be.greaterThan(50);
    expect(Number(bought.imported) / Number(sold.exported)).to.be.closeTo(0.98, 0.02);
    expect(simulator.state()).to.include({ residual: 0n });

    await simulator.stop();
    const [, last] = simulator.state().households[1]!.contacts.charge!.history;
    expect(last).to.include({ closed: false, cause: "stop" });
    for (const meter of meters) await meter.dispose();
    for (const each of [source, sink]) await rejection(each.dispose());
  });
});

describe("simulate command", () => {
  it("runs until its standard input closes, and ends with all coils off", async () => {
    const folder = mkdtempSync(join(tmpdir(), "simulate-"));
    const file = join(folder, "micro-grid.yaml");
    writeFileSync(file, "households:\n  - { name: a, scope: connection, meter: { port: 0, map: eastron-sdm630 } }\n");
    const module = JSON.stringify(new URL("./command.ts", import.meta.url).href);
    const program = `const { runSimulate } = await import(${module}); await runSimulate({ config: ${JSON.stringify(file)}, withParent: true });`;
    const child = spawn(process.execPath, ["--input-type=module", "-e", program], {
      stdio: ["pipe", "pipe", "inherit"],
    });
    const [line] = (await once(child.stdout, "data")) as [Buffer];
    expect(JSON.parse(line.toString())).to.deep.include({ level: "info", event: "ready" });
    child.stdin.end();
    const [code] = (await once(child, "exit")) as [number];
    expect(code).to.equal(0);
    rmSync(folder, { recursive: true });
  }).timeout(60_000);
});
