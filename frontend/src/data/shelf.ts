/** What the browser keeps between visits. Only copies: everything can be read from the chain again. */

export interface Shelf<T> {
  /** @returns undefined when nothing is kept, or the browser keeps nothing at all (a private window). */
  load(): Promise<T | undefined>;
  save(value: T): Promise<void>;
}

const STORE = "sums";

function settle<T>(request: IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    request.onsuccess = () => resolve(request.result);
    request.onerror = () => reject(request.error ?? new Error("the browser's storage failed"));
  });
}

let opened: Promise<IDBDatabase> | undefined;

function open(): Promise<IDBDatabase> {
  if (!opened) {
    const request = indexedDB.open("ioe", 1);
    request.onupgradeneeded = () => request.result.createObjectStore(STORE);
    opened = settle(request);
  }
  return opened;
}

/**
 * One value in the browser's database.
 * @param world part of every key of one world; what other worlds have left behind goes when this one is saved
 * @param shape of the value: raise it when the value's fields change, so that an older page's value is not taken for one
 */
export function openShelf<T>(world: string, name: string, shape: number): Shelf<T> {
  const key = `${world}/${name}/${shape}`;
  return {
    async load() {
      try {
        const store = (await open()).transaction(STORE).objectStore(STORE);
        return (await settle(store.get(key))) as T | undefined;
      } catch {
        return undefined;
      }
    },
    async save(value) {
      const store = (await open()).transaction(STORE, "readwrite").objectStore(STORE);
      const isOld = (each: string) => !each.startsWith(`${world}/`) || each.startsWith(`${world}/${name}/`);
      const keys = (await settle(store.getAllKeys())) as string[];
      for (const each of keys.filter(isOld)) store.delete(each);
      await settle(store.put(value, key));
    },
  };
}
