import { type ChildProcess, spawn } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { type Socket, createConnection } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { type Arch, debianKernel } from "./parts.ts";
import { GUEST, writeInitrd } from "./initrd.ts";

const BOOT_TIMEOUT_MS = 300_000;
const COMMAND_TIMEOUT_MS = 120_000;
/** Devices begin at a page of their own. */
const PAGE = 0x1000;

export interface MachineOptions {
  arch: Arch;
  /** Arguments of QEMU that choose the machine. */
  machine: readonly string[];
  /** Device the kernel talks to us through. */
  console: string;
  modules?: readonly string[];
}

/** Guest program that obeys commands on its standard input, see guest/. */
export interface Guest {
  /** Sends a command; resolves with the value it answers. @throws with the guest's error */
  ask(command: string): Promise<unknown>;
  /** Sends a command without waiting. */
  tell(command: string): void;
  readonly pid: number;
}

/** A computer emulated by QEMU that runs Debian's unmodified kernel and our sources. */
export class Machine {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #serial: Wire;
  readonly #monitor: Wire;
  #lastId = 0;

  static async boot({ arch, machine, console, modules = [] }: MachineOptions): Promise<Machine> {
    const folder = mkdtempSync(join(tmpdir(), "ioe-machine-"));
    const { folder: kernel, version } = debianKernel(arch);
    writeInitrd(join(folder, "initrd"), arch, modules);
    const child = spawn(
      arch === "arm64" ? "qemu-system-aarch64" : "qemu-system-x86_64",
      [
        ...machine.map((argument) => argument.replace("KERNEL", kernel).replace("VERSION", version)),
        ...["-kernel", join(kernel, "boot", `vmlinuz-${version}`), "-initrd", join(folder, "initrd")],
        ...["-append", `console=${console} rdinit=/init panic=-1 quiet loglevel=3`],
        ...["-display", "none", "-no-reboot", "-D", join(folder, "trace")],
        ...["-serial", `unix:${folder}/serial,server,nowait`, "-monitor", `unix:${folder}/monitor,server,nowait`],
      ],
      { stdio: ["ignore", "inherit", "inherit"] },
    );
    const ended = new Promise<never>((_, reject) => {
      child.once("error", reject);
      child.once("exit", (code) => reject(new Error(`QEMU ended with code ${code}`)));
    });
    ended.catch(() => undefined);
    try {
      const wires = Promise.all([Wire.connect(`${folder}/serial`), Wire.connect(`${folder}/monitor`)]);
      const [serial, monitor] = await Promise.race([wires, ended]);
      const booted = new Machine(child, folder, serial, monitor);
      // What is sent earlier gets stuck in the serial port, which has no driver yet.
      await Promise.race([serial.until(/<booted>/, BOOT_TIMEOUT_MS), ended]);
      return booted;
    } catch (error) {
      child.kill("SIGKILL");
      throw error;
    }
  }

