import { runNode } from "../../cli.ts";
import type { Ground } from "../ground.ts";
import type { Random } from "../random.ts";

/** Something that breaks, and is mended. A fault that shows a wrong outcome at once throws. */
export interface Fault {
  readonly name: string;
  /** How often, against the others. */
  readonly weight: number;
  /** It ends or restarts an oracle. */
  readonly restarts?: true;
  /** It meets everybody, and not a household. */
  readonly common?: true;
  /** Whether it can meet this household; everybody by default. */
  readonly meets?: (ground: Ground, n: number) => boolean;
  /** Why nobody can be met when nobody can. */
  readonly needs?: string;
  /** Breaks and mends. @param n the household; 0 when it is common. */
  readonly strike: (ground: Ground, n: number, random: Random) => Promise<void>;
}

/** What a person types. */
export async function person(...args: string[]): Promise<void> {
  const { code, output } = await runNode("oracle/bin/ioe.mjs", args);
  if (code !== 0) throw new Error(`ioe ${args.join(" ")} ended with ${code}: ${output}`);
}
