/** The folder of `npm start`'s world: what it holds is replaced, so it must hold a world and be nobody else's. */
import { readdirSync, realpathSync } from "node:fs";
import { basename, dirname, isAbsolute, join, relative, resolve } from "node:path";
import { ProcessLock, ProcessLockError } from "../oracle/src/safety/process-lock.ts";
import { ROOT } from "./cli.ts";

/** What a world's folder holds, see world.ts. */
const OF_A_WORLD = /^(deployment\.json(\.new)?|micro-grid\.yaml|keeper|household-\d+|\.DS_Store)$/;
/** Of these, what no other folder holds: a deployment alone may be that of a public chain. */
const ONLY_OF_A_WORLD = /^(micro-grid\.yaml|household-\d+)$/;

/**
 * The folder that an option names, links followed; missing, empty, or a world's.
 * @throws with a sentence for people when it is anything else.
 */
export function worldFolder(text: string): string {
  if (text.trim() === "") throw new Error("--world is empty; name a folder for the world, or leave the option out.");
  const dir = realPath(resolve(text));
  if (holds(dir, realPath(ROOT))) {
    throw new Error(`--world is ${dir}, which holds this program and would be replaced; name another folder.`);
  }
  const entries = entriesOf(dir);
  const other = entries.find((entry) => !OF_A_WORLD.test(entry));
  if (other !== undefined || (entries.length > 0 && !entries.some((entry) => ONLY_OF_A_WORLD.test(entry)))) {
    throw new Error(
      `--world is ${dir}, which holds "${other ?? entries[0]}" and is not just a world; what it holds would be deleted. ` +
        "Name a new folder, or empty this one yourself.",
    );
  }
  return dir;
}

/**
 * Makes the folder this process's until it ends, however often the folder is deleted meanwhile.
 * @throws with a sentence for people when another copy has it.
 */
export async function lockWorld(dir: string): Promise<ProcessLock> {
  try {
    return await ProcessLock.acquire(`the world in ${dir}`, `world:${dir}`);
  } catch (error) {
    if (!(error instanceof ProcessLockError)) throw error;
    throw new Error(`${error.message}, or choose another folder with --world and other ports for a second copy.`, {
      cause: error,
    });
  }
}

/** Of a folder that is missing, the path it will have. */
function realPath(path: string): string {
  try {
    return realpathSync.native(path);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if ((code !== "ENOENT" && code !== "ENOTDIR") || dirname(path) === path) throw error;
    return join(realPath(dirname(path)), basename(path));
  }
}

function holds(dir: string, path: string): boolean {
  const way = relative(dir, path);
  return !isAbsolute(way) && way.split(/[\\/]/)[0] !== "..";
}

function entriesOf(dir: string): string[] {
  try {
    return readdirSync(dir);
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === "ENOENT") return [];
    if (code === "ENOTDIR")
      throw new Error(`--world is ${dir}, which is not a folder; name a folder.`, { cause: error });
    throw error;
  }
}
