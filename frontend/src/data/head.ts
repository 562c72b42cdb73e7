import { useSyncExternalStore } from "react";
import { getBlock } from "viem/actions";
import type { Zone } from "./zone.ts";

/** The newest block we know, and since when we know of no newer one. */
export interface Head {
  number: bigint;
  /** Unix seconds, the chain's clock. */
  timestamp: number;
  /** `performance.now()` at which the block was received. */
  receivedAt: number;
  /** `performance.now()` of the first unanswered look, while the node does not answer. */
  lostSince: number | undefined;
}

type Listener = () => void;

/** How often to look for those who want to be told while they look elsewhere; browsers may make a minute of it. */
const HIDDEN_MS = 15_000;

/**
 * One watcher for the whole page: everything that depends on the chain is read again when it says so, and nothing is
 * read more often than that. It rests while nobody looks at the page, unless somebody wants to be told even then.
 */
export function watchHead(zone: Zone, first: Head, onBlock: (head: Head) => void) {
  let head = first;
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopped = false;
  let looking = false;
  let whileHidden = false;
  const listeners = new Set<Listener>();
  const set = (next: Head) => {
    head = next;
    for (const listener of listeners) listener();
  };
  async function look() {
    if (stopped || looking) return;
    clearTimeout(timer);
    looking = true;
    const askedAt = performance.now();
    try {
      const block = await getBlock(zone.client, { blockTag: "latest" });
      const moved = block.number !== head.number || head.lostSince !== undefined;
      if (moved && !stopped) {
        set({
          number: block.number,
          timestamp: Number(block.timestamp),
          receivedAt: performance.now(),
          lostSince: undefined,
        });
        onBlock(head);
      }
    } catch {
      if (!stopped && head.lostSince === undefined) set({ ...head, lostSince: askedAt });
    }
    looking = false;
    if (stopped || (document.hidden && !whileHidden)) return;
    timer = setTimeout(() => void look(), document.hidden ? HIDDEN_MS : zone.client.pollingInterval);
  }
  const onVisible = () => {
    if (!document.hidden) void look();
  };
  document.addEventListener("visibilitychange", onVisible);
  timer = setTimeout(() => void look(), zone.client.pollingInterval);
  return {
    get: () => head,
    subscribe: (listener: Listener) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    /** Looks at once, for instance after a transaction of our own. */
    look,
    /** Whether to go on, more rarely, while nobody looks at the page. */
    watchHidden(on: boolean) {
      whileHidden = on;
    },
    stop() {
      stopped = true;
      clearTimeout(timer);
      document.removeEventListener("visibilitychange", onVisible);
    },
  };
}

export type HeadWatcher = ReturnType<typeof watchHead>;

export async function readHead(client: Zone["client"]): Promise<Head> {
  const block = await getBlock(client, { blockTag: "latest" });
  return {
    number: block.number,
    timestamp: Number(block.timestamp),
    receivedAt: performance.now(),
    lostSince: undefined,
  };
}

/**
 * The chain's clock now: the newest block's time carried on by this device's monotonic clock. Deadlines are the chain's,
 * and a phone's wall clock may be wrong.
 */
export function chainNow(head: Head, monotonicNow = performance.now()): number {
  return head.timestamp + Math.floor((monotonicNow - head.receivedAt) / 1000);
}

const seconds = {
  now: Math.floor(performance.now() / 1000),
  timer: undefined as ReturnType<typeof setInterval> | undefined,
  listeners: new Set<Listener>(),
};

/** Re-renders once a second; the value is monotonic, in seconds. */
export function useSecond(): number {
  return useSyncExternalStore(
    (listener) => {
      seconds.listeners.add(listener);
      seconds.timer ??= setInterval(() => {
        seconds.now = Math.floor(performance.now() / 1000);
        for (const each of seconds.listeners) each();
      }, 1000);
      return () => {
        seconds.listeners.delete(listener);
        if (seconds.listeners.size === 0) {
          clearInterval(seconds.timer);
          seconds.timer = undefined;
        }
      };
    },
    () => seconds.now,
  );
}
