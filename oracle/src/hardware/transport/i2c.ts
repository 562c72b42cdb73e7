import { closeSync, openSync, readdirSync } from "node:fs";
import { DeviceError } from "../types.ts";
import { SystemError, checked, ioctlValue, libc } from "./libc.ts";

// linux/i2c-dev.h, linux/i2c.h
const I2C_TIMEOUT = 0x0702;
const I2C_SLAVE = 0x0703;
const I2C_SMBUS = 0x0720;
const WRITE = 0;
const READ = 1;
const WORD_DATA = 3;
const I2C_BLOCK_DATA = 8;
/** union i2c_smbus_data: a length and 32 bytes, and one to spare. */
const DATA_BYTES = 34;
/** The call blocks this process: a bus that hangs must not hold it for the kernel's usual second; unit 10 ms. */
const TIMEOUT_10MS = 5;

/** Registers of one device on an I²C bus, most significant byte first. */
export interface I2cDevice {
  /** @throws DeviceError */
  readWord(register: number): number;
  /** @throws DeviceError */
  writeWord(register: number, value: number): void;
  /** A register of 1 to 6 bytes. @throws DeviceError */
  readBytes(register: number, length: number): number;
  close(): void;
}

type Smbus = (fd: number, request: number, argument: object) => number;
let smbus: Smbus | undefined;

/** ioctl(I2C_SMBUS): works with every adapter the kernel knows, i2c-stub included. */
function smbusCall(): Smbus {
  if (smbus) return smbus;
  const { koffi } = libc();
  const argument = koffi.struct("i2c_smbus_ioctl_data", {
    read_write: "uint8_t",
    command: "uint8_t",
    size: "uint32_t",
    data: "void *",
  });
  smbus = koffi.load("libc.so.6").func("ioctl", "int", ["int", "unsigned long", koffi.pointer(argument)]);
  return smbus;
}

/**
 * @param bus path of the bus, /dev/i2c-1
 * @throws DeviceError
 */
export function openI2c(device: string, bus: string, address: number): I2cDevice {
  const at = `0x${address.toString(16)} on ${bus}`;
  const fd = openBus(device, bus);
  const attempt = <T>(does: string, act: () => T): T => {
    try {
      return act();
    } catch (error) {
      throw new DeviceError(device, explain(at, does, error), { cause: error });
    }
  };
  try {
    attempt("be addressed", () => {
      ioctlValue("I2C_SLAVE", fd, I2C_SLAVE, address);
      ioctlValue("I2C_TIMEOUT", fd, I2C_TIMEOUT, TIMEOUT_10MS);
    });
  } catch (error) {
    closeSync(fd);
    throw error;
  }
  const transfer = (direction: number, register: number, size: number, data: Buffer) =>
    checked("I2C_SMBUS", smbusCall()(fd, I2C_SMBUS, { read_write: direction, command: register, size, data }));
  return {
    readWord: (register) =>
      attempt(`read register 0x${register.toString(16)}`, () => {
        const data = Buffer.alloc(DATA_BYTES);
        transfer(READ, register, WORD_DATA, data);
        // SMBus words travel least significant byte first, these devices send the other way round.
        return data.readUInt16BE(0);
      }),
    writeWord: (register, value) =>
      attempt(`write register 0x${register.toString(16)}`, () => {
        const data = Buffer.alloc(DATA_BYTES);
        data.writeUInt16BE(value, 0);
        transfer(WRITE, register, WORD_DATA, data);
      }),
    readBytes: (register, length) =>
      attempt(`read register 0x${register.toString(16)}`, () => {
        const data = Buffer.alloc(DATA_BYTES);
        data[0] = length;
        transfer(READ, register, I2C_BLOCK_DATA, data);
        return data.readUIntBE(1, length);
      }),
    close: () => closeSync(fd),
  };
}

function openBus(device: string, bus: string): number {
  try {
    return openSync(bus, "r+");
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    const fail = (text: string) => new DeviceError(device, text, { cause: error });
    if (code === "EACCES" || code === "EPERM") {
      throw fail(`${bus} may not be used by this user; add it to the group "i2c" (sudo usermod -aG i2c USER)`);
    }
    if (code !== "ENOENT") throw fail(`${bus}: ${code}`);
    const buses = readdirSync("/dev").filter((name) => /^i2c-\d+$/.test(name));
    const there =
      buses.length > 0 ? `there is ${buses.map((name) => `/dev/${name}`).join(", ")}` : "there is no I²C bus";
    throw fail(`${bus} does not exist, ${there}; switch I²C on (sudo raspi-config nonint do_i2c 0) or correct "bus"`);
  }
}

/** A sentence for the person at the cabinet. */
function explain(at: string, does: string, error: unknown): string {
  const code = error instanceof SystemError ? error.code : (error as Error).message;
  if (code === "EBUSY")
    return `a kernel driver has the device at ${at}; remove its overlay from the boot configuration`;
  if (["ENXIO", "ENODEV", "EREMOTEIO", "EIO"].includes(code)) {
    return `no answer from ${at} when asked to ${does}; check wiring, supply and address (i2cdetect -y shows who is there)`;
  }
  if (code === "ETIMEDOUT" || code === "EAGAIN")
    return `the bus hangs: ${at} did not ${does} in time; check its wiring`;
  return `${at} cannot ${does} (${code})`;
}
