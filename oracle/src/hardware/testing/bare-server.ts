import net from "node:net";
import type { AddressInfo, Server, Socket } from "node:net";
import { type IServiceVector, ServerTCP } from "modbus-serial";

export interface BareServer {
  readonly port: number;
  /** Hangs up on everybody who is connected; goes on listening. */
  hangUp(): void;
  close(): Promise<void>;
}

/** The protocol library's server as it is, by default on any free port: a device of somebody else's making, unit 1. */
export async function bareModbusServer(vector: IServiceVector, port?: number): Promise<BareServer> {
  // The library takes 0 for its default port, but not "0".
  const server = new ServerTCP(vector, { host: "127.0.0.1", port: port ?? ("0" as unknown as number), unitID: 1 });
  server.on("socketError", () => undefined);
  await new Promise<void>((resolve) => server.once("initialized", resolve));
  const { _server: listener } = server as unknown as { _server: Server };
  return {
    port: (listener.address() as AddressInfo).port,
    hangUp: () => server.socks.forEach((_, socket) => socket.destroy()),
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

/** Holding or input registers from hexadecimal bytes at an address; all others are 0. */
export function registersFrom(blocks: Record<number, string>): (address: number) => number {
  const words = new Map<number, number>();
  for (const [address, hex] of Object.entries(blocks)) {
    const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
    for (let i = 0; i < bytes.length; i += 2) words.set(Number(address) + i / 2, bytes.readUInt16BE(i));
  }
  return (address) => words.get(address) ?? 0;
}

/** Takes connections and says nothing: a device that hangs. */
export async function silentServer(): Promise<BareServer> {
  const sockets = new Set<Socket>();
  const server = net.createServer((socket) => {
    sockets.add(socket.on("error", () => undefined).resume());
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const hangUp = () => sockets.forEach((socket) => socket.destroy());
  return {
    port: (server.address() as AddressInfo).port,
    hangUp,
    close: () => {
      hangUp();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

/** The error a promise rejects with; fails when it does not. */
export async function rejection(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    return error as Error;
  }
  throw new Error("expected a rejection");
}
