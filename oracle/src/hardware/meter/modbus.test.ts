import { expect } from "chai";
import { ManualClock } from "../../clock.ts";
import { type MeterMapName, createMeter, meterDriverSchema, meterMaps } from "../index.ts";
import { type BareServer, bareModbusServer, registersFrom, rejection, silentServer } from "../testing/bare-server.ts";
import { DeviceError, type EnergyMeter } from "../types.ts";
import { customMap, customMapSchema } from "./maps/index.ts";
import { type RegisterType, wordsOf } from "./register.ts";

const never = new AbortController().signal;

function meterAt(port: number, map: MeterMapName, unitsPerKWh = 1_000n, unit = 1): EnergyMeter {
  const config = {
    driver: "modbus",
    host: "127.0.0.1",
    port,
    unit,
    map,
    scope: "branch",
    maxPowerW: 8_000,
    timeoutMs: 500,
  };
  return createMeter(meterDriverSchema.parse(config), { unitsPerKWh });
}

describe("Modbus meter", () => {
  let server: BareServer | undefined;
  let meter: EnergyMeter | undefined;

  const serve = async (kind: "getHoldingRegister" | "getInputRegister", blocks: Record<number, string>) => {
    server = await bareModbusServer({ [kind]: registersFrom(blocks) });
    return server.port;
  };

  afterEach(async () => {
    await meter?.dispose();
    await server?.close();
    meter = server = undefined;
  });

  // Bytes as the manuals define them, written by hand.
  const iem3155 = { 3203: "0000 0000 0001 E240  0000 0000 0000 1A85", 3059: "BFC0 0000" }; // 123456 Wh, 6789 Wh, −1.5 kW
  const pac3200 = { 801: "40FE 2408 0000 0000", 809: "40BA 8580 0000 0000", 65: "44BB 8000" }; // 123456.5, 6789.5 Wh, 1500 W
  const sdm630 = { 0x34: "C4BB 8000", 0x48: "42F6 E979", 0x4a: "40D9 4000" }; // −1500 W, 123.456, 6.7890625 kWh

  it("reads a Schneider iEM3155", async () => {
    meter = meterAt(await serve("getHoldingRegister", iem3155), "schneider-iem3155");
    expect(await meter.read(never)).to.include({ imported: 123_456n, exported: 6_789n, powerW: 1_500 });
    expect(meter.resolution).to.equal(1n);
  });

  it("reads a Siemens PAC3200", async () => {
    meter = meterAt(await serve("getHoldingRegister", pac3200), "siemens-pac3200");
    expect(await meter.read(never)).to.include({ imported: 123_456n, exported: 6_789n, powerW: -1_500 });
  });

  it("reads an Eastron SDM630", async () => {
    meter = meterAt(await serve("getInputRegister", sdm630), "eastron-sdm630");
    expect(await meter.read(never)).to.include({ imported: 123_456n, exported: 6_789n, powerW: 1_500 });
  });

  it("counts in mWh where that is the unit", async () => {
    meter = meterAt(await serve("getHoldingRegister", pac3200), "siemens-pac3200", 1_000_000n);
    expect(await meter.read(never)).to.include({ imported: 123_456_500n, exported: 6_789_500n });
    expect(meter.resolution).to.equal(1_000n);
  });

  it("is as coarse as a float register has become", async () => {
    meter = meterAt(await serve("getInputRegister", { 0x48: "4800 0000" }), "eastron-sdm630"); // 131 072 kWh
    expect(meter.resolution, "the datasheet's, before the first reading").to.equal(10n);
    await meter.read(never);
    expect(meter.resolution).to.equal(16n);
  });

  it("dates a sample at the middle of the exchange", async () => {
    const clock = new ManualClock();
    await clock.advance(1_000);
    const registers = registersFrom(iem3155);
    server = await bareModbusServer({
      getHoldingRegister: async (address: number) => {
        if (address === 3203) await clock.advance(40);
        return registers(address);
      },
    });
    const config = {
      driver: "modbus",
      host: "127.0.0.1",
      port: server.port,
      map: "schneider-iem3155",
      scope: "branch",
      maxPowerW: 1,
    };
    meter = createMeter(meterDriverSchema.parse(config), { unitsPerKWh: 1_000n, clock });
    expect((await meter.read(never)).at).to.equal(1_020);
  });

  const nonsense: [string, MeterMapName, "getHoldingRegister" | "getInputRegister", Record<number, string>, RegExp][] =
    [
      [
        "NaN energy",
        "eastron-sdm630",
        "getInputRegister",
        { ...sdm630, 0x48: "7FC0 0000" },
        /imported energy \(register 72\) is no finite number/,
      ],
      [
        "infinite energy",
        "eastron-sdm630",
        "getInputRegister",
        { ...sdm630, 0x4a: "7F80 0000" },
        /exported energy \(register 74\) is no finite number/,
      ],
      [
        "NaN power",
        "siemens-pac3200",
        "getHoldingRegister",
        { ...pac3200, 65: "7FC0 0000" },
        /power \(register 65\) is no finite number/,
      ],
      [
        "negative energy",
        "siemens-pac3200",
        "getHoldingRegister",
        { ...pac3200, 809: "C0BA 8580 0000 0000" },
        /exported energy .* is negative/,
      ],
      [
        "a value marked as missing",
        "schneider-iem3155",
        "getHoldingRegister",
        { ...iem3155, 3203: "8000 0000 0000 0000" },
        /imported energy .* is marked as missing/,
      ],
    ];
  for (const [what, map, kind, blocks, message] of nonsense) {
    it(`refuses ${what}`, async () => {
      meter = meterAt(await serve(kind, blocks), map);
      const error = await rejection(meter.read(never));
      expect(error).to.be.instanceOf(DeviceError);
      expect(error.message)
        .to.match(message)
        .and.match(/^meter /);
    });
  }

  it("does not wait for a device that hangs", async () => {
    server = await silentServer();
    meter = meterAt(server.port, "siemens-pac3200");
    expect((await rejection(meter.read(never))).message).to.match(
      /^meter siemens-pac3200 at 127.0.0.1:\d+ unit 1: .* did not answer within 500 ms when asked to read 12 registers from 801/,
    );
  });

  it("does not answer for another unit", async () => {
    meter = meterAt(await serve("getHoldingRegister", pac3200), "siemens-pac3200", 1_000n, 2);
    expect((await rejection(meter.read(never))).message).to.match(/its unit id is 2/);
  });

  it("is known by name only", () => {
    const config = { driver: "modbus", host: "x", map: "acme", scope: "branch", maxPowerW: 1 };
    expect(() => meterDriverSchema.parse(config)).to.throw(/schneider-iem3155/);
  });
});

