import { expect } from "chai";
import { type ChildProcess, spawn, spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { setTimeout as pause } from "node:timers/promises";
import { ROOT, epollAddon } from "./machine/parts.ts";
import { needs, notRun, provided } from "./needs.ts";

const PIN = 17;
const RELAYS = {
  low: { driver: "rpi-gpio", pin: PIN, activeLow: true },
  high: { driver: "rpi-gpio", pin: 27, activeLow: false },
};
const LONG_LEASE_MS = 600_000;
/** A busy computer starts the driver and its guard slowly. */
const PATIENCE_MS = 60_000;

/** The driver and the real package rpi-gpio in a world of their own with a sysfs made by a FUSE file system. */
class Bench {
  readonly #child: ChildProcess;
  readonly #folder: string;
  readonly #lines: string[] = [];
  #lastId = 0;

  static async start(addon: string, base: number): Promise<Bench> {
    const folder = mkdtempSync(join(tmpdir(), "ioe-sysfs-"));
    // rpi-gpio asks the processor's description which header the board has.
    writeFileSync(join(folder, "cpuinfo"), "Revision\t: a02082\n");
    writeFileSync(join(folder, "log"), "");
    const script = `
      set -e
      mount -t tmpfs tmpfs /sys/class && mkdir /sys/class/gpio
      mount --bind ${folder}/cpuinfo /proc/cpuinfo
      mount --bind ${addon} ${ROOT}/node_modules/epoll
      /usr/bin/python3 ${ROOT}/test/hardware/fake-sysfs.py /sys/class/gpio ${base} ${folder}/log & fuse=$!
      until [ -e /sys/class/gpio/export ]; do sleep 0.05; done
      ${process.execPath} ${ROOT}/test/hardware/machine/guest/rpi-gpio.ts bench '${JSON.stringify(RELAYS)}' <&0 & echo "pid $!"
      wait $! || true
      # The guard still has something to write.
      sleep 2
      kill $fuse`;
    const child = spawn("unshare", ["-m", "bash", "-c", script], {
      stdio: ["pipe", "pipe", "pipe"],
    });
    const bench = new Bench(child, folder);
    await bench.#line(/^<bench:ready>/);
    return bench;
  }

  private constructor(child: ChildProcess, folder: string) {
    this.#child = child;
    this.#folder = folder;
    for (const input of [child.stdout!, child.stderr!]) {
      createInterface({ input }).on("line", (line) => this.#lines.push(line));
    }
  }

  /** What was written to the sysfs so far. */
  get log(): string[] {
    return readFileSync(join(this.#folder, "log"), "utf8").split("\n").filter(Boolean);
  }

  /** Waits until this is the last that was written. */
  async lastWrite(line: string): Promise<void> {
    await this.#until(
      () => this.log.at(-1) === line || undefined,
      () => `"${line}" is not the last of:\n${this.log.join("\n")}`,
    );
  }

  async ask(command: string): Promise<unknown> {
    const id = ++this.#lastId;
    this.#child.stdin!.write(`${id} ${command}\n`);
    const answer = await this.#line(new RegExp(`^<bench:${id}:(.*)>$`));
    const { value, error } = JSON.parse(answer[1]!) as { value?: unknown; error?: string };
    if (error !== undefined) throw new Error(error);
    return value;
  }

  async kill(): Promise<void> {
    const [, pid] = await this.#line(/^pid (\d+)$/);
    process.kill(Number(pid), "SIGKILL");
  }

  async stop(): Promise<void> {
    const ended = new Promise((done) => this.#child.once("close", done));
    this.#child.stdin!.end();
    if (this.#child.exitCode === null) {
      await this.kill().catch(() => undefined);
      await ended;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }

  async #line(pattern: RegExp): Promise<RegExpExecArray> {
    return this.#until(
      () => this.#lines.map((line) => pattern.exec(line)).find((match) => match !== null),
      () => `nothing like ${pattern} in:\n${this.#lines.join("\n")}`,
    );
  }

  async #until<T>(question: () => T | undefined, complaint: () => string): Promise<T> {
    for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; await pause(10)) {
      const answer = question();
      if (answer !== undefined) return answer;
    }
    throw new Error(complaint());
  }
}

describe("relay driver rpi-gpio on a sysfs in user space", function () {
  needs("fuse3", "python3-fusepy");
  this.timeout(240_000);
  let addon: string;
  let bench: Bench | undefined;

  before(async function () {
    this.timeout(600_000);
    if (process.getuid?.() !== 0 || spawnSync("unshare", ["-m", "mount", "-t", "tmpfs", "none", "/mnt"]).status !== 0) {
      notRun(this, "mounting a file system in user space needs root and mount namespaces");
    }
    if (!existsSync("/dev/fuse")) notRun(this, "this kernel has no FUSE");
    for (const tool of ["python3", "make", "g++"]) {
      if (spawnSync(tool, ["--version"]).status !== 0) notRun(this, `the native addon epoll needs ${tool} to be built`);
    }
    addon = await provided(this, epollAddon);
  });

  afterEach(async () => {
    await bench?.stop();
    bench = undefined;
  });

  it("exports pins at the level that leaves the contact open, closes, opens and gives them back", async () => {
    bench = await Bench.start(addon, 0);
    await bench.ask("open low");
    await bench.ask("open high");
    const writes = bench.log;
    expect(writes.filter((line) => line.includes("direction"))).to.deep.equal([
      "gpio17/direction high",
      "gpio27/direction low",
    ]);
    await bench.ask(`close low ${LONG_LEASE_MS}`);
    await bench.ask(`close high ${LONG_LEASE_MS}`);
    expect(await bench.ask("state low")).to.equal("closed");
    expect(bench.log).to.include("gpio17/value 0");
    expect(bench.log.at(-1)).to.equal("gpio27/value 1");
    await bench.ask("open low");
    expect(bench.log.at(-1)).to.equal("gpio17/value 1");
    await bench.ask("dispose low");
    await bench.ask("dispose high");
    expect(bench.log.filter((line) => line.startsWith("unexport"))).to.have.members(["unexport 17", "unexport 27"]);
    expect(bench.log).to.include("gpio27/value 0");
  });

  it("opens when the lease is not renewed", async () => {
    bench = await Bench.start(addon, 0);
    await bench.ask("close low 5000");
    expect(bench.log).to.include("gpio17/value 0");
    await bench.lastWrite("gpio17/value 1");
    expect(await bench.ask("state low")).to.equal("open");
  });

  it("opens through the guard when the oracle is killed", async () => {
    bench = await Bench.start(addon, 0);
    await bench.ask(`close low ${LONG_LEASE_MS}`);
    expect(bench.log.at(-1)).to.equal("gpio17/value 0");
    await bench.kill();
    await bench.lastWrite("gpio17/value 1");
  });

  it("refuses a kernel that numbers its pins from 512, and names the driver that works there", async () => {
    bench = await Bench.start(addon, 512);
    const message = await bench.ask("open low").then(
      () => "",
      (error: Error) => error.message,
    );
    expect(message)
      .to.include("pinctrl-bcm2835 from 512")
      .and.include('use "driver: gpio" with "line: GPIO17" instead');
    expect(bench.log).to.deep.equal([]);
  });
});
