import { execFile } from "node:child_process";
import { close as closeFd, constants, open as openFd, readdirSync, writeSync } from "node:fs";
import { isatty, ReadStream } from "node:tty";
import { promisify } from "node:util";

/** How both sides of a serial line talk; 8 data bits. */
export interface SerialSettings {
  readonly path: string;
  readonly baudRate: number;
  readonly parity: "none" | "even" | "odd";
  readonly stopBits: 1 | 2;
}

/** A port that cannot be used; `message` names it and says what to do. */
export class SerialError extends Error {
  override readonly name = "SerialError";
}

/** An open serial port, ours alone. What arrives before the first listener is thrown away. */
export interface SerialPort {
  onData(listener: (bytes: Buffer) => void): void;
  /** @throws SerialError when the bytes cannot be handed to the kernel. */
  write(bytes: Uint8Array): void;
  /** Rejects with a SerialError when the port goes away: the adapter was unplugged. */
  readonly closed: Promise<never>;
  close(): void;
}

const BY_ID = "/dev/serial/by-id";
/** <sys/file.h>: exclusive, without waiting. */
const LOCK_EX_NB = 2 | 4;
/** <asm-generic/ioctls.h>: nobody but root can open the terminal any more. */
const TIOCEXCL = 0x540c;

/**
 * Opens a port without native add-on: the kernel's terminal, read by Node's event loop, set up by stty(1), which every
 * Linux has and which knows the kernel's termios better than a struct copied from a header.
 * @throws SerialError
 */
export async function openSerial(settings: SerialSettings): Promise<SerialPort> {
  const { path } = settings;
  // Non-blocking: without a modem an open would wait for a carrier.
  const flags = constants.O_RDWR | constants.O_NOCTTY | constants.O_NONBLOCK;
  const fd = await promisify(openFd)(path, flags).catch((error: unknown) => {
    throw new SerialError(whyNot(path, error as NodeJS.ErrnoException), { cause: error });
  });
  if (!isatty(fd)) {
    closeFd(fd, () => undefined);
    throw new SerialError(`${path} is not a serial port; ${choices()}`);
  }
  const stream = new ReadStream(fd);
  // libuv opens a terminal once more to read it, so that our own number stays with us: for writing, and to be closed.
  const reopened = (stream as unknown as { _handle?: { fd: number } })._handle?.fd !== fd;
  stream.on("error", () => undefined); // reported through `closed`
  if (reopened) stream.once("close", () => closeFd(fd, () => undefined));
  try {
    await lock(fd, path);
    await configure(settings);
    await exclude(fd);
    return portOf(stream, fd, path);
  } catch (error) {
    stream.destroy();
    throw error;
  }
}

/** Serial ports of this computer, the names that survive unplugging first. */
export function serialPorts(): string[] {
  const list = (folder: string) => {
    try {
      return readdirSync(folder).sort();
    } catch {
      return []; // the folder exists only while an adapter is plugged in
    }
  };
  const byId = list(BY_ID).map((name) => `${BY_ID}/${name}`);
  const plain = list("/dev").filter((name) => /^(ttyUSB|ttyACM|ttyAMA|ttySC|serial)\d+$/.test(name));
  return [...byId, ...plain.map((name) => `/dev/${name}`)];
}

function portOf(stream: ReadStream, fd: number, path: string): SerialPort {
  const gone = (why: string, cause?: Error) =>
    new SerialError(`${path} has gone (${why}); is the adapter still plugged in?`, { cause });
  const closed = new Promise<never>((_, reject) => {
    stream.on("error", (error) => reject(gone((error as NodeJS.ErrnoException).code ?? error.message, error)));
    stream.on("end", () => reject(gone("hung up")));
    stream.on("close", () => reject(gone("closed")));
  });
  closed.catch(() => stream.destroy());
  return {
    closed,
    onData: (listener) => void stream.on("data", listener),
    write: (bytes) => {
      if (stream.destroyed) throw new SerialError(`${path} is closed`);
      let written: number;
      try {
        written = writeSync(fd, bytes);
      } catch (error) {
        throw new SerialError(`${path} takes no bytes (${(error as NodeJS.ErrnoException).code})`, { cause: error });
      }
      if (written < bytes.length) throw new SerialError(`${path} took only ${written} of ${bytes.length} bytes`);
    },
    close: () => void stream.destroy(),
  };
}

/** Raw bytes, no handshake, no modem lines. */
async function configure({ path, baudRate, parity, stopBits }: SerialSettings): Promise<void> {
  const parityBits = parity === "none" ? ["-parenb"] : ["parenb", parity === "odd" ? "parodd" : "-parodd"];
  const args = ["-F", path, String(baudRate), "raw", "-echo", "cs8", ...parityBits];
  args.push(stopBits === 2 ? "cstopb" : "-cstopb", "clocal", "cread", "-crtscts", "-hupcl", "-ixon", "-ixoff");
  try {
    await promisify(execFile)("stty", args, { timeout: 5_000, env: { ...process.env, LC_ALL: "C" } });
  } catch (error) {
    const { stderr, code } = error as { stderr?: string; code?: string };
    const why = code === "ENOENT" ? "the command stty is missing" : (stderr ?? "").trim() || String(code);
    const wanted = `${baudRate} baud, parity ${parity}, ${stopBits} stop bit${stopBits === 1 ? "" : "s"}`;
    throw new SerialError(
      `${path} cannot be set to ${wanted} (${why}); choose what the adapter and the device can do`,
      {
        cause: error,
      },
    );
  }
}

/** Keeps out every program that asks first, ourselves included: two on one wire destroy each other's frames. */
async function lock(fd: number, path: string): Promise<void> {
  const { flock } = await libc();
  if (flock(fd, LOCK_EX_NB) === 0) return;
  throw new SerialError(`${path} is in use by another program; end it (to find it: fuser -v ${path})`);
}

/** Keeps out the others as well. A kernel that does not know how leaves it at the lock. */
async function exclude(fd: number): Promise<void> {
  (await libc()).ioctl(fd, TIOCEXCL);
}

type Call = (...args: number[]) => number;
let calls: { flock: Call; ioctl: Call } | undefined;

/** Loaded with the first port only: who has no serial port needs no libc. */
async function libc(): Promise<{ flock: Call; ioctl: Call }> {
  if (!calls) {
    const { default: koffi } = await import("koffi");
    const library = koffi.load("libc.so.6");
    calls = {
      flock: library.func("int flock(int, int)") as Call,
      ioctl: library.func("int ioctl(int, unsigned long)") as Call,
    };
  }
  return calls;
}

function whyNot(path: string, { code, message }: NodeJS.ErrnoException): string {
  switch (code ?? "") {
    case "ENOENT":
    case "ENXIO":
    case "ENODEV":
      return `there is no ${path}; ${choices()}`;
    case "EACCES":
    case "EPERM":
      return `${path} may not be opened by this user; run: sudo usermod -aG dialout "$USER", then log in again`;
    case "EBUSY":
      return `${path} is in use by another program; end it (to find it: fuser -v ${path})`;
    case "EISDIR":
      return `${path} is a folder; ${choices()}`;
    default:
      return `${path} cannot be opened (${code ?? message})`;
  }
}

function choices(): string {
  const ports = serialPorts();
  if (ports.length === 0) return "no serial port is to be seen; plug the adapter in, or switch the UART on";
  return `choose one of ${ports.join(", ")} (names in ${BY_ID} survive unplugging)`;
}
