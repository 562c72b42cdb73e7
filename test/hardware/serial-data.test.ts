import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { createMeter, meterDriverSchema } from "../../oracle/src/hardware/index.ts";
import { parseTelegram } from "../../oracle/src/hardware/meter/p1/telegram.ts";
import { crc16 } from "../../oracle/src/hardware/transport/crc16.ts";
import { openSerial, type SerialPort } from "../../oracle/src/hardware/transport/serial.ts";
import { needs, notRun } from "./needs.ts";
import { type Device, pymodbus, serialLine, type SerialLine, words } from "./serial-line.ts";

const never = new AbortController().signal;

/** A file of the folder with recorded data, which is no part of the project; without the folder the test is not run. */
function recorded(context: Mocha.Context, ...path: string[]): Buffer {
  const folder = process.env.IOE_DATA;
  if (!folder) return notRun(context, "IOE_DATA names no folder with recorded telegrams (p1) and models (sunspec)");
  const file = join(folder, ...path);
  if (!existsSync(file)) return notRun(context, `${file} is missing`);
  return readFileSync(file);
}

describe("P1 over a serial line", () => {
  needs("socat");
  let line: SerialLine;
  let far: SerialPort;

  const meterOf = (version: string, timeoutMs = 2_000) => {
    const config = { driver: "dsmr-p1", serial: { path: line.path }, version, scope: "connection", maxPowerW: 17_250 };
    return createMeter(meterDriverSchema.parse({ ...config, timeoutMs }), { unitsPerKWh: 1_000n });
  };
  const telegram = (exported: string) => {
    const lines = [
      "1-0:1.8.0(000001.000*kWh)",
      `1-0:2.8.0(${exported}*kWh)`,
      "1-0:1.7.0(00.000*kW)",
      "1-0:2.7.0(01.500*kW)",
    ];
    const body = Buffer.from(`/TST5\r\n\r\n${lines.join("\r\n")}\r\n!`, "latin1");
    return Buffer.concat([body, Buffer.from(`${crc16(body, 0).toString(16).toUpperCase().padStart(4, "0")}\r\n`)]);
  };
  const open = () => openSerial({ path: line.far, baudRate: 115_200, parity: "none", stopBits: 1 });

  beforeEach(async () => {
    line = await serialLine();
    far = await open();
  });
  afterEach(async () => {
    far.close();
    await line.remove();
  });

  it("reads a telegram that arrives in pieces, and the first whole one after an adapter came back", async () => {
    const meter = meterOf("5");
    try {
      const first = meter.read(never);
      const bytes = telegram("000002.345");
      setTimeout(() => far.write(bytes.subarray(30)), 150); // we come in the middle of one
      setTimeout(() => far.write(bytes.subarray(0, 50)), 250);
      setTimeout(() => far.write(bytes.subarray(50)), 300);
      expect(await first).to.include({ imported: 1_000n, exported: 2_345n, powerW: 1_500 });

      const lost = meter.read(never).catch((error: Error) => error.message);
      await line.unplug();
      expect(await lost).to.match(/has gone|no telegram/);
      await line.plugIn();
      far = await open();
      const again = meter.read(never);
      setTimeout(() => far.write(telegram("000002.346")), 300);
      expect((await again).exported).to.equal(2_346n);
    } finally {
      await meter.dispose();
    }
  });

  it("says that nothing comes", async () => {
    const meter = meterOf("4", 300);
    const error = await meter.read(never).then(
      () => "",
      (reason: Error) => reason.message,
    );
    expect(error).to.match(/no telegram within 300 ms on .*near; check the cable/);
    await meter.dispose();
  });
});

