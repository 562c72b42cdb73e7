import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { createInterface } from "node:readline";

/** Two ends of a serial line. */
export interface SerialLine {
  /** Ours. */
  readonly path: string;
  /** The device's. */
  readonly far: string;
  /** Pulls the plug. */
  unplug(): Promise<void>;
  /** Puts it back in, under the same names. */
  plugIn(): Promise<void>;
  remove(): Promise<void>;
}

/** A line between two pseudo-terminals, made by socat. */
export async function serialLine(): Promise<SerialLine> {
  const folder = mkdtempSync(join(tmpdir(), "ioe-line-"));
  const [path, far] = [join(folder, "near"), join(folder, "far")];
  let socat: ChildProcess | undefined;
  const plugIn = async () => {
    const end = (link: string) => `pty,raw,echo=0,link=${link}`;
    socat = spawn("socat", ["-d", "-d", end(path), end(far)], { stdio: ["ignore", "ignore", "pipe"] });
    for await (const line of createInterface(socat.stderr!)) if (line.includes("starting data transfer")) break;
  };
  const unplug = async () => {
    const ended = socat && once(socat, "exit");
    socat?.kill();
    await ended;
    socat = undefined;
  };
  await plugIn();
  return {
    path,
    far,
    plugIn,
    unplug,
    remove: async () => {
      await unplug();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Values from an address on, by table. */
export interface Tables {
  input?: Record<number, number[]>;
  holding?: Record<number, number[]>;
  coils?: Record<number, number[]>;
}

export interface Device {
  stop(): Promise<void>;
}

/** A Modbus device of somebody else's making: pymodbus, on a wire or a TCP port. */
export async function pymodbus(
  place: { serial: string; baudRate: number } | { tcp: number },
  units: Record<number, Tables>,
): Promise<Device> {
  const script = resolve(import.meta.dirname, "pymodbus-server.py");
  // Debian's own Python: another one on the path does not see Debian's packages.
  const python = spawn("/usr/bin/python3", [script], { stdio: ["pipe", "pipe", "inherit"] });
  python.stdin.write(`${JSON.stringify({ ...place, units })}\n`);
  const ended = once(python, "exit");
  const ready = once(python.stdout, "data");
  await Promise.race([ready, ended.then(() => Promise.reject(new Error("pymodbus ended at its start")))]);
  return {
    stop: async () => {
      python.stdin.end();
      python.kill();
      await ended;
    },
  };
}

/** Registers from hexadecimal bytes. */
export function words(hex: string): number[] {
  const bytes = Buffer.from(hex.replaceAll(" ", ""), "hex");
  return Array.from({ length: bytes.length / 2 }, (_, i) => bytes.readUInt16BE(2 * i));
}