  private constructor(child: ChildProcess, folder: string, serial: Wire, monitor: Wire) {
    this.#child = child;
    this.#folder = folder;
    this.#serial = serial;
    this.#monitor = monitor;
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = new Promise((done) => this.#child.once("exit", done));
      this.#child.kill("SIGKILL");
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Runs a shell command and returns what it prints; a program in the background must not print. @throws when it fails */
  async shell(command: string, timeoutMs = COMMAND_TIMEOUT_MS): Promise<string> {
    const mark = `end${++this.#lastId}`;
    const from = this.#serial.mark();
    this.#serial.write(`${command}\necho "<${mark}:$?>"\n`);
    const { text, match } = await this.#serial.until(new RegExp(`<${mark}:(\\d+)>`), timeoutMs, from);
    if (match[1] !== "0") throw new Error(`${command}\nfailed in the machine:\n${text}`);
    return text.trim();
  }

  /** Starts a program of guest/ with our sources. */
  async guest(script: string, argument: string): Promise<Guest> {
    const name = `guest${++this.#lastId}`;
    const pipe = `/run/${name}`;
    // The shell keeps the pipe's other end open as its descriptor 9, one guest at a time.
    const started = await this.shell(
      // In a shell of its own: the machine's shell would report the program's death on the serial line, at which QEMU can hang.
      `mkfifo ${pipe}; (node /${GUEST}/${script} ${name} '${argument}' <>${pipe} & echo pid $!); exec 9>${pipe}`,
    );
    const pid = Number(/pid (\d+)/.exec(started)?.[1]);
    await this.#serial.until(new RegExp(`<${name}:ready>`), BOOT_TIMEOUT_MS);
    const tell = (command: string) => this.#serial.write(`echo '0 ${command}' >${pipe}\n`);
    const ask = async (command: string): Promise<unknown> => {
      const id = ++this.#lastId;
      const from = this.#serial.mark();
      this.#serial.write(`echo '${id} ${command}' >${pipe}\n`);
      const answer = new RegExp(`<${name}:${id}:(.*)>\\r?\\n`);
      const { match } = await this.#serial.until(answer, COMMAND_TIMEOUT_MS, from);
      const result = JSON.parse(match[1]!) as { value?: unknown; error?: string };
      if (result.error !== undefined) throw new Error(result.error);
      return result.value;
    };
    return { ask, tell, pid };
  }

  /** A command of QEMU's monitor. */
  async monitor(command: string): Promise<string> {
    const from = this.#monitor.mark();
    this.#monitor.write(`${command}\n`);
    // The monitor repeats the command with control codes, prints the answer, then its prompt.
    const { text } = await this.#monitor.until(/\r?\n\(qemu\) /, COMMAND_TIMEOUT_MS, from);
    return text.slice(text.indexOf("\n") + 1);
  }

  /** 32-bit words of the machine's physical memory, device registers included. */
  async words(address: number, count = 1): Promise<number[]> {
    const text = await this.monitor(`xp /${count}wx 0x${address.toString(16)}`);
    return [...text.matchAll(/0x([0-9a-f]{8})\b/g)].map(([, word]) => Number.parseInt(word!, 16));
  }

  /** What was written to the device registers at `base` while `act` ran: offset and value, in order. */
  async deviceWrites(base: number, act: () => Promise<unknown>): Promise<{ offset: number; value: number }[]> {
    const trace = () => readFileSync(join(this.#folder, "trace"), "utf8");
    const before = trace().length;
    await this.monitor("trace-event memory_region_ops_write on");
    try {
      await act();
    } finally {
      await this.monitor("trace-event memory_region_ops_write off");
    }
    const writes = [
      ...trace()
        .slice(before)
        .matchAll(/addr 0x([0-9a-f]+) value 0x([0-9a-f]+) size/g),
    ];
    return writes
      .map(([, address, value]) => ({
        offset: Number.parseInt(address!, 16) - base,
        value: Number.parseInt(value!, 16),
      }))
      .filter(({ offset }) => offset >= 0 && offset < PAGE);
  }
}

/** Text that arrives over a socket. */
class Wire {
  readonly #socket: Socket;
  readonly #waiting = new Set<() => void>();
  text = "";

  static async connect(path: string): Promise<Wire> {
    for (;;) {
      const socket = createConnection(path);
      const connected = await new Promise<boolean>((done) => {
        socket.once("connect", () => done(true)).once("error", () => done(false));
      });
      if (connected) return new Wire(socket);
      await pause(100);
    }
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.setEncoding("utf8");
    socket.on("error", () => undefined);
    socket.on("data", (chunk: string) => {
      this.text += chunk;
      for (const look of [...this.#waiting]) look();
    });
  }

  mark(): number {
    return this.text.length;
  }

  write(text: string): void {
    this.#socket.write(text);
  }

  until(pattern: RegExp, timeoutMs: number, from = 0): Promise<{ text: string; match: RegExpExecArray }> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const match = pattern.exec(this.text.slice(from));
        if (!match) return;
        clearTimeout(timer);
        this.#waiting.delete(look);
        resolve({ text: this.text.slice(from, from + match.index), match });
      };
      const timer = setTimeout(() => {
        this.#waiting.delete(look);
        reject(new Error(`Nothing like ${pattern} within ${timeoutMs} ms:\n${this.text.slice(from)}`));
      }, timeoutMs);
      this.#waiting.add(look);
      look();
    });
  }
}
