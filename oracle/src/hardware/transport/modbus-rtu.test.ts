import { setTimeout as delay } from "node:timers/promises";
import { expect } from "chai";
import { rejection } from "../testing/bare-server.ts";
import { DeviceError } from "../types.ts";
import { crc16 } from "./crc16.ts";
import { type ModbusLink, ModbusQueue } from "./modbus-queue.ts";
import { frameGapMs, rtuLine } from "./modbus-rtu.ts";
import type { SerialPort } from "./serial.ts";

const hex = (text: string) => Buffer.from(text.replaceAll(" ", ""), "hex");
const SETTINGS = { path: "/dev/wire", baudRate: 19_200, parity: "none", stopBits: 1 } as const;

function withCrc(frame: Buffer): Buffer {
  const crc = crc16(frame, 0xffff);
  return Buffer.concat([frame, Buffer.from([crc & 0xff, crc >> 8])]);
}

/** A wire whose other end answers as a test says; nothing but memory. */
class Wire {
  readonly asked: Buffer[] = [];
  readonly askedAt: number[] = [];
  /** Bytes the device sends for the n-th request, each with the ms to wait before. */
  script: (readonly [afterMs: number, bytes: Buffer])[][] = [];
  #listener: (bytes: Buffer) => void = () => undefined;

  readonly port: SerialPort = {
    closed: new Promise<never>(() => undefined),
    close: () => undefined,
    onData: (listener) => (this.#listener = listener),
    write: (bytes) => {
      this.asked.push(Buffer.from(bytes));
      this.askedAt.push(performance.now());
      for (const [afterMs, answer] of this.script.shift() ?? []) void this.say(afterMs, answer);
    },
  };

  async say(afterMs: number, bytes: Buffer): Promise<void> {
    await delay(afterMs);
    this.#listener(bytes);
  }
}

describe("Modbus RTU frames", () => {
  let wire: Wire;
  let link: ModbusLink;
  const read = (unit = 1, urgent = false) =>
    link.request({
      device: "probe",
      asks: "read register 7",
      unit,
      urgent,
      run: async (client) => (await client.readHoldingRegisters(7, 1)).data[0],
    });
  const answer = (unit: number, value: string) => withCrc(hex(`${unit.toString(16).padStart(2, "0")} 03 02 ${value}`));

  beforeEach(() => {
    wire = new Wire();
    const queue = new ModbusQueue(rtuLine(SETTINGS, () => Promise.resolve(wire.port)));
    link = queue.link(80, () => queue.close());
  });
  afterEach(() => link.release());

  it("are those of the standard", async () => {
    // The example everybody's converters can check: unit 17, holding registers 0x6B to 0x6D.
    expect(withCrc(hex("11 03 006B 0003")).toString("hex")).to.equal("1103006b00037687");
    wire.script = [[[1, answer(1, "002a")]]];
    expect(await read()).to.equal(42);
    expect(wire.asked[0]!.equals(withCrc(hex("01 03 0007 0001")))).to.equal(true);
  });

  it("know the silence between frames", () => {
    expect(frameGapMs(9_600)).to.be.closeTo(4.01, 0.01);
    expect(frameGapMs(115_200)).to.equal(1.75);
  });

  it("leave that silence before they are sent", async () => {
    wire.script = [[[1, answer(1, "0001")]], [[1, answer(1, "0002")]]];
    await Promise.all([read(), read()]);
    expect(wire.askedAt[1]! - wire.askedAt[0]!).to.be.at.least(1 + frameGapMs(19_200));
  });

  it("arrive in pieces, after noise, after the echo of the request", async () => {
    const frame = answer(1, "1234");
    wire.script = [
      [
        [1, hex("00 ff")],
        [2, withCrc(hex("01 03 0007 0001"))],
        [4, frame.subarray(0, 3)],
        [8, frame.subarray(3)],
      ],
    ];
    expect(await read()).to.equal(0x1234);
  });

  it("are told from the echo, which looks like the answer to a write", async () => {
    const write = () =>
      link.request({
        device: "board",
        asks: "set register 0",
        unit: 1,
        urgent: false,
        run: (client) => client.writeRegister(0, 60),
      });
    const echo = (request: string) => [1, withCrc(hex(request))] as const;
    const written = "01 06 0000 003c";
    // Nobody has heard an echo yet: the first frame is the answer.
    wire.script = [[echo(written)]];
    await write();
    wire.script = [[echo("01 03 0007 0001"), [3, answer(1, "0005")]]];
    await read();
    wire.script = [[echo(written), [3, withCrc(hex("01 86 02"))]]];
    expect((await rejection(write())).message).to.match(/has no such address/);
    wire.script = [[echo(written), [3, withCrc(hex(written))]]];
    await write();
    wire.script = [[echo(written)], [echo(written)]];
    expect((await rejection(write())).message).to.match(/no answer/);
  });

  it("are not taken from another unit", async () => {
    wire.script = [[[1, answer(2, "0063")]], [[1, answer(1, "0005")]]];
    const error = await rejection(read());
    expect(error).to.be.instanceOf(DeviceError);
    expect(error.message).to.match(/gave no answer within 80 ms, only 7 bytes that are none \(02 03 02 00 63/);
    expect(await read(), "the next one is in order again").to.equal(5);
  });

  it("are not believed by half, nor with a wrong checksum", async () => {
    const frame = answer(1, "0005");
    const broken = Buffer.from(frame);
    broken[3]! ^= 1;
    wire.script = [[[1, frame.subarray(0, 5)]], [[1, broken]], [[1, frame]]];
    expect((await rejection(read())).message).to.match(/only 5 bytes that are none/);
    expect((await rejection(read())).message).to.match(/only 7 bytes that are none/);
    expect(await read()).to.equal(5);
  });

  it("that come late are nobody's", async () => {
    wire.script = [[[110, answer(1, "0bad")]], [[1, answer(1, "0005")]]];
    expect((await rejection(read())).message).to.match(/unit 1 on \/dev\/wire did not answer within 80 ms/);
    expect(await read()).to.equal(5);
  });

  it("that must open a relay are sent once more when nothing comes back", async () => {
    wire.script = [[[1, answer(1, "0001")]], [], [[1, answer(1, "0002")]]];
    await read();
    expect(await read(1, true)).to.equal(2);
    expect(wire.asked).to.have.length(3);
  });

  it("can refuse", async () => {
    wire.script = [[[1, withCrc(hex("01 83 02"))]]];
    expect((await rejection(read())).message).to.match(/\/dev\/wire has no such address when asked to read register 7/);
  });
});
