import { type ChildProcess, execFile, spawn } from "node:child_process";
import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";
import { promisify } from "node:util";
import { Unavailable } from "./fetch.ts";

const ROOT = "/run/ioe-copy";
const PATIENCE_MS = 120_000;
const COMMAND_TIMEOUT_MS = 300_000;

/**
 * The whole file system under a layer that takes all changes, with nothing in it that starts by itself but systemd and its
 * journal. Lives in namespaces of its own: when its first process ends, nothing is left of it.
 */
const BOOT = `
set -e
mount -t tmpfs tmpfs /run
mkdir -p ${ROOT} /run/layer/up /run/layer/work
mount -t overlay overlay -o lowerdir=/,upperdir=/run/layer/up,workdir=/run/layer/work ${ROOT}
cd ${ROOT}
mount -t proc proc proc
mount -t sysfs sys sys
mount -t devtmpfs dev dev
mount -t tmpfs -o mode=755 run run
mount -t tmpfs tmp tmp
mount -t cgroup2 cgroup sys/fs/cgroup
# Or services do not see what is mounted for them.
mount --make-rshared .
units=etc/systemd/system
rm -rf $units/*.wants $units/*.requires
for unit in usr/lib/systemd/system/*.target.wants/*; do
  name=$(basename "$unit")
  case $name in systemd-journald*) ;; *) ln -sf /dev/null "$units/$name" ;; esac
done
ln -sf /usr/lib/systemd/system/basic.target $units/default.target
: >etc/fstab
exec chroot . env -i container=ioe PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \\
  /usr/lib/systemd/systemd --system --log-target=console --log-level=warning --show-status=no`;

export interface Result {
  code: number;
  output: string;
}

/** This system as it is, in a copy that a real systemd runs and that may be changed at will. Needs root. */
export class SystemCopy {
  readonly #child: ChildProcess;
  #words = "";

  /** @throws Unavailable when this kernel or container does not let us */
  static async boot(): Promise<SystemCopy> {
    const copy = new SystemCopy();
    for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; await pause(200)) {
      if (copy.#child.exitCode !== null) break;
      // Its first process is not there yet, or not any more.
      const state = await copy.run("systemctl is-system-running").catch(() => undefined);
      if (state && /^(running|degraded)$/m.test(state.output)) return copy;
    }
    await copy.stop();
    throw new Unavailable(`a systemd in namespaces of its own cannot be run here: ${copy.#words.trim()}`);
  }

  private constructor() {
    const namespaces = ["--mount", "--pid", "--cgroup", "--ipc", "--uts", "--propagation", "private"];
    this.#child = spawn("unshare", [...namespaces, "--fork", "--kill-child", "bash", "-c", BOOT], {
      stdio: ["ignore", "pipe", "pipe"],
    });
    for (const stream of [this.#child.stdout!, this.#child.stderr!]) {
      stream.on("data", (chunk: Buffer) => (this.#words += chunk.toString()));
    }
  }

  /** Runs a script as root; the process's environment has nothing of ours. */
  async run(script: string): Promise<Result> {
    const inside = [
      "chroot",
      ROOT,
      "env",
      "-i",
      "HOME=/root",
      "PATH=/usr/local/bin:/usr/sbin:/usr/bin",
      "sh",
      "-c",
      script,
    ];
    return new Promise((done) => {
      const enter = ["--target", String(this.#first()), "--mount", "--pid", "--cgroup", "--ipc", "--uts"];
      execFile("nsenter", [...enter, ...inside], { timeout: COMMAND_TIMEOUT_MS }, (error, stdout, stderr) => {
        const code = error ? Number((error as { code?: unknown }).code ?? 1) : 0;
        done({ code, output: `${stdout}${stderr}`.trim() });
      });
    });
  }

  /** As `run`. @throws with the output when the script fails */
  async must(script: string): Promise<string> {
    const { code, output } = await this.run(script);
    if (code !== 0) throw new Error(`${script}\nfailed in the copy (${code}):\n${output}`);
    return output;
  }

  /** Copies a file or folder of ours into the copy. */
  async put(from: string, to: string): Promise<void> {
    const inside = `/proc/${this.#first()}/root${to}`;
    await promisify(execFile)("cp", ["--recursive", "--no-preserve=ownership", from, inside]);
  }

  async stop(): Promise<void> {
    if (this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const ended = new Promise((done) => this.#child.once("close", done));
    this.#child.kill("SIGKILL");
    await ended;
  }

  /** The copy's first process, as we see it. */
  #first(): number {
    const { pid } = this.#child;
    return Number(readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").trim().split(" ")[0]);
  }
}
