import { useSyncExternalStore } from "react";

/**
 *   checking ─► signing ─► pending ─┬─► confirmed
 *      │           │                ├─► replaced    (sped up or cancelled in the wallet)
 *      ▼           ▼                └─► failed
 *   failed      rejected                             (signing can fail as well)
 *
 * What is on its way is kept in the browser: after a reload `pending` is watched on, and `signing` is `lost`, because
 * nobody can say any more what the wallet was told.
 */
export type TransactionState =
  "checking" | "signing" | "pending" | "confirmed" | "replaced" | "failed" | "rejected" | "lost";

export interface Transaction {
  id: number;
  /** What the person wanted, as a short sentence. */
  title: string;
  state: TransactionState;
  sentence?: string;
  advice?: string;
  hash?: `0x${string}`;
  /** The wallet's own name of calls that it carries out as one (EIP-5792), until their hash is known. */
  batch?: string;
}

export type Change = Partial<Omit<Transaction, "id">>;

const UNDERWAY: readonly TransactionState[] = ["checking", "signing", "pending"];
export const isOver = (state: TransactionState) => !UNDERWAY.includes(state);

/** The part of `localStorage` that is needed here. */
export type Shelf = Pick<Storage, "getItem" | "setItem">;

/** @param key one for each world: a hash of another chain would be waited for in vain. */
export function createTransactions(shelf: Shelf, key: string) {
  let transactions: readonly Transaction[] = restore(shelf.getItem(key));
  let nextId = Math.max(0, ...transactions.map(({ id }) => id)) + 1;
  const listeners = new Set<() => void>();

  function set(next: readonly Transaction[]) {
    transactions = next;
    shelf.setItem(key, JSON.stringify(next.filter(({ state }) => !isOver(state))));
    for (const listener of listeners) listener();
  }
  const move = (id: number, change: Change) =>
    set(transactions.map((each) => (each.id === id ? { ...each, ...change } : each)));
  return {
    get: () => transactions,
    subscribe: (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** Starts the life of a transaction in the list; the function it returns moves it on. */
    track(title: string): (change: Change) => void {
      const id = nextId++;
      set([...transactions, { id, title, state: "checking" }]);
      return (change) => move(id, change);
    },
    move,
    dismiss: (id: number) => set(transactions.filter((each) => each.id !== id)),
  };
}

export type Transactions = ReturnType<typeof createTransactions>;

function restore(kept: string | null): Transaction[] {
  if (kept === null) return [];
  try {
    const list = JSON.parse(kept) as Transaction[];
    return list
      .filter(({ state }) => state !== "checking") // it never left the page
      .map((each) => (each.state === "pending" && (each.hash ?? each.batch) ? each : { ...each, state: "lost" }));
  } catch {
    return []; // written by another version
  }
}

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
