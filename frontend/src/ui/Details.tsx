import { type ReactNode, useState } from "react";

/** Figures for those who want them. They are in the page only while they are open, so that it stays light. */
export function Details({ title, children }: { title: string; children: ReactNode }) {
  const [open, setOpen] = useState(false);
  return (
    <details className="mt-3" onToggle={(event) => setOpen(event.currentTarget.open)}>
      <summary className="-mx-1 rounded px-1 py-1 text-sm font-medium text-accent">{title}</summary>
      {open && children}
    </details>
  );
}
