import type { ReactNode } from "react";
import { classes } from "./classes.ts";
import { Icon } from "./Icon.tsx";

const TONES = {
  info: "bg-grid-soft text-grid",
  warning: "bg-sun-soft text-sun",
  bad: "bg-bad-soft text-bad",
} as const;

/** A sentence people must not miss, with what to do about it. */
export function Notice(props: { tone?: keyof typeof TONES; children: ReactNode; action?: ReactNode; testId?: string }) {
  const { tone = "info", children, action, testId } = props;
  return (
    <div
      role={tone === "info" ? "note" : "alert"}
      data-testid={testId}
      className={classes("flex flex-wrap items-center gap-x-4 gap-y-2 rounded-xl px-4 py-3 text-sm", TONES[tone])}
    >
      <Icon name={tone === "info" ? "info" : "warning"} />
      <div className="min-w-0 grow basis-52 font-medium">{children}</div>
      {action}
    </div>
  );
}
