import { readFileSync, rmSync } from "node:fs";
import { replaceFile } from "../replace-file.ts";

/** A fault that only a person ends. */
export interface LatchedFault {
  readonly kind: string;
  readonly reason: string;
  /** When it was seen, ISO 8601. */
  readonly since: string;
}

/** Keeps a latched fault in a small file, so that it survives a restart and a loss of power. */
export class FaultLatch {
  readonly path: string;

  constructor(path: string) {
    this.path = path;
  }

  /** That of the oracle with this journal. */
  static beside(journal: string): FaultLatch {
    return new FaultLatch(`${journal}.fault`);
  }

  /** The fault on file; one that cannot be read is a fault as well. */
  load(): LatchedFault | undefined {
    let text: string;
    try {
      text = readFileSync(this.path, "utf8");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "ENOENT") return undefined;
      return unreadable(this.path, (error as Error).message);
    }
    try {
      const { kind, reason, since } = JSON.parse(text) as Record<string, unknown>;
      if (typeof kind === "string" && typeof reason === "string" && typeof since === "string")
        return { kind, reason, since };
    } catch {
      // said below
    }
    return unreadable(this.path, "its content is not a fault");
  }

  save(fault: LatchedFault): void {
    replaceFile(this.path, `${JSON.stringify(fault)}\n`, 0o600);
  }

  clear(): void {
    rmSync(this.path, { force: true });
  }
}

function unreadable(path: string, why: string): LatchedFault {
  return { kind: "ContactorWelded", reason: `${path} cannot be read (${why})`, since: new Date(0).toISOString() };
}
