import { constants as files } from "node:fs";
import { createRequire } from "node:module";
import { constants } from "node:os";

/** The kernel refused a call; `code` is its name for the reason ("EBUSY"). */
export class SystemError extends Error {
  override readonly name = "SystemError";
  readonly code: string;
  constructor(call: string, code: string) {
    super(`${call}: ${code}`);
    this.code = code;
  }
}

type Call = (fd: number, request: number, argument: unknown) => number;
type Koffi = typeof import("koffi");

interface Libc {
  koffi: Koffi;
  ioctl: Call;
  ioctlValue: Call;
  fcntl: Call;
}

const codes = new Map(Object.entries(constants.errno).map(([code, number]) => [number, code]));
let loaded: Libc | undefined;

/** Loaded with the first use: most oracles talk to their devices over a network and need none of it. */
export function libc(): Libc {
  if (loaded) return loaded;
  const koffi = createRequire(import.meta.url)("koffi") as Koffi;
  const library = koffi.load("libc.so.6");
  const call = (prototype: string) => library.func(prototype) as unknown as Call;
  loaded = {
    koffi,
    ioctl: call("int ioctl(int fd, unsigned long request, void *argument)"),
    ioctlValue: call("int ioctl(int fd, unsigned long request, long argument)"),
    fcntl: call("int fcntl(int fd, int command, long argument)"),
  };
  return loaded;
}

/** Throws what the last call left in errno when its result says that it failed. */
export function checked(call: string, result: number): number {
  if (result >= 0) return result;
  const errno = libc().koffi.errno();
  throw new SystemError(call, codes.get(errno) ?? `errno ${errno}`);
}

/**
 * ioctl(2) with a pointer to a structure, which the kernel may write to.
 * @throws SystemError
 */
export function ioctl(call: string, fd: number, request: number, structure: Buffer): void {
  checked(call, libc().ioctl(fd, request, structure));
}

/** ioctl(2) with a number. @throws SystemError */
export function ioctlValue(call: string, fd: number, request: number, value: number): void {
  checked(call, libc().ioctlValue(fd, request, value));
}

const F_GETFL = 3;
const F_SETFL = 4;

/** From now on reading what is not there yet fails with EAGAIN instead of waiting. @throws SystemError */
export function setNonBlocking(fd: number): void {
  const { fcntl } = libc();
  const flags = checked("fcntl F_GETFL", fcntl(fd, F_GETFL, 0));
  checked("fcntl F_SETFL", fcntl(fd, F_SETFL, flags | files.O_NONBLOCK));
}

/** Request number of an ioctl that reads from, or writes to, a structure (linux/ioctl.h). */
export function requestNumber(direction: "read" | "write" | "both", type: number, number: number, size: number) {
  const bits = { write: 1, read: 2, both: 3 }[direction];
  return ((bits << 30) | (size << 16) | (type << 8) | number) >>> 0;
}
