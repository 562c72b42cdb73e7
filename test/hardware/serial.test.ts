import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, writeSync } from "node:fs";
import { expect } from "chai";
import { createMeter, createRelay, meterDriverSchema, relayDriverSchema } from "../../oracle/src/hardware/index.ts";
import { openSerial, SerialError } from "../../oracle/src/hardware/transport/serial.ts";
import { needs } from "./needs.ts";
import { type Device, pymodbus, serialLine, type SerialLine, words } from "./serial-line.ts";

const never = new AbortController().signal;
const settings = (path: string) => ({ path, baudRate: 9600, parity: "none" as const, stopBits: 1 as const });

async function failure(work: Promise<unknown>): Promise<Error> {
  try {
    await work;
  } catch (error) {
    return error as Error;
  }
  throw new Error("expected it to fail");
}

describe("serial port", () => {
  needs("socat", "util-linux");
  let line: SerialLine;
  beforeEach(async () => (line = await serialLine()));
  afterEach(() => line.remove());

  it("carries every byte both ways", async () => {
    const [near, far] = [await openSerial(settings(line.path)), await openSerial(settings(line.far))];
    const all = Buffer.from(Array.from({ length: 256 }, (_, i) => i));
    const echoed: Buffer[] = [];
    const done = new Promise<void>((resolve) => {
      near.onData((bytes) => (echoed.push(bytes), Buffer.concat(echoed).length >= 256 && resolve()));
    });
    far.onData((bytes) => far.write(bytes));
    near.write(all);
    await done;
    expect(Buffer.concat(echoed).equals(all)).to.equal(true);
    near.close();
    far.close();
  });

  it("is ours alone, also against another process", async () => {
    const other = spawn("flock", ["--no-fork", "--exclusive", line.path, "sleep", "60"], { stdio: "ignore" });
    try {
      let error: Error | undefined;
      for (let i = 0; i < 50 && !error; i++) {
        const port = await openSerial(settings(line.path)).catch((reason: Error) => void (error = reason));
        port?.close();
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
      expect(error).to.be.instanceOf(SerialError);
      expect(error!.message).to.match(/is in use by another program; end it \(to find it: fuser -v /);
    } finally {
      const ended = once(other, "exit");
      other.kill();
      await ended;
    }
    const port = await openSerial(settings(line.path));
    expect((await failure(openSerial(settings(line.path)))).message).to.match(/in use by another program/);
    port.close();
  });

  it("says when it goes away", async () => {
    const port = await openSerial(settings(line.path));
    port.onData(() => undefined);
    await line.unplug();
    expect((await failure(port.closed)).message).to.match(/has gone \(.*\); is the adapter still plugged in\?/);
  });

  it("says what is wrong with a path", async () => {
    expect((await failure(openSerial(settings("/dev/ttyUSB99")))).message).to.match(/there is no \/dev\/ttyUSB99; /);
    expect((await failure(openSerial(settings("/dev/null")))).message).to.match(/\/dev\/null is not a serial port/);
  });
});

describe("Modbus RTU against pymodbus", () => {
  needs("socat", "python3-pymodbus", "python3-serial-asyncio");
  let line: SerialLine;
  let device: Device | undefined;
  const used: { dispose(): Promise<void> }[] = [];

  const meterOf = (config: object, unitsPerKWh = 1_000n) => {
    const meter = createMeter(
      meterDriverSchema.parse({
        driver: "modbus",
        serial: settings(line.path),
        scope: "branch",
        maxPowerW: 8_000,
        ...config,
      }),
      { unitsPerKWh },
    );
    used.push(meter);
    return meter;
  };
  const relayOf = (coil: number, unit: number) => {
    const relay = createRelay(
      relayDriverSchema.parse({
        driver: "modbus-coil",
        serial: settings(line.path),
        unit,
        coil,
        watchdog: { register: 0, unitMs: 100 },
      }),
    );
    used.push(relay);
    return relay;
  };
  const start = async (units: Parameters<typeof pymodbus>[1]) => {
    device = await pymodbus({ serial: line.far, baudRate: 9600 }, units);
  };

  beforeEach(async () => (line = await serialLine()));
  afterEach(async () => {
    await Promise.allSettled(used.splice(0).map((each) => each.dispose()));
    await device?.stop();
    device = undefined;
    await line.remove();
  });

  // Bytes as the manuals define them, written by hand.
  const sdm120 = { input: { 0x0c: words("C4BB 8000"), 0x48: words("42F6 E979 40D9 4000") } }; // −1500 W, 123.456…, 6.789… kWh
  const pzem = { input: { 0: words("08FC 0000 0000 09C6 0000 E240 0001 01F4 0064 0000") } }; // 250.2 W, 123456 Wh
  const board = { coils: { 0: [0, 0, 0, 0, 0, 0, 0, 0, 0, 0] }, holding: { 0: [0] } };

  it("reads a meter, and another kind of meter on the same wire", async () => {
    await start({ 1: sdm120, 7: pzem });
    const [first, second] = [meterOf({ map: "eastron-sdm120" }), meterOf({ map: "pzem-016", unit: 7 })];
    const [a, b] = await Promise.all([first.read(never), second.read(never)]);
    expect(a).to.include({ imported: 123_456n, exported: 6_789n, powerW: 1_500 });
    expect(b).to.include({ imported: 123_456n, exported: 0n, powerW: -250.2 });
    expect(second).to.include({ importOnly: true, wrap: 10_000_000n });
  });

  it("switches a board's coils beside a meter that is read all the time; opening overtakes the reads that wait", async () => {
    await start({ 1: sdm120, 2: board });
    const meter = meterOf({ map: "eastron-sdm120" });
    const relay = relayOf(3, 2);
    await relay.close(5_000);
    expect(await relay.state()).to.equal("closed");
    let readBefore = 0;
    const reads = Array.from({ length: 15 }, () => meter.read(never).then(() => readBefore++));
    await relay.open();
    expect(readBefore, "reads that were answered before the relay had opened").to.be.at.most(2);
    await Promise.all(reads);
    expect(await relay.state()).to.equal("open");
  });

  it("says that a unit does not answer, and goes on with the others", async () => {
    await start({ 1: sdm120 });
    const [missing, meter] = [meterOf({ map: "pzem-016", unit: 9 }), meterOf({ map: "eastron-sdm120" })];
    const [error, sample] = await Promise.all([failure(missing.read(never)), meter.read(never)]);
    expect(error.name).to.equal("DeviceError");
    expect(error.message).to.match(
      /^meter pzem-016 at .*near unit 9: unit 9 on .*near did not answer within 500 ms when asked to read 4 registers .*; check power, wires A and B/,
    );
    expect(sample.imported).to.equal(123_456n);
  });

  it("says what a refusal means and keeps the line", async () => {
    await start({ 1: sdm120 });
    const [wrong, meter] = [meterOf({ map: "siemens-pac3200" }), meterOf({ map: "eastron-sdm120" })];
    expect((await failure(wrong.read(never))).message).to.match(/has no such address when asked to read 12 registers/);
    expect((await meter.read(never)).exported).to.equal(6_789n);
  });

  it("says that the adapter is gone, and goes on when it is back", async () => {
    await start({ 1: sdm120 });
    const meter = meterOf({ map: "eastron-sdm120" });
    await meter.read(never);
    await device!.stop();
    await line.unplug();
    expect((await failure(meter.read(never))).message).to.match(/there is no .*near; .*when asked to read/);
    await line.plugIn();
    await start({ 1: sdm120 });
    expect((await meter.read(never)).imported).to.equal(123_456n);
  });

  it("finds its answer among noise, and says what the noise was when there is none", async () => {
    const meter = meterOf({ map: "eastron-sdm120", timeoutMs: 300 });
    const far = openSync(line.far, "r+");
    try {
      const reading = failure(meter.read(never));
      setTimeout(() => writeSync(far, Buffer.from("00ff0104", "hex")), 60);
      expect((await reading).message).to.match(
        /gave no answer within 300 ms, only 4 bytes that are none \(00 ff 01 04\)/,
      );
    } finally {
      closeSync(far);
    }
    await start({ 1: sdm120 });
    expect((await meter.read(never)).imported).to.equal(123_456n);
  });

  it("refuses two ideas of how a wire talks", () => {
    meterOf({ map: "eastron-sdm120" });
    const other = { ...settings(line.path), baudRate: 2400 };
    expect(() => meterOf({ map: "pzem-016", unit: 2, serial: other })).to.throw(
      /9600 baud, parity none, 1 stop bit and with 2400 baud, .*; all devices on a wire talk alike/,
    );
  });
});

describe("Modbus TCP against pymodbus", () => {
  needs("python3-pymodbus", "python3-serial-asyncio");

  it("reads a meter that the configuration describes, and switches a coil", async () => {
    const port = 20_401;
    const device = await pymodbus(
      { tcp: port },
      {
        1: {
          // Wh, the low word first; tenths of W
          holding: { 0: [0], 100: words("E240 0001 0000 0000 1A85 0000 0000 0000"), 300: words("FC18") },
          coils: { 0: [0, 0] },
        },
      },
    );
    const at = { host: "127.0.0.1", port };
    const register = (address: number) => ({ address, type: "uint64", wordOrder: "low-first", unit: "Wh" });
    const meter = createMeter(
      meterDriverSchema.parse({
        driver: "modbus",
        ...at,
        map: {
          functionCode: 3,
          import: register(100),
          export: register(104),
          power: { address: 300, type: "int16", scale: 0.1, unit: "kW", positive: "export" },
        },
        scope: "branch",
        maxPowerW: 200_000,
      }),
      { unitsPerKWh: 1_000n },
    );
    const relay = createRelay(relayDriverSchema.parse({ driver: "modbus-coil", ...at, coil: 1, unguarded: true }));
    try {
      expect(await meter.read(never)).to.include({ imported: 123_456n, exported: 6_789n, powerW: -100_000 });
      expect(meter).to.include({ resolution: 1n, wrap: 1n << 64n });
      await relay.close(1_000);
      expect(await relay.state()).to.equal("closed");
      await relay.open();
      expect(await relay.state()).to.equal("open");
    } finally {
      await Promise.allSettled([meter.dispose(), relay.dispose()]);
      await device.stop();
    }
  });
});
