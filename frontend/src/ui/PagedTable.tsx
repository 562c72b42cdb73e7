import { type ComponentProps, useState } from "react";
import { Pager } from "./Pager.tsx";
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
      <Pager words={words} page={page} last={last} onPage={setChosen}>
        {words.range(count(from + 1), count(from + shown.length), count(rows.length))}
      </Pager>
    </>
  );
}
