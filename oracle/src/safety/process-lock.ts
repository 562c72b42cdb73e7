import { createHash } from "node:crypto";
import { rmSync } from "node:fs";
import net from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Another process has what we need; `message` says which one. */
export class ProcessLockError extends Error {
  override readonly name = "ProcessLockError";
}

/** A key on a chain: one process counts its nonces. */
export function keyIdentity({ chainId }: { chainId: number }, { address }: { address: string }): string {
  return `key:${chainId}:${address.toLowerCase()}`;
}

/** Time the holder of a lock gets to tell its process id, ms. */
const ASK_MS = 500;

/**
 * One process per relay and per key. The lock is a socket that answers with the holder's process id; the kernel lets go of it when
 * the process ends, however it ends. On Linux its name is in the abstract namespace, where no file is left behind; it
 * holds for all users of one network namespace.
 */
export class ProcessLock {
  readonly #server: net.Server;

  private constructor(server: net.Server) {
    this.#server = server;
  }

  /**
   * @param what names it for people: "relay charge".
   * @param identity is the same for everybody who means the same thing.
   * @throws ProcessLockError with the process id of the holder.
   */
  static async acquire(what: string, identity: string): Promise<ProcessLock> {
    const path = socketPath(identity);
    // The second time after what a dead process has left behind was removed.
    for (let attempt = 1; ; attempt++) {
      const server = await listen(path);
      if (server) return new ProcessLock(server);
      const pid = await holder(path);
      if (pid === "nobody" && attempt === 1) {
        if (!path.startsWith("\0")) rmSync(path, { force: true });
        continue;
      }
      const who = typeof pid === "number" ? `process ${pid}` : "a process that does not answer";
      throw new ProcessLockError(
        `${what} is in use by ${who}; stop it first${typeof pid === "number" ? ` (kill ${pid})` : ""}`,
      );
    }
  }

  release(): Promise<void> {
    return new Promise((resolve) => this.#server.close(() => resolve()));
  }
}

function socketPath(identity: string): string {
  const name = `ioe-${createHash("sha256").update(identity).digest("hex").slice(0, 32)}`;
  return process.platform === "linux" ? `\0${name}` : join(tmpdir(), `${name}.sock`);
}

/** @returns nothing when somebody else has the name. */
function listen(path: string): Promise<net.Server | undefined> {
  return new Promise((resolve, reject) => {
    const server = net.createServer((socket) => {
      socket.on("error", () => undefined).end(`${process.pid}\n`);
    });
    server.unref();
    server.once("error", (error: NodeJS.ErrnoException) =>
      error.code === "EADDRINUSE" ? resolve(undefined) : reject(error),
    );
    server.listen({ path, exclusive: true }, () => resolve(server));
  });
}

async function holder(path: string): Promise<number | "nobody" | "unknown"> {
  return new Promise((resolve) => {
    let text = "";
    const socket = net.connect({ path });
    const timer = setTimeout(() => done("unknown"), ASK_MS);
    const done = (answer: number | "nobody" | "unknown") => {
      clearTimeout(timer);
      socket.destroy();
      resolve(answer);
    };
    socket.setEncoding("utf8");
    socket.on("data", (chunk: string) => (text += chunk));
    socket.on("end", () => done(/^\d+\n$/.test(text) ? Number(text) : "unknown"));
    socket.on("error", (error: NodeJS.ErrnoException) =>
      done(error.code === "ECONNREFUSED" || error.code === "ENOENT" ? "nobody" : "unknown"),
    );
  });
}
