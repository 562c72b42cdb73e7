import type { ComponentProps, MouseEvent, ReactNode } from "react";
import { Link } from "wouter";
import { classes } from "./classes.ts";
import { Icon, type IconName } from "./Icon.tsx";

type Variant = "primary" | "secondary" | "quiet" | "danger";

const BASE =
  "inline-flex min-h-11 items-center justify-center gap-2 rounded-xl px-4 py-2 text-center text-[0.9375rem] leading-tight font-semibold";
const VARIANTS: Record<Variant, string> = {
  primary: "bg-accent text-accent-ink hover:bg-accent-hover",
  secondary: "border border-line-strong bg-surface text-ink hover:bg-sunken",
  quiet: "text-accent hover:bg-accent-soft",
  danger: "border border-bad text-bad hover:bg-bad-soft",
};
const OFF = "border border-line bg-sunken text-muted";

interface Look {
  variant?: Variant;
  icon?: IconName;
  children: ReactNode;
  className?: string;
}

/**
 * Colours change at once and busy ones keep theirs: halfway between two looks the words would be hard to read.
 * A button that is off stays reachable by keyboard (`aria-disabled`), so that everybody gets to read why it is off:
 * its own words say so.
 */
export function Button(props: Look & Omit<ComponentProps<"button">, keyof Look> & { off?: boolean; busy?: boolean }) {
  const { variant = "primary", icon, children, className, off = false, busy = false, onClick, ...rest } = props;
  const inert = off || busy;
  return (
    <button
      type="button"
      {...rest}
      aria-disabled={inert || undefined}
      aria-busy={busy || undefined}
      onClick={(event: MouseEvent<HTMLButtonElement>) => {
        if (inert) event.preventDefault();
        else onClick?.(event);
      }}
      className={classes(BASE, off ? OFF : VARIANTS[variant], className)}
    >
      {icon && <Icon name={icon} className="size-4.5" />}
      {children}
    </button>
  );
}

/** A link that looks like a button, for going somewhere. */
export function ButtonLink({ variant = "primary", icon, children, className, href }: Look & { href: string }) {
  return (
    <Link href={href} className={classes(BASE, VARIANTS[variant], className)}>
      {icon && <Icon name={icon} className="size-4.5" />}
      {children}
    </Link>
  );
}
