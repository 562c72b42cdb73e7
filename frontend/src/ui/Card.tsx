import { type ReactNode, useEffect, useRef } from "react";
import { classes } from "./classes.ts";
import { Icon, type IconName } from "./Icon.tsx";

export function Card(props: { children: ReactNode; className?: string; testId?: string; label?: string }) {
  return (
    <section
      data-testid={props.testId}
      aria-label={props.label}
      className={classes("rounded-2xl border border-line bg-surface p-4 sm:p-6", props.className)}
    >
      {props.children}
    </section>
  );
}

export function CardTitle({ children, note, actions }: { children: ReactNode; note?: ReactNode; actions?: ReactNode }) {
  return (
    <header className="mb-4 flex flex-wrap items-center justify-between gap-x-4 gap-y-2">
      <div>
        <h2 className="text-lg font-semibold">{children}</h2>
        {note && <p className="text-sm text-muted">{note}</p>}
      </div>
      {actions && <div className="flex flex-wrap gap-2">{actions}</div>}
    </header>
  );
}

/** Names the page, for the eye, for the window's title, and for a screen reader after a change of page. */
export function PageTitle({ title, lead, actions }: { title: string; lead: string; actions?: ReactNode }) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = `${title} · Internet of Energy`;
    if (document.activeElement && document.activeElement !== document.body) {
      heading.current?.focus({ preventScroll: true });
    }
  }, [title]);
  return (
    <div className="mb-6 flex flex-wrap items-end justify-between gap-x-6 gap-y-3">
      <div>
        <h1 ref={heading} tabIndex={-1} className="text-2xl font-bold sm:text-3xl">
          {title}
        </h1>
        <p className="mt-1 text-muted">{lead}</p>
      </div>
      {actions}
    </div>
  );
}

/** One figure with its name. */
export function Stat(props: {
  label: string;
  children: ReactNode;
  note?: ReactNode;
  large?: boolean;
  className?: string;
  testId?: string;
}) {
  return (
    <div className={classes("min-w-0", props.className)}>
      <dt className="text-sm text-muted">{props.label}</dt>
      <dd
        data-testid={props.testId}
        className={classes("font-semibold", props.large ? "text-3xl tracking-tight" : "text-base")}
      >
        {props.children}
      </dd>
      {props.note && <dd className="text-sm text-muted">{props.note}</dd>}
    </div>
  );
}

/** Nothing here yet, and what to do about it. */
export function Empty({ icon, title, children }: { icon: IconName; title: string; children?: ReactNode }) {
  return (
    <div className="flex flex-col items-center gap-2 px-4 py-10 text-center">
      <span className="rounded-full bg-sunken p-3 text-muted">
        <Icon name={icon} className="size-6" />
      </span>
      <p className="font-semibold">{title}</p>
      {children && <div className="max-w-md text-sm text-muted">{children}</div>}
    </div>
  );
}

/** Holds the place of a figure that is being read, so that nothing moves when it arrives. */
export function Skeleton({ className = "h-5 w-24" }: { className?: string }) {
  return (
    <span aria-hidden="true" className={classes("breathe inline-block rounded-md bg-line align-middle", className)} />
  );
}
