import { readFileSync, statSync, writeFileSync } from "node:fs";
import { isHex } from "viem";
import { KeyError, decryptKey, encryptKey, isKeystore } from "./keystore.ts";
import { password } from "./password.ts";

/**
 * The private key in a file that only its owner may read: a keystore (see keystore.ts), or 32 bytes in hex. A bare key is
 * meant for local chains: whoever gets the file, or a backup of it, is the meter.
 * @param name of the key, for errors and the prompt.
 * @param passwordFile see `password`.
 * @throws KeyError; it never shows the key.
 */
export function readKey(path: string, name: string, passwordFile?: string): `0x${string}` {
  const text = readKeyFile(path, name);
  if (isKeystore(text)) {
    try {
      return decryptKey(text, password(`${name} (${path})`, passwordFile));
    } catch (error) {
      if (error instanceof KeyError) throw new KeyError(`${name}: ${path}: ${error.message}`);
      throw error;
    }
  }
  const key = parseHexKey(text);
  if (key) return key;
  throw new KeyError(
    `${name}: ${path} holds neither a keystore nor a private key of 32 bytes in hex; make one with: ioe keys new --out FILE`,
  );
}

/** Text of a key file. @throws KeyError when others may read it. */
export function readKeyFile(path: string, name: string): string {
  let text: string;
  let mode: number;
  try {
    text = readFileSync(path, "utf8");
    ({ mode } = statSync(path));
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    const why = code === "ENOENT" ? "there is no such file" : code === "EACCES" ? "it may not be read" : message;
    throw new KeyError(`${name}: ${path}: ${why}`);
  }
  if ((mode & 0o077) === 0) return text;
  throw new KeyError(`${name}: ${path} can be read by others; run: chmod 600 ${path}`);
}

/** 32 bytes in hex, with or without 0x. */
export function parseHexKey(text: string): `0x${string}` | undefined {
  const trimmed = text.trim();
  const key = trimmed.startsWith("0x") ? trimmed : `0x${trimmed}`;
  return isHex(key) && key.length === 66 ? key : undefined;
}

/**
 * Writes a new key file, mode 0600.
 * @param password of the keystore; nothing for a bare key.
 * @throws KeyError when the file exists: what the old key has signed and holds would be lost.
 */
export function writeKey(path: string, key: `0x${string}`, password: string | undefined): void {
  const text = password === undefined ? `${key}\n` : encryptKey(key, password);
  try {
    writeFileSync(path, text, { mode: 0o600, flag: "wx" });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== "EEXIST") throw error;
    throw new KeyError(`${path} exists already; choose another name`);
  }
}
