import type { ReactNode } from "react";
import { classes } from "./classes.ts";
import { Icon, type IconName } from "./Icon.tsx";

export type Tone = "neutral" | "accent" | "sun" | "grid" | "bad";

const TONES: Record<Tone, string> = {
  neutral: "bg-sunken text-muted",
  accent: "bg-accent-soft text-accent",
  sun: "bg-sun-soft text-sun",
  grid: "bg-grid-soft text-grid",
  bad: "bg-bad-soft text-bad",
};

/** A short state in words; the colour only repeats it. */
export function Badge(props: { tone?: Tone; icon?: IconName; children: ReactNode; testId?: string }) {
  const { tone = "neutral", icon, children, testId } = props;
  return (
    <span
      data-testid={testId}
      className={classes(
        "inline-flex items-center gap-1 rounded-full px-2.5 py-0.5 text-xs font-medium whitespace-nowrap",
        TONES[tone],
      )}
    >
      {icon && <Icon name={icon} className="size-3.5" />}
      {children}
    </span>
  );
}
