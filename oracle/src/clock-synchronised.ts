import { createRequire } from "node:module";

// <sys/timex.h>: struct timex of 64-bit Linux has 208 bytes; `status` follows modes and four longs.
const TIMEX_BYTES = 208;
const STATUS_OFFSET = 40;
const STA_UNSYNC = 0x40;

let adjtimex: (timex: Buffer) => number = (timex) => {
  const koffi = createRequire(import.meta.url)("koffi") as typeof import("koffi");
  adjtimex = koffi.load("libc.so.6").func("int adjtimex(_Inout_ uint8_t *timex)") as typeof adjtimex;
  return adjtimex(timex);
};

/**
 * Whether the kernel counts its clock as synchronised: adjtimex(2) with nothing to adjust. A service like timesyncd or chrony
 * keeps it so; the kernel takes it back when the clock is set by hand, or was not compared for some hours.
 * @returns nothing where the kernel cannot be asked.
 */
export function clockSynchronised(): boolean | undefined {
  if (process.platform !== "linux") return undefined;
  const timex = Buffer.alloc(TIMEX_BYTES);
  if (adjtimex(timex) < 0) return undefined;
  return (timex.readInt32LE(STATUS_OFFSET) & STA_UNSYNC) === 0;
}
