import { useSyncExternalStore } from "react";
import type { SentAs } from "./outcome.ts";

/**
 *   checking ─► signing ─► pending ─┬─► confirmed
 *      │           │                ├─► replaced    (sped up or cancelled in the wallet)
 *      ▼           ▼                └─► failed
 *   failed      rejected                             (signing can fail as well)
 *
 * What is on its way is kept in the browser: after a reload `pending` is watched on, and `signing` is `lost`, because
 * nobody can say any more what the wallet was told. Several pages of a world share the place where it is kept: each
 * writes its own transactions there, and leaves those of the others alone.
 */
export type TransactionState =
  "checking" | "signing" | "pending" | "confirmed" | "replaced" | "failed" | "rejected" | "lost";

export interface Transaction {
  /** Like no other's, in whatever page of the browser. */
  id: string;
  /** What the person wanted, as a short sentence. */
  title: string;
  state: TransactionState;
  sentence?: string;
  advice?: string;
  hash?: `0x${string}`;
  /** Tells what took its place, once a node has shown it. */
  sentAs?: SentAs;
  /** The wallet's own name of calls that it carries out as one (EIP-5792), until their hash is known. */
  batch?: string;
}

export type Change = Partial<Omit<Transaction, "id">>;

const UNDERWAY: readonly TransactionState[] = ["checking", "signing", "pending"];
export const isOver = (state: TransactionState) => !UNDERWAY.includes(state);

/** The part of `localStorage` that is needed here. */
export type Shelf = Pick<Storage, "getItem" | "setItem">;

/** Not `randomUUID`, which a page without TLS does not have. */
const newId = () => crypto.getRandomValues(new Uint32Array(3)).join("-");

/** @param key one for each world: a hash of another chain would be waited for in vain. */
export function createTransactions(shelf: Shelf, key: string) {
  let transactions: readonly Transaction[] = restore(read());
  const listeners = new Set<() => void>();
  // Said once that nobody knows. Where another page is still signing, it writes that again once it was sent.
  write(transactions.filter(({ state }) => state === "pending"));

  function read(): Transaction[] {
    try {
      const kept: unknown = JSON.parse(shelf.getItem(key) ?? "[]");
      return Array.isArray(kept) ? (kept as Transaction[]) : [];
    } catch {
      return []; // written by another version
    }
  }
  function write(kept: readonly Transaction[]) {
    shelf.setItem(key, JSON.stringify(kept));
  }
  function set(next: readonly Transaction[]) {
    transactions = next;
    for (const listener of listeners) listener();
  }
  /** Another page may have written since: only this transaction changes. */
  function keep(transaction: Transaction) {
    const others = read().filter(({ id }) => id !== transaction.id);
    write(isOver(transaction.state) ? others : [...others, transaction]);
  }
  function move(id: string, change: Change) {
    const before = transactions.find((each) => each.id === id);
    if (!before) return;
    const after = { ...before, ...change };
    keep(after);
    set(transactions.map((each) => (each === before ? after : each)));
  }
  return {
    get: () => transactions,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** Starts the life of a transaction in the list; the function it returns moves it on. */
    track(title: string): (change: Change) => void {
      const transaction: Transaction = { id: newId(), title, state: "checking" };
      keep(transaction);
      set([...transactions, transaction]);
      return (change) => move(transaction.id, change);
    },
    move,
    dismiss: (id: string) => set(transactions.filter((each) => each.id !== id)),
  };
}

export type Transactions = ReturnType<typeof createTransactions>;

const restore = (kept: readonly Transaction[]): Transaction[] =>
  kept
    .filter(({ state }) => state !== "checking") // it never left the page
    .map((each) => (each.state === "pending" && (each.hash ?? each.batch) ? each : { ...each, state: "lost" }));

let current: Transactions | undefined;

/** The list of this page's world. */
export function openTransactions(key: string): Transactions {
  return (current = createTransactions(window.localStorage, `ioe.transactions.${key}`));
}

export function theTransactions(): Transactions {
  if (!current) throw new Error("the transactions of this world are not open yet");
  return current;
}

export function useTransactions(): readonly Transaction[] {
  const list = theTransactions();
  return useSyncExternalStore(list.subscribe, list.get);
}
