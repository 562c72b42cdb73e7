import { expect } from "chai";
import { ManualClock } from "../../clock.ts";
import { rejection } from "../testing/bare-server.ts";
import { crc16 } from "../transport/crc16.ts";
import { SerialError, type SerialPort } from "../transport/serial.ts";
import { DeviceError } from "../types.ts";
import { createDsmrP1, dsmrP1Schema } from "./dsmr-p1.ts";
import { TelegramReader } from "./p1/reader.ts";
import { parseTelegram } from "./p1/telegram.ts";

const never = new AbortController().signal;

function telegram(lines: string[], checked = true): Buffer {
  const body = `/XYZ5\\2TEST\r\n\r\n${lines.join("\r\n")}\r\n!`;
  const crc = crc16(Buffer.from(body, "latin1"), 0).toString(16).toUpperCase().padStart(4, "0");
  return Buffer.from(`${body}${checked ? crc : ""}\r\n`, "latin1");
}

const dutch = (seconds = 0, export2 = "000000.011") => [
  "1-3:0.2.8(50)",
  `0-0:1.0.0(2601021530${String(seconds).padStart(2, "0")}W)`,
  "1-0:1.8.1(004123.456*kWh)",
  "1-0:1.8.2(000876.544*kWh)",
  "1-0:2.8.1(000012.300*kWh)",
  `1-0:2.8.2(${export2}*kWh)`,
  "1-0:1.7.0(00.000*kW)",
  "1-0:2.7.0(01.234*kW)",
  "0-1:24.2.1(260102153000W)(00107.123*m3)",
];
const swedish = [
  "0-0:1.0.0(260102153000W)",
  "1-0:1.8.0(00006678.394*kWh)",
  "1-0:2.8.0(00000001.500*kWh)",
  "1-0:3.8.0(00000021.988*kVArh)",
  "1-0:1.7.0(0001.727*kW)",
  "1-0:2.7.0(0000.000*kW)",
];
const old = [
  "1-0:1.8.1(00001.001*kWh)",
  "1-0:1.8.2(00002.002*kWh)",
  "1-0:2.8.1(00000.500*kWh)",
  "1-0:2.8.2(00000.250*kWh)",
  "1-0:1.7.0(0001.01*kW)",
  "1-0:2.7.0(0000.00*kW)",
];

/** Sets the eighth bit so that every character has even parity. */
function withParity(bytes: Buffer): Buffer {
  return bytes.map((byte) =>
    [...byte.toString(2)].filter((bit) => bit === "1").length % 2 ? byte | 0x80 : byte,
  ) as Buffer;
}

describe("P1 telegram", () => {
  it("of two tariffs is their sum", () => {
    const read = parseTelegram(telegram(dutch()), true);
    expect(Number(read.imported.num) / Number(read.imported.den)).to.equal(5_000_000);
    expect(Number(read.exported.num) / Number(read.exported.den)).to.equal(12_311);
    expect(read).to.include({ powerW: 1_234, wrapsAtWh: 1_000_000_000n, time: "260102153000W", meter: "XYZ5\\2TEST" });
  });

  it("may come with totals and other digits", () => {
    const read = parseTelegram(telegram(swedish), true);
    expect(Number(read.imported.num) / Number(read.imported.den)).to.equal(6_678_394);
    expect(read).to.include({ powerW: -1_727, wrapsAtWh: 100_000_000_000n });
  });

  it("has no checksum before version 4", () => {
    const read = parseTelegram(telegram(old, false), false);
    expect(Number(read.imported.num) / Number(read.imported.den)).to.equal(3_003);
    expect(read).to.include({ powerW: -1_010, wrapsAtWh: 100_000_000n, time: undefined });
  });

  const refused: [string, () => Buffer, RegExp][] = [
    [
      "one with a changed digit",
      () => Buffer.from(telegram(dutch()).toString("latin1").replace("4123", "4124"), "latin1"),
      /checksum [0-9A-F]{4}, but the telegram's is [0-9A-F]{4}/,
    ],
    ["one without the checksum it should have", () => telegram(dutch(), false), /no checksum; .*version: "2.2"/],
    [
      "one without export",
      () => telegram(dutch().filter((line) => !line.includes("2.8."))),
      /no register of .*2\.8\.x/,
    ],
    ["one without power", () => telegram(dutch().filter((line) => !line.includes("1.7.0"))), /no power \(1\.7\.0\)/],
    ["one in another unit", () => telegram(dutch(0, "1").map((l) => l.replace("kWh", "GJ"))), /not a number of kWh/],
    ["two in one", () => telegram([...dutch(), ...dutch()]), /appears twice/],
    ["half of one", () => telegram(dutch()).subarray(0, 90), /half a telegram/],
  ];
  for (const [what, bytes, message] of refused) {
    it(`is not ${what}`, () => expect(() => parseTelegram(bytes(), true)).to.throw(message));
  }
});

