import { fstatSync } from "node:fs";

/** Structured log: one JSON object per line with `time`, `level`, `event` and named keys. */

export const LEVELS = ["debug", "info", "warn", "error"] as const;
export type Level = (typeof LEVELS)[number];
export type Fields = Record<string, unknown>;

export interface Logger {
  debug(event: string, fields?: Fields): void;
  info(event: string, fields?: Fields): void;
  warn(event: string, fields?: Fields): void;
  error(event: string, fields?: Fields): void;
}

export interface LogOptions {
  level?: Level;
  /** Takes one line without its line end. */
  write?: (line: string) => void;
  now?: () => Date;
}

/** Priorities of syslog(3), which journald takes from a line's prefix; see sd-daemon(3). */
const PRIORITIES: Record<Level, number> = { error: 3, warn: 4, info: 6, debug: 7 };

export function createLogger({ level = "info", write = toStdout, now = () => new Date() }: LogOptions = {}): Logger {
  const lowest = LEVELS.indexOf(level);
  const prefixed = write === toStdout && isJournal();
  const at = (name: Level) => (event: string, fields?: Fields) => {
    if (LEVELS.indexOf(name) < lowest) return;
    const prefix = prefixed ? `<${PRIORITIES[name]}>` : "";
    write(prefix + JSON.stringify({ time: now().toISOString(), level: name, event, ...fields }, asJson));
  };
  return { debug: at("debug"), info: at("info"), warn: at("warn"), error: at("error") };
}

/** One line that tells a person what went wrong: the short message of a viem error, else the message. */
export function reasonOf(error: unknown): string {
  if (error instanceof Error) {
    const short = (error as { shortMessage?: unknown }).shortMessage;
    return typeof short === "string" ? short : error.message;
  }
  return String(error);
}

function asJson(_key: string, value: unknown): unknown {
  if (typeof value === "bigint") return value.toString();
  if (value instanceof Error) return reasonOf(value);
  return value;
}

/** Whether standard output goes to journald: systemd names its device and inode. */
function isJournal(): boolean {
  if (process.env.JOURNAL_STREAM === undefined) return false;
  const { dev, ino } = fstatSync(1);
  return process.env.JOURNAL_STREAM === `${dev}:${ino}`;
}

function toStdout(line: string): void {
  process.stdout.write(`${line}\n`);
}
