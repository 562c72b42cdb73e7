import type { AddressInfo, Server } from "node:net";
import { type IServiceVector, ServerTCP } from "modbus-serial";

/** Exception codes of the MODBUS Application Protocol V1.1b3, section 7. */
export const ILLEGAL_FUNCTION = 1;
export const ILLEGAL_ADDRESS = 2;
const NO_ANSWER_FROM_UNIT = 11;

/** Answered as an exception response. */
export class ModbusException extends Error {
  /** Name the protocol library looks for. */
  readonly modbusErrorCode: number;
  constructor(code: number) {
    super(`Modbus exception ${code}`);
    this.modbusErrorCode = code;
  }
}

/** What a device does with the requests to its unit id; what it has no method for, it refuses. */
export interface ModbusDevice {
  /** A device that does not answer leaves the requester waiting. */
  readonly answers: boolean;
  readCoil?(address: number): boolean;
  writeCoil?(address: number, on: boolean): void;
  readRegisters?(functionCode: 3 | 4, address: number, words: number): number[];
  writeRegister?(address: number, value: number): void;
}

export interface ModbusServer {
  readonly port: number;
  close(): Promise<void>;
}

/** The port cannot be had; the message says what to do. */
export class PortError extends Error {
  override readonly name = "PortError";
}

/**
 * Serves devices by unit id on one port (0: any free one), as a gateway does: for a unit that is not there it answers
 * with exception 11.
 * @throws PortError
 */
export async function serveModbus(
  host: string,
  port: number,
  units: ReadonlyMap<number, ModbusDevice>,
): Promise<ModbusServer> {
  type Reply<T> = (error: Error | null, value: T) => void;
  const handle = <T>(unit: number, reply: Reply<T>, act: (device: ModbusDevice) => T) => {
    const device = units.get(unit);
    if (device && !device.answers) return;
    let value: T;
    try {
      if (!device) throw new ModbusException(NO_ANSWER_FROM_UNIT);
      value = act(device);
    } catch (error) {
      reply(error as Error, undefined as T);
      return;
    }
    reply(null, value);
  };
  const read = (functionCode: 3 | 4) => {
    const registers = (device: ModbusDevice, address: number, words: number) =>
      device.readRegisters ? device.readRegisters(functionCode, address, words) : refuse();
    return {
      one: (address: number, unit: number, reply: Reply<number>) =>
        handle(unit, reply, (device) => registers(device, address, 1)[0]!),
      many: (address: number, words: number, unit: number, reply: Reply<number[]>) =>
        // With an error the library still looks for the values.
        handle<number[]>(
          unit,
          (error, values) => reply(error, values ?? []),
          (device) => registers(device, address, words),
        ),
    };
  };
  const vector: IServiceVector = {
    getCoil: (address: number, unit: number, reply: Reply<boolean>) =>
      handle(unit, reply, (device) => (device.readCoil ? device.readCoil(address) : refuse())),
    setCoil: (address: number, on: boolean, unit: number, reply: (error: Error | null) => void) =>
      handle(unit, reply, (device) => (device.writeCoil ? device.writeCoil(address, on) : refuse())),
    getHoldingRegister: read(3).one,
    getMultipleHoldingRegisters: read(3).many,
    getInputRegister: read(4).one,
    getMultipleInputRegisters: read(4).many,
    setRegister: (address: number, value: number, unit: number, reply: (error: Error | null) => void) =>
      handle(unit, reply, (device) => (device.writeRegister ? device.writeRegister(address, value) : refuse())),
  };
  // The library takes 0 for its default port, but not "0"; and it has no other way to tell the port it got.
  const server = new ServerTCP(vector, { host, port: (port === 0 ? "0" : port) as number });
  const { _server: socket } = server as unknown as { _server: Server };
  server.on("socketError", () => undefined); // a client that goes away is its own business
  await new Promise<void>((resolve, reject) => {
    server.once("initialized", resolve);
    server.once("serverError", (error: NodeJS.ErrnoException) => reject(portError(host, port, error)));
  });
  return {
    port: (socket.address() as AddressInfo).port,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

function refuse(): never {
  throw new ModbusException(ILLEGAL_FUNCTION);
}

export function portError(host: string, port: number, error: NodeJS.ErrnoException): PortError {
  const reason =
    error.code === "EADDRINUSE"
      ? "is in use; stop the program that listens there (perhaps another simulator) or choose another port in the configuration"
      : error.code === "EACCES"
        ? "needs administrator rights; choose a port above 1023 in the configuration"
        : `cannot be opened (${error.code ?? error.message}); check the host and the port in the configuration`;
  return new PortError(`port ${port} of ${host} ${reason}`, { cause: error });
}
