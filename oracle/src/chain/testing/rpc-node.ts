import { type Server, createServer } from "node:http";
import type { AddressInfo } from "node:net";

/** What a node answers with instead of a result. */
export class Refusal {
  readonly error: { code: number; message: string };
  readonly status: number;

  constructor(message: string, code = -32_000, status = 200) {
    this.error = { code, message };
    this.status = status;
  }
}

/** Answers calls of JSON-RPC over HTTP like a node. */
export class RpcNode {
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
  }

  /** @param answer the result of a call, or a refusal; when it throws, the line is cut. */
  static async start(answer: (method: string, params: readonly unknown[]) => unknown): Promise<RpcNode> {
    const server = createServer((request, response) => {
      let body = "";
      request
        .setEncoding("utf8")
        .on("data", (text: string) => (body += text))
        .on("end", () => {
          const { id, method, params } = JSON.parse(body) as { id: number; method: string; params?: unknown[] };
          try {
            const result = answer(method, params ?? []);
            if (result instanceof Refusal) response.statusCode = result.status;
            const said = result instanceof Refusal ? { error: result.error } : { result };
            response.setHeader("content-type", "application/json").end(JSON.stringify({ jsonrpc: "2.0", id, ...said }));
          } catch {
            response.destroy();
          }
        });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new RpcNode(server);
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  get url(): string {
    return `http://127.0.0.1:${this.port}`;
  }

  close(): Promise<void> {
    this.#server.closeAllConnections();
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}
