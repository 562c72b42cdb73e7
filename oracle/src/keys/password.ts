import { spawnSync } from "node:child_process";
import { closeSync, existsSync, openSync, readFileSync, readSync, statSync, writeSync } from "node:fs";
import { join } from "node:path";
import { KeyError } from "./keystore.ts";

/** Name of the systemd credential (LoadCredential= or LoadCredentialEncrypted=) that holds the keystores' password. */
export const CREDENTIAL = "ioe-password";

/**
 * The password of keystores: from the file if one is named, else from systemd's credential, else from the terminal.
 * Never from the command line, where every user of the machine could read it.
 * @param what for the prompt: which password.
 * @throws KeyError when there is none to be had.
 */
export function password(what: string, file?: string): string {
  if (file !== undefined) return readPassword(file);
  const credentials = process.env.CREDENTIALS_DIRECTORY;
  const credential = credentials && join(credentials, CREDENTIAL);
  if (credential && existsSync(credential)) return readPassword(credential);
  return promptSecret(`password of ${what}: `);
}

/** A new password: from a file, or typed twice. @throws KeyError */
export function newPassword(file?: string): string {
  const typed = file === undefined ? promptSecret("new password: ") : readPassword(file);
  if (typed === "") throw new KeyError("the password is empty");
  if (file === undefined && promptSecret("the same again: ") !== typed) throw new KeyError("the two passwords differ");
  return typed;
}

function readPassword(path: string): string {
  let text: string;
  try {
    text = readFileSync(path, "utf8");
    if ((statSync(path).mode & 0o077) !== 0 && !path.startsWith(process.env.CREDENTIALS_DIRECTORY ?? "\0")) {
      throw new KeyError(`the password in ${path} can be read by others; run: chmod 600 ${path}`);
    }
  } catch (error) {
    if (error instanceof KeyError) throw error;
    throw new KeyError(`no password: ${(error as Error).message}`);
  }
  return text.replace(/\r?\n$/, "");
}

/** True when a person can be asked. */
export function canPrompt(): boolean {
  return process.stdin.isTTY === true;
}

/**
 * Asks on the terminal without showing what is typed.
 * @throws KeyError when there is no terminal, or with Ctrl-C.
 */
export function promptSecret(question: string): string {
  if (!canPrompt()) {
    throw new KeyError(
      `there is no terminal to ask for the password; name a file with it (--password-file, or keys.passwordFile in the ` +
        `configuration) or give systemd the credential ${CREDENTIAL}`,
    );
  }
  const terminal = openSync("/dev/tty", "r+");
  const stty = (...settings: string[]) => spawnSync("stty", settings, { stdio: [terminal, "pipe", "inherit"] });
  const before = stty("-g").stdout.toString().trim();
  try {
    writeSync(terminal, question);
    // Raw, so that Ctrl-C comes to us and cannot leave the terminal mute.
    if (stty("raw", "-echo").status !== 0) throw new KeyError("the terminal cannot be kept from showing the password");
    return readLine(terminal);
  } finally {
    stty(before);
    writeSync(terminal, "\n");
    closeSync(terminal);
  }
}

function readLine(terminal: number): string {
  const typed: number[] = [];
  const key = Buffer.alloc(1);
  for (;;) {
    const read = readSync(terminal, key, 0, 1, null);
    const [code = 0] = key;
    if (read === 0 || code === 3 || code === 4) throw new KeyError("no password was given");
    if (code === 10 || code === 13) return Buffer.from(typed).toString("utf8");
    if (code === 127 || code === 8) eraseLast(typed);
    else typed.push(code);
  }
}

/** Takes back one UTF-8 character: its continuation bytes (10xxxxxx) and the byte before them. */
function eraseLast(typed: number[]): void {
  while (((typed.at(-1) ?? 0) & 0xc0) === 0x80) typed.pop();
  typed.pop();
}
