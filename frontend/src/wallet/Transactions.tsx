import { useEffect } from "react";
import { text } from "../text/index.ts";
import { classes, Icon } from "../ui/index.ts";
import { useResumeTogether } from "./together.ts";
import { isOver, theTransactions, type Transaction, useTransactions } from "./transactions.ts";

/** Good news leaves by itself; a failure stays until it was read. */
const SHOWN_FOR = 6_000;

/** The list of what was sent, newest last, above everything else. */
export function Transactions() {
  const transactions = useTransactions();
  useResumeTogether();
  return (
    <ol
      aria-label={text.transaction.list}
      aria-live="polite"
      className="pointer-events-none fixed inset-x-3 bottom-[calc(4.75rem+env(safe-area-inset-bottom))] z-50 flex flex-col items-end gap-2 lg:bottom-5 print:hidden"
    >
      {transactions.map((transaction) => (
        <Toast key={transaction.id} transaction={transaction} />
      ))}
    </ol>
  );
}

function Toast({ transaction }: { transaction: Transaction }) {
  const { id, title, state, sentence, advice } = transaction;
  const leaves = state === "confirmed" || state === "rejected";
  useEffect(() => {
    if (!leaves) return undefined;
    const timer = setTimeout(() => theTransactions().dismiss(id), SHOWN_FOR);
    return () => clearTimeout(timer);
  }, [id, leaves]);
  const failed = state === "failed";
  return (
    <li
      data-testid="transaction"
      data-state={state}
      className={classes(
        "enter pointer-events-auto flex w-full items-start gap-3 rounded-2xl border bg-surface p-4 text-sm shadow-lg shadow-(color:--shadow) sm:w-96",
        failed ? "border-bad" : "border-line",
      )}
    >
      <span
        className={classes(
          "mt-0.5 grid size-6 shrink-0 place-items-center rounded-full",
          state === "confirmed" && "bg-accent-soft text-accent",
          failed && "bg-bad-soft text-bad",
          (state === "rejected" || state === "replaced" || state === "lost") && "bg-sunken text-muted",
          !isOver(state) && "bg-sun-soft text-sun",
        )}
      >
        <Icon
          name={
            state === "confirmed" ? "check" : failed || state === "lost" ? "warning" : isOver(state) ? "close" : "bolt"
          }
          className={classes("size-4", !isOver(state) && "breathe")}
        />
      </span>
      <span className="min-w-0 grow">
        <span className="block font-semibold">{title}</span>
        <span className={failed ? "text-bad" : "text-muted"}>{sentence ?? text.transaction[state]}</span>
        {advice && <span className="mt-1 block">{advice}</span>}
      </span>
      {isOver(state) && (
        <button
          type="button"
          onClick={() => theTransactions().dismiss(id)}
          aria-label={text.transaction.dismiss(title)}
          className="-m-2 rounded-full p-2 text-muted hover:bg-sunken"
        >
          <Icon name="close" className="size-4" />
        </button>
      )}
    </li>
  );
}
