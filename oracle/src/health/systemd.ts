import { createRequire } from "node:module";

/** What systemd is told (sd_notify(3)); nothing happens when nobody listens. */
export interface Supervisor {
  /** The service does its work; the watchdog runs from here on. @param slowestCycleMs longest pause between two `alive`. */
  ready(status: string, slowestCycleMs: number): void;
  /** A control cycle is complete. */
  alive(status: string): void;
  /** Something a person reads in `systemctl status`. */
  status(text: string): void;
  stopping(): void;
}

type Send = (message: string) => void;

/** Messages to systemd are sent this often at most, ms: cycles are faster than anybody reads. */
const INTERVAL_MS = 1_000;
/** The watchdog allows so many of the slowest cycles. */
const WATCHDOG_CYCLES = 3;

/**
 * The supervisor of this process, from what systemd puts into the environment.
 * @throws when systemd expects messages and the socket cannot be had: without them it would restart the service for ever.
 */
export function supervisor(environment: NodeJS.ProcessEnv = process.env): Supervisor {
  const path = environment.NOTIFY_SOCKET;
  const send: Send = path ? datagramTo(path) : () => undefined;
  const watchdogUs = Number(environment.WATCHDOG_USEC ?? 0);
  let sentAt = -Infinity;
  return {
    ready: (status, slowestCycleMs) => {
      const neededUs = WATCHDOG_CYCLES * slowestCycleMs * 1_000;
      const watchdog = watchdogUs > 0 && neededUs > watchdogUs ? `WATCHDOG_USEC=${neededUs}\n` : "";
      send(`READY=1\n${watchdog}STATUS=${status}`);
    },
    alive: (status) => {
      if (performance.now() - sentAt < INTERVAL_MS) return;
      sentAt = performance.now();
      send(`WATCHDOG=1\nSTATUS=${status}`);
    },
    status: (text) => send(`STATUS=${text}`),
    stopping: () => send("STOPPING=1\nSTATUS=opening relays"),
  };
}

// Linux, <sys/socket.h>
const AF_UNIX = 1;
const SOCK_DGRAM = 2;
const SOCK_CLOEXEC = 0o2000000;
const MSG_DONTWAIT = 0x40;
const MSG_NOSIGNAL = 0x4000;
/** Room for a path in sockaddr_un, bytes; see unix(7). */
const SUN_PATH = 108;

/** Node has no datagram sockets of the Unix family, so libc's are used. */
function datagramTo(path: string): Send {
  // An abstract address begins with a zero byte, which systemd writes as @.
  const name = Buffer.from(path.replace(/^@/, "\0"));
  if (name.length >= SUN_PATH) throw new Error(`NOTIFY_SOCKET ${path} is longer than ${SUN_PATH - 1} bytes`);
  const address = Buffer.alloc(2 + name.length + (path.startsWith("@") ? 0 : 1));
  address.writeUInt16LE(AF_UNIX);
  name.copy(address, 2);

  // Loaded only here: who runs without systemd does not carry it.
  const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
  const libc = koffi.load("libc.so.6");
  const socket = libc.func("int socket(int domain, int type, int protocol)") as (...args: number[]) => number;
  const sendto = libc.func(
    "intptr_t sendto(int fd, const void *data, size_t size, int flags, const void *address, uint32_t addressSize)",
  ) as (fd: number, data: Buffer, size: number, flags: number, address: Buffer, addressSize: number) => number;

  const fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
  if (fd < 0) throw new Error(`no socket for systemd's messages (errno ${koffi.errno()})`);
  return (message) => {
    const data = Buffer.from(message);
    // A full queue loses one message; the next cycle sends another one.
    sendto(fd, data, data.length, MSG_DONTWAIT | MSG_NOSIGNAL, address, address.length);
  };
}
