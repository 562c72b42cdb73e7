import { spawnSync } from "node:child_process";
import { mkdir, open, rm } from "node:fs/promises";
import { join } from "node:path";

/** A file system of 16 MB in memory. */
export class SmallDisk {
  readonly path: string;
  readonly #ballast: string;

  private constructor(path: string) {
    this.path = path;
    this.#ballast = join(path, "ballast");
  }

  /** @returns nothing when this process may not mount one: that needs root. */
  static async mount(path: string): Promise<SmallDisk | undefined> {
    await mkdir(path);
    return run("mount", "-t", "tmpfs", "-o", "size=16m", "none", path) ? new SmallDisk(path) : undefined;
  }

  /** Nothing more can be written to it. */
  async fill(): Promise<void> {
    const ballast = await open(this.#ballast, "w");
    const chunk = Buffer.alloc(4_096);
    for (;;) if ((await ballast.write(chunk).catch(() => ({ bytesWritten: 0 }))).bytesWritten < chunk.length) break;
    await ballast.close();
  }

  empty(): Promise<void> {
    return rm(this.#ballast, { force: true });
  }

  /** @throws when it cannot be done */
  allow(access: "read" | "write"): void {
    if (!run("mount", "-o", `remount,${access === "read" ? "ro" : "rw"}`, this.path))
      throw new Error(`${this.path} could not be mounted anew`);
  }

  unmount(): void {
    run("umount", "--lazy", this.path);
  }
}

function run(command: string, ...args: string[]): boolean {
  return spawnSync(command, args).status === 0;
}
