import { setTimeout as delay } from "node:timers/promises";
import { crc16 } from "./crc16.ts";
import { ConnectionLost, type Line, type ModbusClient, type Wire } from "./modbus-queue.ts";
import { openSerial, SerialError, type SerialPort, type SerialSettings } from "./serial.ts";

/** Quiet after a failure, ms: a device that answers late has answered by then, and what it says is thrown away. */
const RESYNC_MS = 50;
/** A frame has 256 bytes at most (MODBUS over Serial Line V1.02, 2.3); what is older is noise. */
const KEPT_BYTES = 512;
/** Bytes of noise shown in an error. */
const SHOWN_BYTES = 16;

/** Modbus RTU (MODBUS over Serial Line V1.02) on a serial port, all its units one after the other. */
export function rtuLine(settings: SerialSettings, open = openSerial): Line {
  const { path, baudRate, parity, stopBits } = settings;
  return {
    where: path,
    connect: async () => new RtuWire(await open(settings), baudRate),
    explain: (error, { unit, asked }) => {
      const port = [error, (error as Error).cause].find((each) => each instanceof SerialError);
      if (port) return `${port.message}, ${asked}`;
      const reason = error instanceof Error ? error.message : String(error);
      const check = `check power, wires A and B, the unit id ${unit}, and that the device is set to ${baudRate} baud, parity ${parity}, ${stopBits} stop bit${stopBits === 1 ? "" : "s"}`;
      return `unit ${unit} on ${path} ${reason} ${asked}; ${check}`;
    },
  };
}

/** Silence that ends a frame, ms: 3.5 characters of 11 bits, fixed above 19200 baud (2.5.1.1). */
export function frameGapMs(baudRate: number): number {
  return baudRate > 19_200 ? 1.75 : (3.5 * 11_000) / baudRate;
}

/** What a correct answer begins with and how long it is, so that it is found among noise and told from late ones. */
interface Expected {
  /** Bytes after the unit: function, and what else is known beforehand. */
  readonly head: readonly number[];
  /** Length of the whole frame with its checksum. */
  readonly length: number;
  /** It looks like the request. */
  readonly isEcho?: boolean;
}

class RtuWire implements Wire {
  readonly closed: Promise<never>;
  readonly #port: SerialPort;
  readonly #charMs: number;
  readonly #gapMs: number;
  #received: Buffer = Buffer.alloc(0);
  #wake: () => void = () => undefined;
  /** Monotonic ms of the last byte in either direction. */
  #activeAt = performance.now();
  #quietMs: number;
  #gone = false;
  /** The adapter hears itself, by the newest read: its request is never its own answer. */
  #echoes = false;

  constructor(port: SerialPort, baudRate: number) {
    this.#port = port;
    this.#charMs = 11_000 / baudRate;
    this.#gapMs = frameGapMs(baudRate);
    this.#quietMs = this.#gapMs;
    this.closed = port.closed.catch((error: unknown) => {
      this.#gone = true;
      throw new ConnectionLost((error as Error).message, false, { cause: error });
    });
    this.closed.catch(() => undefined);
    port.onData((bytes) => {
      this.#activeAt = performance.now();
      this.#received = Buffer.concat([this.#received, bytes]).subarray(-KEPT_BYTES);
      this.#wake();
    });
  }

