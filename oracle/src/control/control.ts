import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import { type Server, type Socket, connect, createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { reasonOf } from "../log.ts";

/*
 * The oracle's local door: a Unix socket beside the journal. It shows that an oracle runs (a second one would switch the
 * same relays) and takes the one order that must work when nothing else does. One request per connection: a line with its
 * name; the answer is one line of JSON. Whoever may write to the journal's folder may connect.
 */

/** `relays-off`: open all relays and keep them open until the next start. `ping`: is anybody there? */
export type ControlRequest = "ping" | "relays-off";

export interface ControlAnswer {
  pid: number;
  /** Names of all relays. */
  relays: string[];
  /** Every relay has confirmed that it is open; nothing is said about it after a ping. */
  opened?: boolean;
}

/** Another oracle holds the journal and its relays. */
export class AlreadyRunning extends Error {
  override readonly name = "AlreadyRunning";
}

/** Longest path of a Unix socket, bytes: `sun_path` in unix(7) without its final zero. */
const MAX_PATH = 107;
const MAX_REQUEST = 100;
const PING_MS = 1_000;

/** Where the oracle with this journal listens. */
export function socketPath(journal: string): string {
  const path = `${journal}.sock`;
  if (Buffer.byteLength(path) <= MAX_PATH) return path;
  const digest = createHash("sha256").update(path).digest("hex").slice(0, 32);
  return join(tmpdir(), `ioe-${digest}.sock`);
}

/** The door of a running oracle. */
export class ControlServer {
  readonly #path: string;
  readonly #relays: readonly string[];
  readonly #openAll: () => Promise<boolean>;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  /** @param openAll opens all relays, keeps them open, and tells whether all have. */
  constructor(path: string, relays: readonly string[], openAll: () => Promise<boolean>) {
    this.#path = path;
    this.#relays = relays;
    this.#openAll = openAll;
    this.#server = createServer((socket) => this.#serve(socket));
  }

  /** @throws AlreadyRunning; the system's error when the socket cannot be made. */
  async start(): Promise<void> {
    let other: string | undefined;
    try {
      const answer = await askOracle(this.#path, "ping", PING_MS);
      other = answer && `process ${answer.pid}`;
    } catch (error) {
      other = `${this.#path}: ${reasonOf(error)}`;
    }
    if (other !== undefined) {
      throw new AlreadyRunning(
        `an oracle with this journal runs already (${other}); stop it first, or give this one its own journal`,
      );
    }
    // Left behind by a process that was killed: nobody answers there.
    rmSync(this.#path, { force: true });
    await new Promise<void>((resolve, reject) => {
      this.#server.once("error", ({ code = "?" }: NodeJS.ErrnoException) => {
        reject(
          new Error(`no socket can be made at ${this.#path} (${code}); is the journal's folder there and writable?`),
        );
      });
      this.#server.listen(this.#path, resolve);
    });
  }

  async stop(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy();
    if (!this.#server.listening) return;
    await new Promise<void>((resolve) => this.#server.close(() => resolve()));
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket);
    let request = "";
    socket
      .setEncoding("utf8")
      .on("close", () => this.#sockets.delete(socket))
      .on("error", () => socket.destroy())
      .on("data", (text: string) => {
        request += text;
        if (request.length > MAX_REQUEST) socket.destroy();
        else if (request.endsWith("\n")) void this.#answer(request.trim()).then((answer) => socket.end(`${answer}\n`));
      });
  }

  async #answer(request: string): Promise<string> {
    const answer: ControlAnswer = { pid: process.pid, relays: [...this.#relays] };
    if (request === "relays-off") answer.opened = await this.#openAll();
    else if (request !== "ping") return JSON.stringify({ error: "try ping or relays-off" });
    return JSON.stringify(answer);
  }
}

/**
 * Asks the oracle behind a socket.
 * @returns nothing when no oracle runs there.
 * @throws when there is one that does not answer in time, or does not let us in.
 */
export function askOracle(
  path: string,
  request: ControlRequest,
  timeoutMs: number,
): Promise<ControlAnswer | undefined> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    let answer = "";
    const timer = setTimeout(() => {
      socket.destroy();
      reject(new Error(`no answer within ${timeoutMs} ms`));
    }, timeoutMs);
    socket
      .setEncoding("utf8")
      .on("connect", () => socket.write(`${request}\n`))
      .on("data", (text: string) => (answer += text))
      .on("error", (error: NodeJS.ErrnoException) => {
        clearTimeout(timer);
        if (error.code === "ENOENT" || error.code === "ECONNREFUSED") resolve(undefined);
        else reject(error.code === "EACCES" ? new Error(`may not be asked by this user (${path})`) : error);
      })
      .on("end", () => {
        clearTimeout(timer);
        try {
          resolve(JSON.parse(answer) as ControlAnswer);
        } catch {
          reject(new Error("its answer cannot be understood"));
        }
      });
  });
}
