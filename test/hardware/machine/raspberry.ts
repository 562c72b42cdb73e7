import { Machine } from "./machine.ts";

/** GPIO registers of the BCM2835 family (BCM2835 ARM Peripherals, section 6.1) where the Pi 3's processor sees them. */
const GPIO = 0x3f20_0000;
export const GPFSEL = 0x00;
export const GPSET0 = 0x1c;
export const GPCLR0 = 0x28;
const GPLEV0 = 0x34;
const LINES_PER_FSEL = 10;
const FUNCTION_BITS = 3;

/** A Raspberry Pi 3B; its pins are looked at from outside, past the kernel and the drivers. */
export class Raspberry {
  readonly machine: Machine;

  static async boot(): Promise<Raspberry> {
    const dtb = "KERNEL/usr/lib/linux-image-VERSION/broadcom/bcm2837-rpi-3-b.dtb";
    const machine = await Machine.boot({
      arch: "arm64",
      // The first serial port belongs to Bluetooth.
      machine: ["-M", "raspi3b", "-dtb", dtb, "-serial", "null"],
      console: "ttyS1,115200",
    });
    return new Raspberry(machine);
  }

  private constructor(machine: Machine) {
    this.machine = machine;
  }

  /** Level of a pin. */
  async isHigh(pin: number): Promise<boolean> {
    const [levels] = await this.machine.words(GPIO + GPLEV0);
    return ((levels! >>> pin) & 1) === 1;
  }

  async isOutput(pin: number): Promise<boolean> {
    const [functions] = await this.machine.words(GPIO + functionRegister(pin));
    return functionIn(pin, functions!) === 1;
  }

  gpioWrites(act: () => Promise<unknown>): Promise<{ offset: number; value: number }[]> {
    return this.machine.deviceWrites(GPIO, act);
  }
}

/** Offset of the register with a pin's function. */
export function functionRegister(pin: number): number {
  return GPFSEL + 4 * Math.floor(pin / LINES_PER_FSEL);
}

/** A pin's function in that register's value: 0 input, 1 output. */
export function functionIn(pin: number, value: number): number {
  return (value >>> (FUNCTION_BITS * (pin % LINES_PER_FSEL))) & 7;
}
