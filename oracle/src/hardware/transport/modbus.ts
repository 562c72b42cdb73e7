import { ModbusQueue, type ModbusLink } from "./modbus-queue.ts";
import { rtuLine } from "./modbus-rtu.ts";
import { tcpLine } from "./modbus-tcp.ts";
import type { SerialSettings } from "./serial.ts";

export type { ModbusClient, ModbusLink, ModbusRequest } from "./modbus-queue.ts";

/** Time a device gets to accept a connection, and again to answer one request, ms. */
export const DEFAULT_TIMEOUT_MS = 500;
/** Port that MODBUS Messaging on TCP/IP reserves. */
const TCP_PORT = 502;

/** Where devices are: behind a host and port, or on a wire of their own. */
export type ModbusEndpoint =
  { readonly host: string; readonly port?: number | undefined } | { readonly serial: SerialSettings };

const queues = new Map<string, { queue: ModbusQueue; settings: string; users: number }>();

/**
 * The shared way to a Modbus device, gateway or bus; it connects with the first request.
 * @throws RangeError when two devices want the same serial port with different settings.
 */
export function openModbusLink(endpoint: ModbusEndpoint & { readonly timeoutMs?: number }): ModbusLink {
  const key = nameOf(endpoint);
  const settings = "serial" in endpoint ? describe(endpoint.serial) : "";
  const shared = queues.get(key) ?? { queue: new ModbusQueue(lineTo(endpoint)), settings, users: 0 };
  if (shared.settings !== settings) {
    throw new RangeError(
      `${key} is configured with ${shared.settings} and with ${settings}; all devices on a wire talk alike`,
    );
  }
  queues.set(key, shared);
  shared.users++;
  const { timeoutMs = DEFAULT_TIMEOUT_MS } = endpoint;
  return shared.queue.link(timeoutMs, () => {
    if (--shared.users > 0) return;
    queues.delete(key);
    shared.queue.close();
  });
}

/** How logs and errors call the place: "10.0.0.5:502", "/dev/ttyUSB0". */
export function nameOf(endpoint: ModbusEndpoint): string {
  return "serial" in endpoint ? endpoint.serial.path : `${endpoint.host}:${endpoint.port ?? TCP_PORT}`;
}

function lineTo(endpoint: ModbusEndpoint) {
  if ("serial" in endpoint) return rtuLine(endpoint.serial);
  return tcpLine(endpoint.host, endpoint.port ?? TCP_PORT);
}

function describe({ baudRate, parity, stopBits }: SerialSettings): string {
  return `${baudRate} baud, parity ${parity}, ${stopBits} stop bit${stopBits === 1 ? "" : "s"}`;
}
