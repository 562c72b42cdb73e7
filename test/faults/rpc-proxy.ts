import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";

/** One call of JSON-RPC. */
export interface RpcCall {
  readonly id?: unknown;
  readonly method: string;
  readonly params?: unknown[];
}

interface RpcAnswer {
  result?: unknown;
  error?: { code: number; message: string; data?: unknown };
}

/**
 * What becomes of a call on its way. It may ask the node (as often as it likes), change the answer, or throw: the caller
 * then gets an error of the node.
 */
export type Meddle = (call: RpcCall, ask: (call: RpcCall) => Promise<unknown>) => Promise<unknown>;

/** An error a node answers with. */
export class NodeError extends Error {
  readonly code: number;
  /** What a contract reverted with. */
  readonly data: unknown;

  constructor(message: string, code = -32_000, data?: unknown) {
    super(message);
    this.code = code;
    this.data = data;
  }
}

/** Stands between an oracle and its node: it counts the calls, and cuts, delays or alters them. */
export class RpcProxy {
  readonly calls: string[] = [];
  delayMs = 0;
  meddle: Meddle | undefined;
  readonly #target: string;
  readonly #server: Server;
  #cut = false;

  private constructor(target: string) {
    this.#target = target;
    this.#server = createServer((request, response) => {
      if (this.#cut) {
        request.socket.destroy();
        return;
      }
      this.#answer(request).then(
        (body) => {
          if (this.#cut) response.destroy();
          else response.setHeader("content-type", "application/json").end(JSON.stringify(body));
        },
        () => response.destroy(), // the node itself is gone
      );
    });
  }

  static async to(target: string, port = 0): Promise<RpcProxy> {
    const proxy = new RpcProxy(target);
    await new Promise<void>((done) => proxy.#server.listen(port, "127.0.0.1", done));
    return proxy;
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  /** Calls of a method so far. */
  count(method: string): number {
    return this.calls.filter((each) => each === method).length;
  }

  cut(): void {
    this.#cut = true;
    this.#server.closeAllConnections();
  }

  mend(): void {
    this.#cut = false;
  }

  async close(): Promise<void> {
    this.cut();
    await new Promise<void>((done) => this.#server.close(() => done()));
  }

  async #answer(request: IncomingMessage): Promise<unknown> {
    const chunks: Buffer[] = [];
    for await (const chunk of request as AsyncIterable<Buffer>) chunks.push(chunk);
    const body = JSON.parse(Buffer.concat(chunks).toString("utf8")) as RpcCall | RpcCall[];
    if (this.delayMs > 0) await new Promise((done) => setTimeout(done, this.delayMs));
    return Array.isArray(body) ? Promise.all(body.map((call) => this.#one(call))) : this.#one(body);
  }

  async #one(call: RpcCall): Promise<unknown> {
    this.calls.push(call.method);
    const frame = { jsonrpc: "2.0", id: call.id };
    const ask = (changed: RpcCall) => this.#ask(changed);
    try {
      const result = await (this.meddle ? this.meddle(call, ask) : ask(call));
      return { ...frame, result };
    } catch (error) {
      if (!(error instanceof NodeError)) throw error;
      return { ...frame, error: { code: error.code, message: error.message, data: error.data } };
    }
  }

  async #ask({ method, params = [] }: RpcCall): Promise<unknown> {
    const response = await fetch(this.#target, {
      method: "POST",
      headers: { "content-type": "application/json" },
      body: JSON.stringify({ jsonrpc: "2.0", id: 1, method, params }),
    });
    const { result, error } = (await response.json()) as RpcAnswer;
    if (error) throw new NodeError(error.message, error.code, error.data);
    return result;
  }
}

/** A node that is so many blocks behind. */
export function lagging(blocks: bigint): Meddle {
  return async (call, ask) => {
    const newest = BigInt((await ask({ method: "eth_blockNumber" })) as string);
    const head = newest > blocks ? newest - blocks : 0n;
    const { method, params = [] } = call;
    if (method === "eth_blockNumber") return toHex(head);
    const at = BLOCK_PARAMETER[method];
    const block = at === undefined ? undefined : (params[at] ?? "latest");
    if (at === undefined || typeof block !== "string") {
      const answer = await ask(call);
      const mined = method === "eth_getTransactionReceipt" && (answer as { blockNumber: string } | null)?.blockNumber;
      return mined && BigInt(mined) > head ? null : answer;
    }
    if (block === "latest") return ask({ ...call, params: params.with(at, toHex(head)) });
    if (!block.startsWith("0x") || BigInt(block) <= head) return ask(call);
    if (method === "eth_getBlockByNumber") return null;
    throw new NodeError("header not found");
  };
}

/** Which parameter names the block. */
const BLOCK_PARAMETER: Record<string, number> = {
  eth_getBlockByNumber: 0,
  eth_call: 1,
  eth_getBalance: 1,
  eth_getCode: 1,
};

function toHex(number: bigint): string {
  return `0x${number.toString(16)}`;
}
