import type { ReactNode } from "react";
import { Button } from "./Button.tsx";

interface Props {
  words: { label: string; back: string; next: string };
  page: number;
  /** Number of the last page, from 0. */
  last: number;
  onPage: (page: number) => void;
  /** What of the whole is shown. */
  children: ReactNode;
}

/** Leads through the pages of a long list; not there when there is only one. */
export function Pager({ words, page, last, onPage, children }: Props) {
  if (last === 0) return null;
  return (
    <nav aria-label={words.label} className="mt-3 flex items-center justify-between gap-3 print:hidden">
      <Button variant="secondary" off={page === 0} onClick={() => onPage(page - 1)} data-testid="pager-back">
        {words.back}
      </Button>
      <p className="text-sm text-muted" aria-live="polite" data-testid="pager-range">
        {children}
      </p>
      <Button variant="secondary" off={page === last} onClick={() => onPage(page + 1)} data-testid="pager-next">
        {words.next}
      </Button>
    </nav>
  );
}
