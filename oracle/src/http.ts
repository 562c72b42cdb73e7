import type { IncomingMessage, Server, ServerResponse } from "node:http";

/**
 * Listens, and waits until it does.
 * @param setting names the port in the configuration, for the error.
 * @returns the port; another one than asked for when that is 0.
 * @throws when the port is taken.
 */
export async function listen(server: Server, setting: string, { host, port }: { host: string; port: number }) {
  await new Promise<void>((resolve, reject) => {
    server.once("error", (error: NodeJS.ErrnoException) => {
      const taken = error.code === "EADDRINUSE";
      reject(taken ? new Error(`${setting} ${port} is in use by another program; choose another one`) : error);
    });
    server.listen(port, host, resolve);
  });
  const address = server.address();
  return typeof address === "object" && address ? address.port : port;
}

/** Lets web pages of the listed origins read the answer. */
export function allowOrigin(origins: readonly string[], request: IncomingMessage, response: ServerResponse): void {
  const { origin } = request.headers;
  response.setHeader("vary", "origin");
  if (origins.includes("*")) response.setHeader("access-control-allow-origin", "*");
  else if (origin && origins.includes(origin)) response.setHeader("access-control-allow-origin", origin);
}

/** JSON with integers that may outgrow a double as decimal strings. */
export function stringify(value: unknown): string {
  return JSON.stringify(value, (_key, part: unknown) => (typeof part === "bigint" ? part.toString() : part));
}

export function json(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { "content-type": "application/json", "cache-control": "no-store" });
  response.end(`${stringify(body)}\n`);
}

/** A reader for whom more bytes than this wait is gone, or does not read: what it is sent would pile up here. */
const MOST_UNSENT = 64 * 1_024;

/** Sends a piece of a stream that has no end, or ends the connection when its reader has fallen too far behind. */
export function sendOn(response: ServerResponse, text: string): void {
  if (response.writableLength > MOST_UNSENT) response.destroy();
  else response.write(text);
}