  async exchange<T>(request: Parameters<Wire["exchange"]>[0], timeoutMs: number): Promise<T> {
    await this.#untilQuiet(timeoutMs);
    return (await request.run(this.#client(request.unit, timeoutMs))) as T;
  }

  resync(): boolean {
    this.#quietMs = Math.max(RESYNC_MS, this.#gapMs);
    this.#activeAt = performance.now();
    return !this.#gone;
  }

  close(): void {
    this.#gone = true;
    this.#port.close();
  }

  /** Waits for the silence between frames; what arrives meanwhile belongs to nobody. */
  async #untilQuiet(timeoutMs: number): Promise<void> {
    const deadline = performance.now() + Math.max(timeoutMs, 2 * this.#quietMs);
    for (;;) {
      const left = this.#activeAt + this.#quietMs - performance.now();
      if (left <= 0) break;
      if (performance.now() > deadline) throw new ConnectionLost("cannot be asked: the line is never quiet", true);
      await delay(left);
    }
    this.#quietMs = this.#gapMs;
    this.#received = Buffer.alloc(0);
  }

  #client(unit: number, timeoutMs: number): ModbusClient {
    const ask = (pdu: Buffer, expected: Expected) => this.#transact(unit, pdu, expected, timeoutMs);
    const registers = async (code: 3 | 4, address: number, count: number) => {
      const frame = await ask(request(code, address, count), { head: [code, 2 * count], length: 5 + 2 * count });
      const buffer = frame.subarray(3, -2);
      return { buffer, data: Array.from({ length: count }, (_, i) => buffer.readUInt16BE(2 * i)) };
    };
    /** The answer to a write repeats it, as does the echo of an adapter that has one: it is no answer. */
    const write = async (code: 5 | 6, address: number, value: number) => {
      const pdu = request(code, address, value);
      await ask(pdu, { head: [...pdu], length: 8, isEcho: true });
    };
    return {
      readCoils: async (address, count) => {
        const bytes = Math.ceil(count / 8);
        const frame = await ask(request(1, address, count), { head: [1, bytes], length: 5 + bytes });
        return { data: Array.from({ length: count }, (_, i) => ((frame[3 + (i >> 3)]! >> (i & 7)) & 1) === 1) };
      },
      readHoldingRegisters: (address, count) => registers(3, address, count),
      readInputRegisters: (address, count) => registers(4, address, count),
      writeCoil: (address, on) => write(5, address, on ? 0xff00 : 0),
      writeRegister: (address, value) => write(6, address, value),
    };
  }

  async #transact(unit: number, pdu: Buffer, expected: Expected, timeoutMs: number): Promise<Buffer> {
    const frame = withCrc(Buffer.from([unit, ...pdu]));
    try {
      this.#port.write(frame);
    } catch (error) {
      throw new ConnectionLost((error as Error).message, false, { cause: error });
    }
    const onTheWay = (frame.length + expected.length) * this.#charMs;
    const deadline = performance.now() + timeoutMs + onTheWay;
    this.#activeAt = performance.now() + frame.length * this.#charMs;
    for (;;) {
      const echo = this.#received.indexOf(frame);
      const from = expected.isEcho && this.#echoes ? (echo < 0 ? KEPT_BYTES : echo + frame.length) : 0;
      const answer = find(this.#received.subarray(from), unit, expected.head, expected.length);
      if (answer && !expected.isEcho) this.#echoes = echo >= 0;
      if (answer) return answer;
      const refusal = find(this.#received, unit, [expected.head[0]! | 0x80], 5);
      if (refusal) throw Object.assign(new Error("exception response"), { modbusCode: refusal[2] });
      const left = deadline - performance.now();
      if (left <= 0) throw new ConnectionLost(this.#verdict(timeoutMs), true);
      await this.#bytesOr(left);
    }
  }

  #bytesOr(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => (clearTimeout(timer), resolve());
    });
  }

  /** What there was instead of an answer. */
  #verdict(timeoutMs: number): string {
    const { length } = this.#received;
    if (length === 0) return `did not answer within ${timeoutMs} ms`;
    const shown = this.#received.subarray(0, SHOWN_BYTES).toString("hex").replace(/../g, "$& ").trimEnd();
    return `gave no answer within ${timeoutMs} ms, only ${length} bytes that are none (${shown}${length > SHOWN_BYTES ? " …" : ""})`;
  }
}

function request(code: number, address: number, value: number): Buffer {
  return Buffer.from([code, address >> 8, address & 0xff, value >> 8, value & 0xff]);
}

function withCrc(frame: Buffer): Buffer {
  const crc = crc16(frame, 0xffff);
  return Buffer.concat([frame, Buffer.from([crc & 0xff, crc >> 8])]);
}

/** The frame of a unit that begins as expected and whose checksum is right, wherever it begins in what was received. */
function find(received: Buffer, unit: number, head: readonly number[], length: number): Buffer | undefined {
  for (let start = 0; start + length <= received.length; start++) {
    const frame = received.subarray(start, start + length);
    if (frame[0] !== unit || head.some((byte, i) => frame[i + 1] !== byte)) continue;
    const crc = crc16(frame.subarray(0, -2), 0xffff);
    if (frame.readUInt16LE(length - 2) === crc) return frame;
  }
  return undefined;
}
