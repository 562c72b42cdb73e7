import { readFileSync, readdirSync } from "node:fs";
import { createRequire } from "node:module";
import { promisify } from "node:util";
import { z } from "zod";
import { DeviceError, type DriverInfo, type RelayDriver } from "../types.ts";
import { type Pin, createPinRelay } from "./pin.ts";

/** A relay on a pin of an older Raspberry Pi, through the package rpi-gpio and sysfs. */
export const rpiGpioSchema = z.strictObject({
  driver: z.literal("rpi-gpio"),
  /** Number of the GPIO (BCM), not of the position on the header. */
  pin: z.int().min(0).max(27),
  /** A low level energises the relay, as on most boards with opto-couplers. No default: the wrong one closes contacts. */
  activeLow: z.boolean({ error: "expected true (a low level closes the contact) or false" }),
});
export type RpiGpioConfig = z.infer<typeof rpiGpioSchema>;
export const rpiGpioInfo: DriverInfo = {
  kind: "relay",
  driver: "rpi-gpio",
  summary: "relay board on the pins of a Raspberry Pi with a kernel older than 6.6, through sysfs; otherwise use gpio",
  needs:
    "the optional package rpi-gpio with its native addon (python3, make and g++ when it is installed), membership of the group gpio",
  guard:
    "a process of its own that writes the pin's value: it opens when the lease ends and when the oracle dies; if both are killed in the same instant the pin keeps its level until the service has restarted",
  example: `driver: rpi-gpio
pin: 17
activeLow: true
`,
};

const SYSFS = "/sys/class/gpio";

/** The part of the package that is used here; it has no types of its own. */
interface RpiGpio {
  readonly MODE_BCM: string;
  readonly DIR_LOW: string;
  readonly DIR_HIGH: string;
  setMode(mode: string): void;
  setup(pin: number, direction: string, done: (error?: Error | null) => void): void;
  write(pin: number, value: boolean, done: (error?: Error | null) => void): void;
  read(pin: number, done: (error: Error | null | undefined, value: boolean) => void): void;
  destroy(done: (error?: Error | null) => void): void;
}

/** Pins in use: the package gives back all of them or none. */
const taken = new Set<number>();

/** Drives a pin through sysfs; it is exported at the level that leaves the contact open. */
export function createRpiGpioRelay(
  config: RpiGpioConfig,
  { name = `relay GPIO${config.pin}` }: { name?: string } = {},
): RelayDriver {
  return createPinRelay(name, () => claim(name, config));
}

async function claim(name: string, { pin, activeLow }: RpiGpioConfig): Promise<Pin> {
  const refusal = refusalOf(pin, readChips());
  if (refusal !== undefined) throw new DeviceError(name, refusal);
  const gpio = loadPackage(name);
  const fail = (what: string) => (error: unknown) => {
    throw new DeviceError(name, `GPIO${pin} cannot be ${what}; ${reasonOf(error)}`, { cause: error });
  };
  const write = promisify(gpio.write.bind(gpio));
  const read = promisify(gpio.read.bind(gpio));
  gpio.setMode(gpio.MODE_BCM);
  // "low" and "high" set direction and level in one step; "out" would energise an active-low relay for a moment.
  const direction = activeLow ? gpio.DIR_HIGH : gpio.DIR_LOW;
  await promisify(gpio.setup.bind(gpio))(pin, direction).catch(fail("set up"));
  taken.add(pin);
  /** The package writes in several steps: two writes at once could end in either order. */
  let last: Promise<unknown> = Promise.resolve();
  const inOrder = <T>(act: () => Promise<T>): Promise<T> => {
    const done = last.catch(() => undefined).then(act);
    last = done;
    return done;
  };
  return {
    output: { path: `${SYSFS}/gpio${pin}/value`, openText: activeLow ? "1" : "0" },
    set: (active) => inOrder(() => write(pin, active !== activeLow).catch(fail("written"))),
    read: () => inOrder(() => read(pin).catch(fail("read"))).then((high) => high !== activeLow),
    release: async () => {
      taken.delete(pin);
      if (taken.size === 0) await promisify(gpio.destroy.bind(gpio))().catch(fail("given back"));
    },
  };
}

export interface SysfsChip {
  readonly label: string;
  readonly base: number;
  readonly lines: number;
}

/** Why the pin cannot be driven through rpi-gpio here, or nothing. The package takes numbers as the header has them. */
export function refusalOf(pin: number, chips: readonly SysfsChip[] | undefined): string | undefined {
  const advice = `use "driver: gpio" with "line: GPIO${pin}" instead`;
  if (chips === undefined) return `this kernel has no ${SYSFS}; ${advice}`;
  if (chips.some(({ base, lines }) => pin >= base && pin < base + lines)) return undefined;
  const numbers = chips.map(({ label, base }) => `${label} from ${base}`).join(", ");
  const there = chips.length === 0 ? "this kernel shows no GPIO chip there" : `this kernel numbers ${numbers}`;
  return `rpi-gpio needs GPIO numbers that begin at 0, and ${there} (Raspberry Pi kernels do so since 6.6); ${advice}`;
}

function readChips(): SysfsChip[] | undefined {
  const value = (chip: string, key: string) => readFileSync(`${SYSFS}/${chip}/${key}`, "utf8").trim();
  try {
    return readdirSync(SYSFS)
      .filter((entry) => entry.startsWith("gpiochip"))
      .map((chip) => ({
        label: value(chip, "label"),
        base: Number(value(chip, "base")),
        lines: Number(value(chip, "ngpio")),
      }));
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
    throw error;
  }
}

function loadPackage(name: string): RpiGpio {
  try {
    return createRequire(import.meta.url)("rpi-gpio") as RpiGpio;
  } catch (error) {
    const hint =
      "use the driver gpio, which needs no such addon, or install python3, make and g++ and run: npm rebuild epoll";
    const [reason] = (error as Error).message.split("\n");
    throw new DeviceError(
      name,
      `the optional package rpi-gpio, or its native addon epoll, does not load (${reason}); ${hint}`,
      { cause: error },
    );
  }
}

function reasonOf(error: unknown): string {
  const { code, message } = error as NodeJS.ErrnoException;
  if (code === "EACCES" || code === "EPERM") return 'add the user to the group "gpio" (sudo usermod -aG gpio USER)';
  if (code === "EBUSY") return "another program or the kernel uses it";
  return code ?? message;
}
