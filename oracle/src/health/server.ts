import { type Server, type ServerResponse, createServer } from "node:http";
import { listen } from "../http.ts";
import { CONTENT_TYPE, type Metric, render } from "./prometheus.ts";

export interface Health {
  /** Why the oracle does not do its work; empty when it does. */
  troubles(): string[];
  metrics(): Metric[];
}

/**
 *   GET /metrics   Prometheus' text format
 *   GET /healthz   200, or 503 with the reasons
 *
 * For the machine and its administrator: without authentication, so it belongs on loopback.
 */
export class HealthServer {
  readonly #where: { host: string; port: number };
  readonly #health: Health;
  readonly #server: Server;

  constructor(where: { host: string; port: number }, health: Health) {
    this.#where = where;
    this.#health = health;
    this.#server = createServer(({ method, url }, response) => this.#answer(method, url, response));
    this.#server.on("clientError", (_error, socket) => socket.destroy());
  }

  /** @returns the port it listens on. @throws when the port is taken. */
  async start(): Promise<number> {
    return listen(this.#server, "metrics.port", this.#where);
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    if (this.#server.listening) await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #answer(method: string | undefined, url: string | undefined, response: ServerResponse): void {
    const path = url?.split("?")[0];
    if (method !== "GET" && method !== "HEAD") return send(response, 405, "only GET\n");
    if (path === "/metrics") return send(response, 200, render(this.#health.metrics()), CONTENT_TYPE);
    if (path !== "/healthz") return send(response, 404, "try /metrics or /healthz\n");
    const troubles = this.#health.troubles();
    const ok = troubles.length === 0;
    send(response, ok ? 200 : 503, `${JSON.stringify({ ok, troubles })}\n`, "application/json");
  }
}

function send(response: ServerResponse, status: number, body: string, type = "text/plain; charset=utf-8"): void {
  response.writeHead(status, { "content-type": type, "cache-control": "no-store" }).end(body);
}