describe("Modbus address and map in the configuration", () => {
  const serial = { path: "/dev/ttyUSB0" };
  const parse = (config: object) =>
    meterDriverSchema.parse({ driver: "modbus", map: "pzem-016", scope: "branch", maxPowerW: 1, ...config });

  it("is TCP or a wire, with the standard's defaults", () => {
    expect(parse({ serial })).to.deep.include({
      serial: { ...serial, baudRate: 9600, parity: "none", stopBits: 1 },
      unit: 1,
    });
    expect(parse({ host: "10.0.0.5" })).to.include({ host: "10.0.0.5" });
  });

  const energy = (address: number) => ({ address, type: "float32", unit: "kWh" });
  const map = {
    functionCode: 4,
    import: energy(0),
    export: energy(4),
    power: { address: 9, type: "int16", unit: "W" },
    resolutionWh: 1,
  };
  const wrong: [string, object, RegExp][] = [
    ["both", { serial, host: "x" }, /host \(Modbus TCP\) or serial \(a wire\), not both/],
    ["neither", {}, /give host for Modbus TCP, or serial: \{ path, baudRate, parity, stopBits \}/],
    ["a TCP port on a wire", { serial, port: 502 }, /belongs to host/],
    ["the broadcast on a wire", { serial, unit: 0 }, /expected 1 to 247/],
    ["a port that is no path", { serial: { path: "COM3" } }, /path of a serial port, best one of \/dev\/serial\/by-id/],
    ["a rate no adapter knows", { serial: { ...serial, baudRate: 9601 } }, /expected one of 300, .*115200/],
    [
      "a float without a step",
      { host: "x", map: { ...map, resolutionWh: undefined } },
      /a float does not tell how finely/,
    ],
    ["a table without export", { host: "x", map: { ...map, export: undefined } }, /or \\"none\\" for a meter without/],
  ];
  for (const [what, config, message] of wrong) {
    it(`is not ${what}`, () => expect(() => parse(config)).to.throw(message));
  }
});

describe("a map described in the configuration", () => {
  const energy = (address: number) => ({ address, type: "uint32", unit: "Wh", scale: 0.1 }) as const;
  const power = { address: 30, type: "int32", unit: "kW", scale: 0.001, wordOrder: "low-first" } as const;
  const described = (more: object) =>
    customMap(customMapSchema.parse({ functionCode: 3, import: energy(10), export: energy(12), power, ...more }));

  it("reads neighbors at once and others one by one", () => {
    expect(described({}).reads).to.deep.equal([
      { address: 10, words: 4 },
      { address: 30, words: 2 },
    ]);
    expect(described({ export: energy(14) }).reads).to.have.length(3);
  });

  it("counts exactly what its scale says, and wraps where its type does", () => {
    const map = described({ wrapsAtWh: undefined });
    expect(map.imported.wattHours).to.deep.equal({ num: 1n, den: 10n });
    expect(map.resolutionMilliWh).to.equal(100n);
    expect(map.wrapsAtWh, "2^32 tenths of a Wh are no whole number of Wh").to.equal(undefined);
    expect(described({ import: { ...energy(10), scale: 10 } }).wrapsAtWh).to.equal(42_949_672_960n);
    expect(described({ wrapsAtWh: 99 }).wrapsAtWh).to.equal(99n);
    expect(described({ export: "none" }).exported).to.equal(undefined);
  });
});

describe("meter maps", () => {
  for (const [name, map] of Object.entries(meterMaps)) {
    it(`${name}: every register lies in one read, both energies in the same`, () => {
      const readOf = ({ address, type }: { address: number; type: RegisterType }) =>
        map.reads.findIndex((read) => address >= read.address && address + wordsOf(type) <= read.address + read.words);
      expect(readOf(map.power)).to.be.at.least(0);
      expect(readOf(map.imported)).to.be.at.least(0);
      if (map.exported) expect(readOf(map.exported)).to.equal(readOf(map.imported));
      // MODBUS Application Protocol V1.1b3, 6.3 and 6.4: 125 registers at most.
      for (const read of map.reads) expect(read.words).to.be.within(1, 125);
    });
  }
});
