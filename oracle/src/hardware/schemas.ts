import { z } from "zod";
import { DEFAULT_TIMEOUT_MS, type ModbusEndpoint } from "./transport/modbus.ts";

/** Rates that serial adapters know. */
const BAUD_RATES = [300, 600, 1200, 2400, 4800, 9600, 19200, 38400, 57600, 115200] as const;

export const serialPath = z.string().startsWith("/", {
  error: "expected the path of a serial port, best one of /dev/serial/by-id (it survives unplugging)",
});
export const baudRate = z.literal(BAUD_RATES, { error: `expected one of ${BAUD_RATES.join(", ")}` });
export const parity = z.enum(["none", "even", "odd"]);

/** A wire of our own; 8 data bits. Without parity the standard wants 2 stop bits, nearly all devices come with 1. */
const serial = z.strictObject({
  path: serialPath,
  baudRate: baudRate.default(9600),
  parity: parity.default("none"),
  stopBits: z.literal([1, 2], { error: "expected 1 or 2" }).default(1),
});

/** Where a Modbus device is, over TCP or on a wire: the part all its drivers share. Completed by `oneWay`. */
export const address = {
  host: z.string().min(1).optional(),
  /** 502 when left out. */
  port: z.int().min(1).max(65_535).optional(),
  serial: serial.optional(),
  /** Unit identifier: the slave address on a wire or behind a gateway; a device of its own usually takes 1 or 255. */
  unit: z.int().min(0).max(255).default(1),
};

export const timeoutMs = z.int().min(10).max(10_000).default(DEFAULT_TIMEOUT_MS);

type Address = z.infer<z.ZodObject<typeof address>>;

/** Says what is wrong with an address that is given twice, not at all, or impossible on a wire. */
export function oneWay({ host, port, serial, unit }: Address, context: z.RefinementCtx): void {
  const complain = (path: keyof Address, message: string) =>
    context.addIssue({ code: "custom", path: [path], message });
  if (host !== undefined && serial) complain("serial", "give host (Modbus TCP) or serial (a wire), not both");
  if (host === undefined && !serial) {
    complain("host", "give host for Modbus TCP, or serial: { path, baudRate, parity, stopBits } for a wire");
  }
  if (serial && port !== undefined) complain("port", "belongs to host; a wire has none");
  // 0 is the broadcast, which nobody answers; 248 and above are reserved (MODBUS over Serial Line V1.02, 2.2).
  if (serial && (unit < 1 || unit > 247)) complain("unit", "expected 1 to 247 on a wire");
}

/** The way an address that has passed `oneWay` describes. */
export function endpointOf({ host, port, serial }: Address): ModbusEndpoint {
  return serial ? { serial } : { host: host!, port };
}

/** Written consent to a relay that stays closed when this computer dies. */
export const unguarded = z.literal(true).optional();

/** Where a device with an HTTP interface is, and how it lets us in. */
export const http = {
  host: z.string().min(1),
  port: z.int().min(1).max(65_535).default(80),
  user: z.string().min(1).default("admin"),
  /** File with the password, mode 0600; none for a device without one. */
  passwordFile: z.string().min(1).optional(),
  timeoutMs: z.int().min(50).max(10_000).default(1_500),
};

/** A broker and how it lets us in. */
export const mqttBroker = {
  broker: z.url({ protocol: /^mqtts?$/, error: "expected mqtt://HOST:1883, or mqtts://HOST:8883 with TLS" }),
  user: z.string().min(1).optional(),
  /** File with the password, mode 0600. */
  passwordFile: z.string().min(1).optional(),
  /** Certificate (PEM) of the authority of the broker's certificate. */
  caFile: z.string().min(1).optional(),
};

/** One topic, no pattern. */
export const mqttTopic = z.string().regex(/^[^+#\0/][^+#\0]*$/, { error: "expected a topic without + and #" });
