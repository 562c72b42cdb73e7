import net from "node:net";
import modbus from "modbus-serial";
import { ConnectionLost, type Line, type Wire } from "./modbus-queue.ts";

/** Modbus TCP (MODBUS Messaging on TCP/IP V1.0b), with the protocol library's client. */
export function tcpLine(host: string, port: number): Line {
  const where = `${host}:${port}`;
  return {
    where,
    connect: (timeoutMs) => connect(host, port, timeoutMs),
    explain: (error, { unit, timeoutMs, asked }) => {
      if (error instanceof ConnectionLost && error.unanswered) {
        return `${where} did not answer within ${timeoutMs} ms ${asked}; check its power and cable, and that its unit id is ${unit}`;
      }
      const reason = error instanceof Error ? ((error as NodeJS.ErrnoException).code ?? error.message) : String(error);
      if (reason === "ECONNREFUSED") {
        return `nothing listens on ${where} ${asked}; check host and port, and that Modbus TCP is switched on in the device`;
      }
      return `${where} cannot be talked to ${asked} (${reason}); check host, port and network`;
    },
  };
}

async function connect(host: string, port: number, timeoutMs: number): Promise<Wire> {
  const socket = net.connect({ host, port, noDelay: true, keepAlive: true });
  try {
    await new Promise<void>((resolve, reject) => {
      const timer = setTimeout(
        () => reject(new ConnectionLost(`no connection within ${timeoutMs} ms`, true)),
        timeoutMs,
      );
      socket.once("connect", () => (clearTimeout(timer), resolve()));
      socket.once("error", (error) => (clearTimeout(timer), reject(error)));
    });
  } catch (error) {
    socket.on("error", () => undefined);
    socket.destroy();
    throw error;
  }
  const closed = new Promise<never>((_, reject) => {
    socket.on("error", (error) => reject(new ConnectionLost(error.message, false, { cause: error })));
    socket.on("close", () => reject(new ConnectionLost("the device closed the connection", false)));
  });
  closed.catch(() => undefined);
  const client = new modbus.default();
  client.on("error", () => undefined); // reported through `closed`
  await client.linkTCP(socket, { port });
  return {
    closed,
    exchange: async (request, timeoutMs) => {
      client.setID(request.unit);
      // Ours fires first; the library's own timer only forgets the transaction.
      client.setTimeout(timeoutMs * 2);
      let timer: NodeJS.Timeout | undefined;
      const timeout = new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new ConnectionLost(`no answer within ${timeoutMs} ms`, true)), timeoutMs);
      });
      try {
        const answer = request.run(client);
        answer.catch(() => undefined);
        return await Promise.race([answer, timeout]);
      } finally {
        clearTimeout(timer);
      }
    },
    // After a timeout or a broken frame: start afresh.
    resync: () => {
      socket.destroy();
      return false;
    },
    close: () => socket.destroy(),
  };
}
