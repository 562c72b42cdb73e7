import { setTimeout as pause } from "node:timers/promises";
import { z } from "zod";
import { biases } from "../transport/gpio-uapi.ts";
import { CONSUMER, LineBusy, type OutputLine, readActive, requestOutput, setActive } from "../transport/gpio.ts";
import type { DriverInfo, RelayDriver } from "../types.ts";
import { type Pin, createPinRelay } from "./pin.ts";

/** Where a line of the GPIO character device is: the part that relays and pulse counters share. */
export const gpioLine = {
  /** Name of the line as `gpioinfo` prints it. Never a number: those differ between boards and kernels. */
  line: z
    .string()
    .min(1)
    .refine((name) => !/^\d+$/.test(name), "expected the name of a line (GPIO17), not a number; gpioinfo lists them"),
  /** Label, name or path of the chip (pinctrl-bcm2711, pinctrl-rp1); all are searched without it. */
  chip: z.string().min(1).optional(),
};

/** A relay on a pin of this computer, through the GPIO character device (Linux 5.10 and newer). */
export const gpioSchema = z.strictObject({
  driver: z.literal("gpio"),
  ...gpioLine,
  /** A low level energises the relay, as on most boards with opto-couplers. No default: the wrong one closes contacts. */
  activeLow: z.boolean({ error: "expected true (a low level closes the contact) or false" }),
  bias: z.enum(biases).default("as-is"),
});
export type GpioConfig = z.infer<typeof gpioSchema>;
export const gpioInfo: DriverInfo = {
  kind: "relay",
  driver: "gpio",
  summary: "relay board on the pins of this computer, through the GPIO character device",
  needs:
    "Linux 5.10 or newer, membership of the group gpio; wire a normally open contact, with the pull-up or pull-down that keeps the relay off while the pin is an input",
  guard:
    "a process of its own that shares the line: it opens when the lease ends and when the oracle dies; if both are killed in the same instant the pin keeps its level until the service has restarted",
  example: `driver: gpio
line: GPIO17
activeLow: true
`,
};

/** A predecessor's guard lets go of the line within this time of its end, ms. */
const PREDECESSOR_MS = 1_000;
const RETRY_MS = 20;

/** Drives a line of the GPIO character device, requested as an output that is open from its first instant. */
export function createGpioRelay(
  config: GpioConfig,
  { name = `relay ${config.line}` }: { name?: string } = {},
): RelayDriver {
  return createPinRelay(name, async () => asPin(await claim(name, config)));
}

async function claim(name: string, config: GpioConfig): Promise<OutputLine> {
  const deadline = performance.now() + PREDECESSOR_MS;
  for (;;) {
    try {
      return requestOutput(name, config);
    } catch (error) {
      const predecessor = error instanceof LineBusy && error.consumer === CONSUMER;
      if (!predecessor || performance.now() >= deadline) throw error;
      await pause(RETRY_MS);
    }
  }
}

function asPin(line: OutputLine): Pin {
  return {
    output: { fd: line.fd },
    set: (active) => setActive(line.fd, active),
    read: () => readActive(line.fd),
    release: () => line.close(),
  };
}
