import { execFile } from "node:child_process";
import { accessSync, constants, readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { clockSynchronised } from "../clock-synchronised.ts";

/** The computer as the checks see it. */
export interface Host {
  /** Text of a system file, nothing when it cannot be read. */
  read(path: string): string | undefined;
  /** Why a file or device cannot be used for reading and writing: an error code. */
  denied(path: string): string | undefined;
  /** What a command prints, nothing when it fails or does not exist. */
  run(command: string, ...args: string[]): Promise<string | undefined>;
  freeBytes(folder: string): Promise<number>;
  /** True when the kernel counts its clock as synchronised. */
  clockSynchronised(): boolean | undefined;
  readonly nodeVersion: string;
  readonly architecture: string;
}

/** @param root where the system's files are; tests bring their own. */
export function thisHost(root = "/"): Host {
  const at = (path: string) => join(root, path);
  return {
    read: (path) => {
      try {
        return readFileSync(at(path), "utf8");
      } catch {
        return undefined;
      }
    },
    denied: (path) => {
      try {
        accessSync(at(path), constants.R_OK | constants.W_OK);
        return undefined;
      } catch (error) {
        return (error as NodeJS.ErrnoException).code ?? "?";
      }
    },
    run: async (command, ...args) => {
      try {
        return (await promisify(execFile)(command, args, { timeout: 5_000 })).stdout;
      } catch {
        return undefined;
      }
    },
    freeBytes: async (folder) => {
      const { bavail, bsize } = await statfs(folder);
      return bavail * bsize;
    },
    clockSynchronised,
    nodeVersion: process.versions.node,
    architecture: process.arch,
  };
}
