import { connect, type Socket } from "node:net";
import { openSerial, type SerialPort } from "../../oracle/src/hardware/transport/serial.ts";

/** What a device on a bad line does to its answers. */
export type Manner = "honest" | "wrong CRC" | "another unit" | "half a frame" | "silent";

export const LINE = { baudRate: 9600, parity: "none", stopBits: 1 } as const;
/** Address, function, two words, CRC (MODBUS over Serial Line V1.02, section 2.5.1). */
const REQUEST_BYTES = 8;

/** A Modbus RTU device on the far end of a serial line, which is a Modbus TCP device of the simulated world. */
export class SerialBridge {
  manner: Manner = "honest";
  /** Answers that were spoiled. */
  spoiled = 0;
  readonly #port: SerialPort;
  readonly #device: Socket;
  #pending = Buffer.alloc(0);
  #answer = Buffer.alloc(0);

  private constructor(port: SerialPort, device: Socket) {
    this.#port = port;
    this.#device = device;
    port.onData((bytes) => this.#onRequest(bytes));
    device.on("data", (bytes) => this.#onAnswer(bytes));
    device.on("error", () => undefined); // the world has ended
  }

  static async between(path: string, devicePort: number): Promise<SerialBridge> {
    const port = await openSerial({ path, ...LINE });
    port.closed.catch(() => undefined);
    const device = connect(devicePort, "127.0.0.1");
    await new Promise((done, failed) => device.once("connect", done).once("error", failed));
    return new SerialBridge(port, device);
  }

  close(): void {
    this.#port.close();
    this.#device.destroy();
  }

  #onRequest(bytes: Buffer): void {
    this.#pending = Buffer.concat([this.#pending, bytes]);
    for (; this.#pending.length >= REQUEST_BYTES; this.#pending = this.#pending.subarray(REQUEST_BYTES)) {
      const frame = this.#pending.subarray(0, REQUEST_BYTES - 2);
      this.#device.write(Buffer.concat([Buffer.from([0, 1, 0, 0, 0, frame.length]), frame]));
    }
  }

  #onAnswer(bytes: Buffer): void {
    this.#answer = Buffer.concat([this.#answer, bytes]);
    while (this.#answer.length >= 6) {
      const length = this.#answer.readUInt16BE(4);
      if (this.#answer.length < 6 + length) return;
      this.#reply(Buffer.from(this.#answer.subarray(6, 6 + length)));
      this.#answer = this.#answer.subarray(6 + length);
    }
  }

  #reply(frame: Buffer): void {
    if (this.manner !== "honest") this.spoiled++;
    if (this.manner === "silent") return;
    if (this.manner === "another unit") frame[0]! += 1;
    const crc = crc16(frame) ^ (this.manner === "wrong CRC" ? 1 : 0);
    const whole = Buffer.concat([frame, Buffer.from([crc & 0xff, crc >> 8])]);
    this.#port.write(this.manner === "half a frame" ? whole.subarray(0, whole.length >> 1) : whole);
  }
}

/** MODBUS over Serial Line V1.02, section 6.2.2. */
function crc16(bytes: Buffer): number {
  let crc = 0xffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >> 1) ^ 0xa001 : crc >> 1;
  }
  return crc;
}
