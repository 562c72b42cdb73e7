import { Machine } from "./machine.ts";

/** A computer with chips on an I²C bus that are nothing but registers (Linux, Documentation/i2c/i2c-stub). */
export class I2cBench {
  readonly machine: Machine;

  static async boot(addresses: readonly number[]): Promise<I2cBench> {
    return new I2cBench(
      await Machine.boot({
        arch: "amd64",
        // Not the host's own virtualization, which may be there and not work.
        machine: ["-M", "q35,accel=tcg", "-m", "1024"],
        console: "ttyS0",
        modules: ["i2c-dev.ko", `i2c-stub.ko chip_addr=${addresses.join(",")}`],
      }),
    );
  }

  private constructor(machine: Machine) {
    this.machine = machine;
  }

  /** What a chip measures: a register of 16 bits. */
  async setWord(address: number, register: number, value: number): Promise<void> {
    await this.machine.shell(`i2cset -y 0 ${hex(address, register, swapped(value))} w`);
  }

  /** A register of more bytes, the most significant first. The stub keeps them as those of the registers that follow. */
  async setBytes(address: number, register: number, bytes: readonly number[]): Promise<void> {
    await this.machine.shell(`i2cset -y 0 ${hex(address, register, ...bytes)} i`);
  }

  /** What a driver has written. */
  async word(address: number, register: number): Promise<number> {
    return swapped(Number(await this.machine.shell(`i2cget -y 0 ${hex(address, register)} w`)));
  }
}

/** The bus sends the least significant byte first, the chips mean the other order. */
function swapped(word: number): number {
  return ((word & 0xff) << 8) | (word >> 8);
}

/** Busybox takes some of these numbers for hexadecimal whatever they look like. */
function hex(...numbers: number[]): string {
  return numbers.map((number) => `0x${number.toString(16)}`).join(" ");
}
