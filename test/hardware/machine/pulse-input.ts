import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { Machine } from "./machine.ts";

/** The board's power button is the last of the lines we name, and the only one that QEMU moves. */
const CONTROLLER = "/pl061@9030000";
const BUTTON = 3;
const BOARD = ["-cpu", "cortex-a53", "-m", "1024"];
/** QEMU lets the button go after 100 ms of the machine's time (hw/gpio/gpio_key.c); after this it can be pressed again. */
const RELEASE_MS = 500;

/**
 * An arm64 computer with a GPIO controller that raises interrupts, which QEMU's Raspberry Pi does not do. Its power button
 * pulls a line up for 100 ms, as the pulse output of a meter does, whenever we say so.
 */
export class PulseInput {
  readonly machine: Machine;

  /** @param line name that the button's line gets. Debian's package device-tree-compiler must be there. */
  static async boot(line: string): Promise<PulseInput> {
    const folder = mkdtempSync(join(tmpdir(), "ioe-board-"));
    try {
      const dtb = join(folder, "board.dtb");
      execFileSync("qemu-system-aarch64", ["-M", `virt,dumpdtb=${dtb}`, ...BOARD], { stdio: "ignore" });
      const names = [...Array<string>(BUTTON).fill(""), line];
      execFileSync("fdtput", ["--type", "s", dtb, CONTROLLER, "gpio-line-names", ...names]);
      const options = { arch: "arm64", machine: ["-M", "virt", ...BOARD, "-dtb", dtb], console: "ttyAMA0" } as const;
      return new PulseInput(await Machine.boot(options));
    } finally {
      rmSync(folder, { recursive: true });
    }
  }

  private constructor(machine: Machine) {
    this.machine = machine;
  }

  async pulses(count: number): Promise<void> {
    for (let i = 0; i < count; i++) {
      await this.machine.monitor("system_powerdown");
      await pause(RELEASE_MS);
    }
  }
}