describe("P1 line", () => {
  const line = (checked: boolean) => new TelegramReader({ checked, evenParity: !checked });

  it("is cut into telegrams whatever the pieces; the rest of one we came too late for is nothing", () => {
    const bytes = Buffer.concat([telegram(dutch()).subarray(200), telegram(dutch(1)), telegram(dutch(2))]);
    const reader = line(true);
    const found = Array.from(bytes).flatMap((byte, i) => reader.push([byte] as unknown as Uint8Array, i));
    expect(found).to.have.length(2);
    expect(found.map((each) => "bytes" in each && parseTelegram(each.bytes, true).time)).to.deep.equal([
      "260102153001W",
      "260102153002W",
    ]);
    expect(found[0]!.at, "dated by its first byte").to.equal(telegram(dutch()).length - 200);
  });

  it("reports half a telegram and goes on with the next", () => {
    const [half, whole] = line(true).push(Buffer.concat([telegram(dutch()).subarray(0, 99), telegram(dutch(1))]), 0);
    expect(half).to.deep.include({ problem: "half a telegram: the next one began before its end" });
    expect(whole).to.have.property("bytes");
  });

  it("checks the parity of old versions itself", () => {
    const good = withParity(telegram(old, false));
    expect(line(false).push(good, 0)[0]).to.have.property("bytes");
    const bad = Buffer.from(good);
    bad[40]! ^= 0x10;
    expect(line(false).push(bad, 0)[0])
      .to.have.property("problem")
      .that.matches(/wrong parity/);
  });

  it("gives up on what has no end", () => {
    expect(line(true).push(Buffer.from(`/${"x".repeat(9_000)}`), 0)[0])
      .to.have.property("problem")
      .that.matches(/no end/);
  });
});

describe("P1 meter", () => {
  let clock: ManualClock;
  let say: (bytes: Buffer) => void;
  let unplug: (error: Error) => void;
  let opened: { baudRate: number; parity: string }[];
  let missing: boolean;

  const meterOf = (version: string) => {
    clock = new ManualClock();
    opened = [];
    missing = false;
    const config = dsmrP1Schema.parse({
      driver: "dsmr-p1",
      serial: { path: "/dev/p1" },
      version,
      scope: "connection",
      maxPowerW: 17_250,
    });
    return createDsmrP1(config, { unitsPerKWh: 1_000n, clock }, (settings) => {
      if (missing) return Promise.reject(new SerialError("there is no /dev/p1"));
      opened.push(settings);
      const port: SerialPort = {
        onData: (listener) => (say = listener),
        write: () => undefined,
        closed: new Promise<never>((_, reject) => (unplug = reject)),
        close: () => undefined,
      };
      return Promise.resolve(port);
    });
  };

  it("waits for the telegram, and dates the sample by its arrival", async () => {
    const meter = meterOf("5");
    const reading = meter.read(never);
    await clock.advance(700);
    say(telegram(dutch()));
    expect(await reading).to.deep.equal({ at: 700, imported: 5_000_000n, exported: 12_311n, powerW: 1_234 });
    expect(meter).to.include({ resolution: 1n, wrap: 1_000_000_000n });
    expect(opened[0]).to.include({ baudRate: 115_200, parity: "none" });
  });

  it("loses no telegram between two reads, and gives none twice", async () => {
    const meter = meterOf("5");
    const first = meter.read(never);
    await clock.advance(100);
    say(telegram(dutch(0)));
    await first;
    say(telegram(dutch(1, "000000.012")));
    await clock.advance(200);
    expect(await meter.read(never)).to.include({ at: 100, exported: 12_312n });
    const third = rejection(meter.read(never));
    await clock.advance(3_500);
    expect((await third).message).to.match(/no telegram within 3500 ms on \/dev\/p1; check the cable/);
  });

  it("speaks the old versions at 9600 baud", async () => {
    const meter = meterOf("2.2");
    const reading = meter.read(never);
    await clock.advance(100);
    say(withParity(telegram(old, false)));
    expect(await reading).to.include({ imported: 3_003n, exported: 750n, powerW: -1_010 });
    expect(opened[0]).to.include({ baudRate: 9_600 });
  });

  it("makes an error of a broken telegram, never a value", async () => {
    const meter = meterOf("5");
    const reading = rejection(meter.read(never));
    await clock.advance(100);
    const bytes = telegram(dutch());
    bytes[100]! ^= 1;
    say(bytes);
    expect(await reading).to.be.instanceOf(DeviceError);
    expect((await reading).message).to.match(/^P1 meter at \/dev\/p1: checksum/);
  });

  it("does not believe a telegram that is repeated for ever", async () => {
    const meter = meterOf("5");
    let error: Error | undefined;
    for (let second = 0; second <= 31 && !error; second++) {
      const reading = meter.read(never).catch((reason: Error) => void (error = reason));
      await clock.advance(1_000);
      say(telegram(dutch(0)));
      await reading;
    }
    expect(error?.message).to.match(/clock stands at 260102153000W: an old telegram is repeated/);
  });

  it("opens the port again after the adapter was unplugged", async () => {
    const meter = meterOf("5");
    const lost = rejection(meter.read(never));
    await clock.advance(100);
    unplug(new SerialError("/dev/p1 has gone (EIO); is the adapter still plugged in?"));
    expect((await lost).message).to.match(/has gone/);
    missing = true;
    expect((await rejection(meter.read(never))).message).to.match(/there is no \/dev\/p1/);
    missing = false;
    const reading = meter.read(never);
    await clock.advance(100);
    say(telegram(dutch()));
    expect((await reading).imported).to.equal(5_000_000n);
    expect(opened).to.have.length(2);
  });

  it("stops waiting when it is told to", async () => {
    const meter = meterOf("5");
    const abort = new AbortController();
    const reading = rejection(meter.read(abort.signal));
    await clock.advance(10);
    abort.abort(new Error("enough"));
    expect((await reading).message).to.equal("enough");
    await meter.dispose();
  });
});
