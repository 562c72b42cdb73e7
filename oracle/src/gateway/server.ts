import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { Clock } from "../clock.ts";
import { allowOrigin, json, listen, sendOn } from "../http.ts";
import { ClientAddresses } from "./address.ts";
import { type Desk, Refusal, type Reply, tooLarge } from "./desk.ts";
import { Limiter } from "./limiter.ts";
import { LARGEST_BODY } from "./wire.ts";

export interface GatewayOptions {
  host: string;
  port: number;
  /** Web pages that may read the telemetry. */
  allowOrigins: readonly string[];
  /** Requests of one network address per second, on average; ten seconds' worth at once. */
  requestsPerSecond: number;
  /** Addresses, or address/prefix, of reverse proxies whose `X-Forwarded-For` is believed. */
  trustedProxies: readonly string[];
  desk: Desk;
  clock: Clock;
}

const BODY_TIMEOUT_MS = 10_000;
const MOST_CONNECTIONS = 4_000;
const MOST_LISTENERS = 1_000;
/** Of one network address: a listener stays for as long as it likes. */
const LISTENERS_PER_ADDRESS = 20;

/**
 * The desk's door for HTTP, and for pages that watch what flows.
 *
 *   POST /v1/readings         { readings } → { results }, once they are on chain or after 20 s (202: some are queued)
 *   POST /v1/telemetry        one signed `LiveEvent` → 204
 *   GET  /v1/meters/:id/live  those events, as the oracle's own server shows them
 *   GET  /healthz             200 and what is queued
 */
export class GatewayServer {
  readonly #options: GatewayOptions;
  readonly #server: Server;
  readonly #addresses: ClientAddresses;
  readonly #perAddress: Limiter<string>;
  readonly #stop = new AbortController();
  #listeners = 0;
  readonly #listenersOf = new Map<string, number>();

  constructor(options: GatewayOptions) {
    this.#options = options;
    const { requestsPerSecond: perSecond, clock, trustedProxies } = options;
    this.#addresses = new ClientAddresses(trustedProxies);
    this.#perAddress = new Limiter({ burst: perSecond * 10, perSecond }, clock);
    this.#server = createServer((request, response) => void this.#answer(request, response));
    this.#server.maxConnections = MOST_CONNECTIONS;
    this.#server.requestTimeout = BODY_TIMEOUT_MS;
    this.#server.headersTimeout = BODY_TIMEOUT_MS;
    this.#server.on("clientError", (_error, socket) => socket.destroy());
  }

  /** @returns the port it listens on. @throws when the port is taken. */
  async start(): Promise<number> {
    return listen(this.#server, "gateway.port", this.#options);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    allowOrigin(this.#options.allowOrigins, request, response);
    const reply = await this.#options.desk.reply(() => this.#route(request, response));
    if (response.headersSent || response.destroyed) return;
    if (reply.status === 413) response.setHeader("connection", "close");
    if (reply.body) json(response, reply.status, reply.body);
    else response.writeHead(reply.status).end();
  }

  async #route(request: IncomingMessage, response: ServerResponse): Promise<Reply> {
    const { desk } = this.#options;
    const path = URL.parse(request.url ?? "/", "http://localhost")?.pathname ?? "/";
    const live = /^\/v1\/meters\/(\d{1,10})\/live$/.exec(path);
    const address = this.#addresses.of(request);
    if (!this.#perAddress.take(address)) throw new Refusal(429, "too many requests from this address; send fewer");
    if (request.method === "GET") {
      if (live) return this.#listen(Number(live[1]), address, request, response);
      if (path === "/healthz") return { status: 200, body: { ok: true, queued: desk.queued } };
      throw new Refusal(404, "try /v1/meters/:id/live or /healthz");
    }
    if (request.method !== "POST") throw new Refusal(405, "only GET and POST");
    if (path === "/v1/telemetry") return desk.takeTelemetry(await body(request));
    if (path !== "/v1/readings") throw new Refusal(404, "post to /v1/readings or /v1/telemetry");
    const gone = new AbortController();
    response.once("close", () => gone.abort());
    return desk.takeReadings(await body(request), AbortSignal.any([gone.signal, this.#stop.signal]));
  }

  #listen(meterId: number, address: string, request: IncomingMessage, response: ServerResponse): Reply {
    if ((this.#listenersOf.get(address) ?? 0) >= LISTENERS_PER_ADDRESS)
      throw new Refusal(429, `more than ${LISTENERS_PER_ADDRESS} listeners at this address; close some`);
    if (this.#listeners >= MOST_LISTENERS) throw new Refusal(503, "too many listeners; try again later");
    response.writeHead(200, {
      "content-type": "text/event-stream",
      "cache-control": "no-store",
      // nginx would keep events until it has some kilobytes of them.
      "x-accel-buffering": "no",
    });
    response.write("retry: 2000\n\n");
    const listening = this.#options.desk.listen(meterId, (text) => sendOn(response, text));
    this.#count(address, 1);
    request.once("close", () => {
      listening.stop();
      this.#count(address, -1);
    });
    response.on("error", () => response.destroy());
    return { status: 200 };
  }

  #count(address: string, change: 1 | -1): void {
    this.#listeners += change;
    const ofAddress = (this.#listenersOf.get(address) ?? 0) + change;
    if (ofAddress > 0) this.#listenersOf.set(address, ofAddress);
    else this.#listenersOf.delete(address);
  }
}

async function body(request: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.length;
    if (bytes > LARGEST_BODY) throw tooLarge();
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}
