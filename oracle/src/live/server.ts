import { type IncomingMessage, type Server, type ServerResponse, createServer } from "node:http";
import type { LiveEvent, Telemetry } from "@ioe/protocol";
import type { Clock } from "../clock.ts";
import { allowOrigin, json, listen, sendOn } from "../http.ts";
import { type Logger, reasonOf } from "../log.ts";

/** What the server shows; everything is asked for at the moment it is shown. */
export interface LiveSource {
  meterId: number;
  /** Newest figures of the meter; nothing while there is no fresh sample. */
  telemetry(): Telemetry | undefined;
  sign(telemetry: Telemetry): Promise<`0x${string}`>;
  relays(): Record<string, "open" | "closed">;
  deliveryId(): bigint | undefined;
  /** What the battery's gauge says; nothing without one, or while it does not answer. */
  battery(): LiveEvent["battery"];
  status(): unknown;
  /** Why the oracle does not do its work; empty when it does. */
  troubles(): string[];
}

export interface LiveOptions {
  host: string;
  port: number;
  allowOrigins: readonly string[];
  source: LiveSource;
  clock: Clock;
  log: Logger;
}

/** Each signature costs about a millisecond: one per second at most, for all listeners together. */
const INTERVAL_MS = 1_000;
const MAX_LISTENERS = 100;

/**
 * Live telemetry, health and status over HTTP.
 *
 *   GET /v1/meters/:id/live   server-sent events, one signed `LiveEvent` a second at most
 *   GET /v1/status            what the oracle sees and does, as JSON
 *   GET /healthz              200 or 503 with the reasons
 */
export class LiveServer {
  readonly #options: LiveOptions;
  readonly #server: Server;
  readonly #listeners = new Set<ServerResponse>();
  #stop = new AbortController();
  #sending = false;

  constructor(options: LiveOptions) {
    this.#options = options;
    this.#server = createServer((request, response) => this.#answer(request, response));
    this.#server.on("clientError", (_error, socket) => socket.destroy());
  }

  /** @returns the port it listens on. @throws when the port is taken. */
  async start(): Promise<number> {
    return listen(this.#server, "live.port", this.#options);
  }

  async stop(): Promise<void> {
    this.#stop.abort();
    for (const response of this.#listeners) response.end();
    this.#server.closeAllConnections();
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const { source } = this.#options;
    const url = URL.parse(request.url ?? "/", "http://localhost");
    allowOrigin(this.#options.allowOrigins, request, response);
    if (request.method === "OPTIONS") {
      response.writeHead(204, { "access-control-allow-methods": "GET", "access-control-max-age": "600" }).end();
      return;
    }
    if (request.method !== "GET" && request.method !== "HEAD") {
      json(response, 405, { error: "only GET" });
      return;
    }
    const live = /^\/v1\/meters\/(\d+)\/live$/.exec(url?.pathname ?? "");
    if (live) {
      if (Number(live[1]) === source.meterId) this.#listen(request, response);
      else json(response, 404, { error: `this oracle reads meter ${source.meterId}` });
    } else if (url?.pathname === "/v1/status") {
      json(response, 200, source.status());
    } else if (url?.pathname === "/healthz") {
      const troubles = source.troubles();
      json(response, troubles.length === 0 ? 200 : 503, { ok: troubles.length === 0, troubles });
    } else {
      json(response, 404, { error: "try /v1/status, /healthz or /v1/meters/:id/live" });
    }
  }

  #listen(request: IncomingMessage, response: ServerResponse): void {
    if (this.#listeners.size >= MAX_LISTENERS) {
      json(response, 503, { error: "too many listeners; try again later" });
      return;
    }
    response.writeHead(200, { "content-type": "text/event-stream", "cache-control": "no-store" });
    response.write("retry: 2000\n\n");
    this.#listeners.add(response);
    const gone = () => this.#listeners.delete(response);
    request.once("close", gone);
    response.once("close", gone).on("error", gone);
    void this.#send();
  }

  /** Runs while somebody listens. */
  async #send(): Promise<void> {
    if (this.#sending) return;
    this.#sending = true;
    const { clock, log } = this.#options;
    try {
      while (this.#listeners.size > 0 && !this.#stop.signal.aborted) {
        const event = await liveEvent(this.#options.source);
        const text = event ? `data: ${JSON.stringify(event)}\n\n` : ": no fresh sample\n\n";
        for (const response of this.#listeners) sendOn(response, text);
        await clock.sleep(INTERVAL_MS, this.#stop.signal);
      }
    } catch (error) {
      if (!this.#stop.signal.aborted) log.error("live.failed", { reason: reasonOf(error) });
    } finally {
      this.#sending = false;
    }
  }
}

/** The newest figures, signed; nothing while there is no fresh sample. */
export async function liveEvent(source: LiveSource): Promise<LiveEvent | undefined> {
  const telemetry = source.telemetry();
  if (!telemetry) return undefined;
  const deliveryId = source.deliveryId();
  const battery = source.battery();
  const { imported, exported, ...rest } = telemetry;
  return {
    telemetry: { ...rest, imported: imported.toString(), exported: exported.toString() },
    signature: await source.sign(telemetry),
    relays: source.relays(),
    ...(deliveryId === undefined ? {} : { deliveryId: deliveryId.toString() }),
    ...(battery ? { battery } : {}),
  };
}
