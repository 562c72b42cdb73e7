import { readFileSync, statSync } from "node:fs";
import { DeviceError } from "./types.ts";

/**
 * The password in a file that only its owner may read; the line end is not part of it.
 * @throws DeviceError; it never shows the password.
 */
export function readPassword(device: string, path: string | undefined): string | undefined {
  if (path === undefined) return undefined;
  let text: string;
  let mode: number;
  try {
    text = readFileSync(path, "utf8");
    ({ mode } = statSync(path));
  } catch (error) {
    const { code = "?" } = error as NodeJS.ErrnoException;
    throw new DeviceError(device, `passwordFile ${path} cannot be read (${code})`, { cause: error });
  }
  if ((mode & 0o077) !== 0)
    throw new DeviceError(device, `passwordFile ${path} can be read by others; run: chmod 600 ${path}`);
  const password = text.replace(/\r?\n$/, "");
  if (password === "") throw new DeviceError(device, `passwordFile ${path} is empty`);
  return password;
}
