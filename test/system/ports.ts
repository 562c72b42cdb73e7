import { readFileSync } from "node:fs";
import { createServer, type Server } from "node:net";

/** Ports of one block; the first is its guard. */
const BLOCK = 64;
const LOWEST = 10_240;
/** Where most systems begin with the ports of outgoing connections, when this one does not say. */
const EPHEMERAL_FROM = 32_768;
const ATTEMPTS = 200;

/** The block this process hands ports out of, and the next one of it that is free. */
let block: { next: number; end: number } | undefined;

/**
 * First of `count` neighbouring ports for this process alone. Between asking and listening lie seconds, in which other
 * tests look for ports as well: a process therefore owns whole blocks, by listening on each one's first port as long as it
 * lives, and hands no port out twice. Blocks lie below the ports that outgoing connections get.
 * @param count at most 63
 */
export async function freePorts(count: number): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    if (!block || block.next + count > block.end) block = await claimBlock();
    const first = block.next;
    block.next += count;
    const free = await Promise.all(Array.from({ length: count }, (_, i) => isFree(first + i)));
    if (free.every(Boolean)) return first;
    block = undefined;
  }
  throw new Error("no free ports");
}

async function claimBlock(): Promise<{ next: number; end: number }> {
  const blocks = Math.floor((ephemeralFrom() - LOWEST) / BLOCK);
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const guard = LOWEST + Math.floor(Math.random() * blocks) * BLOCK;
    const server = await listen(guard);
    if (!server) continue;
    server.unref();
    return { next: guard + 1, end: guard + BLOCK };
  }
  throw new Error(`no free block of ${BLOCK} ports from ${LOWEST} on`);
}

function ephemeralFrom(): number {
  try {
    return Number(readFileSync("/proc/sys/net/ipv4/ip_local_port_range", "utf8").split("\t")[0]);
  } catch {
    return EPHEMERAL_FROM; // not a Linux
  }
}

async function isFree(port: number): Promise<boolean> {
  const server = await listen(port);
  await new Promise<void>((done) => (server ? server.close(() => done()) : done()));
  return server !== undefined;
}

/** Nothing when somebody else listens there. */
function listen(port: number): Promise<Server | undefined> {
  return new Promise((done) => {
    const server = createServer();
    server.once("error", () => done(undefined));
    server.listen(port, "127.0.0.1", () => done(server));
  });
}
