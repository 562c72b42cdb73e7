import { spawnSync } from "node:child_process";
import { rename, writeFile } from "node:fs/promises";

/** The wall clock of processes, set from outside by faketime(1); their monotonic one goes on. */
export class WallClock {
  readonly #setting: string;
  readonly #library: string;

  private constructor(setting: string, library: string) {
    this.#setting = setting;
    this.#library = library;
  }

  /** @param setting where the offset is kept. @returns nothing when Debian's package faketime is not installed. */
  static async make(setting: string): Promise<WallClock | undefined> {
    const [library] = spawnSync("sh", ["-c", "ls /usr/lib/*/faketime/libfaketime.so.1"], { encoding: "utf8" })
      .stdout.trim()
      .split("\n");
    if (!library) return undefined;
    const clock = new WallClock(setting, library);
    await clock.set(0);
    return clock;
  }

  /** What a process is started with. */
  get env(): Record<string, string> {
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#setting,
      FAKETIME_NO_CACHE: "1",
      FAKETIME_DONT_FAKE_MONOTONIC: "1",
    };
  }

  /** @param seconds ahead of the true time */
  async set(seconds: number): Promise<void> {
    await writeFile(`${this.#setting}.new`, `${seconds < 0 ? "" : "+"}${seconds}\n`);
    await rename(`${this.#setting}.new`, this.#setting);
  }
}
