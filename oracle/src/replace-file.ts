import { closeSync, fsyncSync, openSync, renameSync, writeSync } from "node:fs";
import { dirname } from "node:path";

/** Replaces a file as a whole: a power failure leaves the old content or the new one, which is on the disk on return. */
export function replaceFile(path: string, text: string, mode: number): void {
  const draft = `${path}.new`;
  onDisk(draft, "w", mode, (file) => writeSync(file, text));
  renameSync(draft, path);
  onDisk(dirname(path), "r", 0, () => undefined);
}

function onDisk(path: string, flags: string, mode: number, work: (file: number) => unknown): void {
  const file = openSync(path, flags, mode);
  try {
    work(file);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
}
