/** One line of `ioe doctor`. */
export interface Finding {
  level: "ok" | "warning" | "error";
  check: string;
  message: string;
  /** What to do about it. */
  todo?: string;
}

export const ok = (check: string, message: string): Finding => ({ level: "ok", check, message });
export const warning = (check: string, message: string, todo: string): Finding => ({
  level: "warning",
  check,
  message,
  todo,
});
export const error = (check: string, message: string, todo: string): Finding => ({
  level: "error",
  check,
  message,
  todo,
});
