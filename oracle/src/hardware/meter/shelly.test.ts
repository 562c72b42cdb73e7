import { expect } from "chai";
import { createMeter, meterDriverSchema } from "../index.ts";
import { rejection } from "../testing/bare-server.ts";
import { type HttpDevice, httpDevice } from "../testing/http-device.ts";
import type { EnergyMeter } from "../types.ts";

const { signal } = new AbortController();

describe("Shelly meters over HTTP", () => {
  let server: HttpDevice;
  let paths: Record<string, object>;

  beforeEach(async () => {
    paths = {};
    server = await httpDevice(({ pathname }) => paths[pathname] ?? 404);
  });
  afterEach(() => server.close());

  function meter(component: string, more: object = {}, unitsPerKWh = 1_000n): EnergyMeter {
    const config = {
      driver: "shelly",
      host: "127.0.0.1",
      port: server.port,
      component,
      scope: "branch",
      maxPowerW: 3_500,
    };
    return createMeter(meterDriverSchema.parse({ ...config, ...more }), { unitsPerKWh });
  }
  const read = async (of: EnergyMeter) => {
    const { imported, exported, powerW } = await of.read(signal);
    return { imported, exported, powerW };
  };

  it("reads the Watt-minutes of a first generation's relay, floored, and refuses them after a restart", async () => {
    const status = { uptime: 900, meters: [{ power: 120.5, is_valid: true, total: 61_799 }] };
    paths["/status"] = status;
    const plug = meter("meter:0");
    expect(await read(plug)).to.deep.equal({ imported: 1_029n, exported: 0n, powerW: -120.5 });
    expect(plug.resolution).to.equal(1n);
    expect(meter("meter:0", {}, 1_000_000n).resolution).to.equal(17n);
    status.uptime = 3;
    status.meters[0]!.total = 99_999_999;
    expect((await rejection(plug.read(signal))).message).to.match(/was restarted and counts from 0 again; restart ioe/);
    status.uptime = 2_000;
    await rejection(plug.read(signal));
    expect((await read(meter("meter:0"))).imported).to.equal(1_666_666n);
  });

  it("adds up the phases of a 3EM, and takes one alone", async () => {
    const phase = { is_valid: true, total: 1_000.4, total_returned: 10.2, power: -300.1 };
    paths["/status"] = { uptime: 1, emeters: [phase, { ...phase, power: 100 }, { ...phase, total: 0.3 }] };
    expect(await read(meter("emeter:all"))).to.deep.equal({ imported: 2_001n, exported: 30n, powerW: 500.2 });
    expect(await read(meter("emeter:1"))).to.deep.equal({ imported: 1_000n, exported: 10n, powerW: -100 });
    phase.is_valid = false;
    expect((await rejection(meter("emeter:0").read(signal))).message).to.match(/not valid/);
    expect((await rejection(meter("emeter:3").read(signal))).message).to.match(/has no emeter:3/);
  });

  it("reads a later generation's counters to the mWh", async () => {
    paths["/rpc/Switch.GetStatus"] = { id: 0, apower: 8.9, aenergy: { total: 6.532 } };
    expect(await read(meter("switch:0", {}, 1_000_000n))).to.deep.equal({
      imported: 6_532n,
      exported: 0n,
      powerW: -8.9,
    });
    expect(await read(meter("switch:0", { reversed: true }))).to.deep.equal({
      imported: 0n,
      exported: 6n,
      powerW: 8.9,
    });
  });

  it("takes what was returned out of a counter that counts both directions", async () => {
    paths["/rpc/PM1.GetStatus"] = { apower: -40, aenergy: { total: 1_500 }, ret_aenergy: { total: 600 } };
    expect(await read(meter("pm1:0"))).to.deep.equal({ imported: 900n, exported: 600n, powerW: 40 });
  });

  it("holds a difference that falls by the rounding of its counters, and shows one that falls further", async () => {
    const shelly = meter("pm1:0", {}, 1_000_000n);
    const show = (total: number, returned: number) =>
      (paths["/rpc/PM1.GetStatus"] = { apower: -40, aenergy: { total }, ret_aenergy: { total: returned } });
    const imported = async () => (await read(shelly)).imported;
    show(1_500.001, 600);
    expect(await imported()).to.equal(900_001n);
    show(1_510, 610);
    expect(await imported()).to.equal(900_001n);
    show(1_510.003, 610);
    expect(await imported()).to.equal(900_003n);
    show(1_510.003, 610.003);
    expect(await imported(), "further back than two steps").to.equal(900_000n);
  });

  it("reads meters with clamps, whose registers move once a minute", async () => {
    paths["/rpc/EM.GetStatus"] = { total_act_power: 2_413.825 };
    paths["/rpc/EMData.GetStatus"] = { total_act: 9_999.99, total_act_ret: 0.01 };
    const em = meter("em:0", { scope: "connection" });
    expect(await read(em)).to.deep.equal({ imported: 9_999n, exported: 0n, powerW: -2_413.825 });
    // A minute's energy comes at once: it is no jump.
    expect([em.registersEveryMs, em.latencyMs]).to.deep.equal([60_000, 61_500]);
    paths["/rpc/EM1.GetStatus"] = { act_power: 5 };
    paths["/rpc/EM1Data.GetStatus"] = { total_act_energy: 10, total_act_ret_energy: 20 };
    expect(await read(meter("em1:0"))).to.deep.equal({ imported: 10n, exported: 20n, powerW: -5 });
  });

  it("refuses what a device with a fault shows, and what is no number", async () => {
    paths["/rpc/Switch.GetStatus"] = { apower: 8.9, aenergy: { total: 6 }, errors: ["power_meter_failure"] };
    expect((await rejection(meter("switch:0").read(signal))).message).to.match(/cannot measure: power_meter_failure/);
    paths["/rpc/Switch.GetStatus"] = { apower: 8.9, aenergy: { total: null } };
    expect((await rejection(meter("switch:0").read(signal))).message).to.match(/no number at aenergy.total/);
    paths["/rpc/Switch.GetStatus"] = { apower: 8.9, aenergy: { total: -1 } };
    expect((await rejection(meter("switch:0").read(signal))).message).to.match(/negative register/);
  });

  it("names the components there are", () => {
    expect(() => meter("relay:0")).to.throw(/expected meter:0, emeter:0 or emeter:all/);
  });
});
