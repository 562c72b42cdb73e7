import type { ReactNode } from "react";
import { classes } from "./classes.ts";

export interface Column<Row> {
  key: string;
  title: string;
  /** Figures stand right-aligned, under each other. */
  number?: boolean;
  /** Says nothing on a narrow screen (the name of the cell is shown there). */
  hideTitleOnPhone?: boolean;
  cell: (row: Row) => ReactNode;
}

/** A table that becomes a list of cards on a phone, without losing the names of its figures. */
export function Table<Row>(props: {
  caption: string;
  columns: readonly Column<Row>[];
  rows: readonly Row[];
  rowKey: (row: Row) => string;
  rowTestId?: string;
  rowClass?: (row: Row) => string | false;
}) {
  const { caption, columns, rows, rowKey, rowTestId, rowClass } = props;
  return (
    <table className="block w-full text-[0.9375rem] wide:table">
      <caption className="sr-only">{caption}</caption>
      <thead className="sr-only wide:not-sr-only wide:table-header-group">
        <tr className="wide:table-row">
          {columns.map((column) => (
            <th
              key={column.key}
              scope="col"
              className={classes(
                "border-b border-line px-3 pb-2 text-xs font-medium text-muted first:pl-0 last:pr-0",
                column.number ? "text-right" : "text-left",
              )}
            >
              {column.title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody className="grid gap-3 sm:grid-cols-2 wide:table-row-group">
        {rows.map((row) => (
          <tr
            key={rowKey(row)}
            data-testid={rowTestId}
            data-row={rowKey(row)}
            className={classes(
              "block rounded-xl border border-line p-3 wide:table-row wide:rounded-none wide:border-0 wide:p-0",
              rowClass?.(row),
            )}
          >
            {columns.map((column) => (
              <td
                key={column.key}
                className={classes(
                  "flex items-baseline justify-between gap-4 py-1 wide:table-cell wide:border-b wide:border-line wide:px-3 wide:py-3 wide:align-middle wide:first:pl-0 wide:last:pr-0",
                  column.number && "wide:text-right",
                )}
              >
                <span className={classes("text-sm text-muted wide:hidden", column.hideTitleOnPhone && "sr-only")}>
                  {column.title}
                </span>
                <span
                  className={classes(
                    column.hideTitleOnPhone ? "w-full text-left wide:w-auto" : "text-right",
                    column.number ? "wide:text-right" : "wide:text-left",
                  )}
                >
                  {column.cell(row)}
                </span>
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}
