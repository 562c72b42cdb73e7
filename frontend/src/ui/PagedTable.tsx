import { type ComponentProps, useState } from "react";
import { Button } from "./Button.tsx";
import { Table } from "./Table.tsx";

interface Words {
  label: string;
  back: string;
  next: string;
  range: (from: string, to: string, count: string) => string;
}

type Props<Row> = ComponentProps<typeof Table<Row>> & {
  /** Rows shown at a time, so that a list of thousands costs the page no more than a short one. */
  size: number;
  words: Words;
  /** Writes a count. */
  count: (count: number) => string;
};

/** A table that shows a long list page by page. */
export function PagedTable<Row>({ size, words, count, rows, ...table }: Props<Row>) {
  const [chosen, setChosen] = useState(0);
  const last = Math.max(0, Math.ceil(rows.length / size) - 1);
  const page = Math.min(chosen, last);
  const from = page * size;
  const shown = rows.slice(from, from + size);
  return (
    <>
      <Table {...table} rows={shown} />
      {last > 0 && (
        <nav aria-label={words.label} className="mt-3 flex items-center justify-between gap-3 print:hidden">
          <Button variant="secondary" off={page === 0} onClick={() => setChosen(page - 1)} data-testid="pager-back">
            {words.back}
          </Button>
          <p className="text-sm text-muted" aria-live="polite" data-testid="pager-range">
            {words.range(count(from + 1), count(from + shown.length), count(rows.length))}
          </p>
          <Button variant="secondary" off={page === last} onClick={() => setChosen(page + 1)} data-testid="pager-next">
            {words.next}
          </Button>
        </nav>
      )}
    </>
  );
}
