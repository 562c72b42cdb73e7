/** Resident memory of a running process over time, as the kernel counts it (proc(5), /proc/PID/status). */
import { readFileSync } from "node:fs";

export interface MemorySample {
  /** Since the first sample, s. */
  atS: number;
  /** All resident pages, MB (10⁶ bytes). */
  rssMB: number;
  /** Those of them that are the process's own: heap and stacks, no files, MB. */
  anonymousMB: number;
}

const KIB_IN_MB = 1_024 / 1e6;

/** Takes samples of one process. @throws when it has ended */
export class MemoryWatch {
  readonly samples: MemorySample[] = [];
  readonly #pid: number;
  #since: number | undefined;

  constructor(pid: number) {
    this.#pid = pid;
  }

  sample(): MemorySample {
    const status = readFileSync(`/proc/${this.#pid}/status`, "utf8");
    const field = (name: string) => Number(new RegExp(`^${name}:\\s+(\\d+) kB$`, "m").exec(status)![1]) * KIB_IN_MB;
    this.#since ??= performance.now();
    const atS = (performance.now() - this.#since) / 1_000;
    const sample = { atS, rssMB: field("VmRSS"), anonymousMB: field("RssAnon") };
    this.samples.push(sample);
    return sample;
  }

  /** Growth in MB/h of what was resident after the first `warmUpS` seconds: the slope of the least squares' line. */
  growthMBPerHour(warmUpS: number): number {
    return slope(this.samples.filter(({ atS }) => atS >= warmUpS).map(({ atS, rssMB }) => [atS / 3_600, rssMB]));
  }
}

/** Slope of the line with the least squared distances; NaN for fewer than two points. */
function slope(points: [x: number, y: number][]): number {
  const mean = (axis: 0 | 1) => points.reduce((sum, point) => sum + point[axis], 0) / points.length;
  const [x0, y0] = [mean(0), mean(1)];
  const covariance = points.reduce((sum, [x, y]) => sum + (x - x0) * (y - y0), 0);
  return covariance / points.reduce((sum, [x]) => sum + (x - x0) ** 2, 0);
}
