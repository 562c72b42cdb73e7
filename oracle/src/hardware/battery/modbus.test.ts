import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { expect } from "chai";
import { parse } from "yaml";
import { batterySchema, createBattery } from "../index.ts";
import { type BareServer, bareModbusServer, registersFrom, rejection } from "../testing/bare-server.ts";
import type { BatteryGauge } from "../types.ts";

const never = new AbortController().signal;

describe("a battery's state of charge", () => {
  let server: BareServer | undefined;
  let battery: BatteryGauge | undefined;

  const batteryWith = async (register: string, stateOfCharge: object) => {
    server = await bareModbusServer({ getHoldingRegister: registersFrom({ 843: register }) });
    battery = createBattery(
      batterySchema.parse({
        driver: "modbus",
        host: "127.0.0.1",
        port: server.port,
        capacityWh: 10_000,
        stateOfCharge: { address: 843, ...stateOfCharge },
      }),
    );
    return battery;
  };

  afterEach(async () => {
    await battery?.dispose();
    await server?.close();
    battery = server = undefined;
  });

  it("is read in whole percents or parts of one", async () => {
    expect(await (await batteryWith("003E", { type: "uint16" })).read(never)).to.equal(620);
    await battery!.dispose();
    await server!.close();
    expect(await (await batteryWith("0271", { type: "uint16", scale: 0.1 })).read(never)).to.equal(625);
  });

  it("is set up as the guide for the Raspberry Pi shows it", () => {
    const guide = readFileSync(resolve(import.meta.dirname, "../../../../docs/raspberry-pi.md"), "utf8");
    const [, yaml] = /```yaml\n(battery:\n[^]*?)```/.exec(guide)!;
    const { battery: section } = parse(yaml!) as { battery: unknown };
    expect(batterySchema.parse(section)).to.deep.include({ unit: 100, capacityWh: 10_000 });
  });

  it("above all it can be is an error that says where to look", async () => {
    const wrong = await batteryWith("0271", { type: "uint16" });
    expect((await rejection(wrong.read(never))).message).to.match(/register 843 says 625 % full; check stateOfCharge/);
  });
});