describe("P1 telegrams as meters have sent them", () => {
  const files: [file: string, checked: boolean, wh: [bigint, bigint], powerW: number][] = [
    ["telegram_v2_2.txt", false, [2_002n, 2_002n], -1_010],
    ["telegram_v4_2.txt", true, [3_016_829n, 0n], -2_027],
    ["telegram_v5.txt", true, [6_825n, 2_444n], -244],
    ["telegram_v5_two_mbus.txt", true, [2_375_582n, 0n], -111],
    ["telegram_fluvius_v171.txt", true, [15_792n, 11n], 0],
  ];
  for (const [file, checked, [imported, exported], powerW] of files) {
    it(file, function () {
      const telegram = parseTelegram(recorded(this, "p1", file), checked);
      const wh = ({ num, den }: { num: bigint; den: bigint }) => num / den;
      expect([wh(telegram.imported), wh(telegram.exported)]).to.deep.equal([imported, exported]);
      expect(telegram.powerW).to.equal(powerW);
    });
  }
});

describe("SunSpec", () => {
  /** Where we read, from the model's number on; 202, 204, 212 and 214 have the same layout as their neighbors. */
  const places: [number, Record<string, number>][] = [
    [1, { Mn: 2, Md: 18, SN: 50 }],
    [201, { W: 18, W_SF: 22, TotWhExp: 38, TotWhImp: 46, TotWh_SF: 54 }],
    [203, { W: 18, W_SF: 22, TotWhExp: 38, TotWhImp: 46, TotWh_SF: 54 }],
    [211, { W: 28, TotWhExp: 60, TotWhImp: 68 }],
    [213, { W: 28, TotWhExp: 60, TotWhImp: 68 }],
  ];
  for (const [model, wanted] of places) {
    it(`model ${model} is laid out as the driver reads it`, function () {
      const file = JSON.parse(recorded(this, "sunspec", `model_${model}.json`).toString()) as {
        group: { points: { name: string; size: number }[] };
      };
      let at = 0;
      const offsets: Record<string, number> = {};
      for (const { name, size } of file.group.points) {
        offsets[name] = at;
        at += size;
      }
      for (const [name, offset] of Object.entries(wanted)) expect(offsets[name], name).to.equal(offset);
    });
  }

  describe("over a wire, against pymodbus", () => {
    needs("socat", "python3-pymodbus", "python3-serial-asyncio");
    let line: SerialLine;
    let device: Device | undefined;
    beforeEach(async () => (line = await serialLine()));
    afterEach(async () => {
      await device?.stop();
      await line.remove();
    });

    it("is discovered and read", async () => {
      const text = (value: string, size: number) => words(Buffer.from(value.padEnd(2 * size, "\0")).toString("hex"));
      const zeros = (count: number) => Array<number>(count).fill(0);
      const common = [1, 66, ...text("Acme", 16), ...text("M1", 16), ...zeros(16), ...text("7", 16), 1, 0x8000];
      // −230.5 W (to the grid), exported 5 000, imported 1 234 567 Wh
      const meter = [
        203,
        105,
        ...zeros(16),
        0xf6ff,
        ...zeros(3),
        0xffff,
        ...zeros(15),
        ...words("0000 1388"),
        ...zeros(6),
      ];
      meter.push(...words("0012 D687"), ...zeros(6), 0, ...zeros(52));
      expect(meter).to.have.length(107);
      device = await pymodbus(
        { serial: line.far, baudRate: 19_200 },
        { 5: { holding: { 40_000: [...words("53756e53"), ...common, ...meter, 0xffff, 0] } } },
      );
      const sunspec = createMeter(
        meterDriverSchema.parse({
          driver: "sunspec",
          serial: { path: line.path, baudRate: 19_200 },
          unit: 5,
          scope: "connection",
          maxPowerW: 10_000,
        }),
        { unitsPerKWh: 1_000n },
      );
      try {
        expect(await sunspec.read(never)).to.include({ imported: 1_234_567n, exported: 5_000n, powerW: 230.5 });
        expect(sunspec.name).to.match(/Acme M1 \(serial 7\)/);
      } finally {
        await sunspec.dispose();
      }
    });
  });
});
