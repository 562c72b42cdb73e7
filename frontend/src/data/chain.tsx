import {
  keepPreviousData,
  QueryClient,
  QueryClientProvider,
  useQuery,
  type UseQueryResult,
} from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useSyncExternalStore } from "react";
import { chainNow, type Head, type HeadWatcher, useSecond, watchHead } from "./head.ts";
import { type HistoryProgress, type HistoryWatcher, watchHistory } from "./history.ts";
import type { Ledger } from "./ledger.ts";
import { createLogCache, type LogCache } from "./logCache.ts";
import { type Present, presentOf, readPresent } from "./present.ts";
import { useZone, type Zone, ZoneContext } from "./zone.ts";

/** The parts that keep the page in step with the chain. Built once per page. */
export interface ChainFeed {
  zone: Zone;
  head: HeadWatcher;
  history: HistoryWatcher;
  logs: LogCache;
  queries: QueryClient;
}

/** Keys hold ids and block numbers, which JSON does not know. */
const hashKey = (key: readonly unknown[]) =>
  JSON.stringify(key, (_name, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));

export function openFeed(zone: Zone, first: Head): ChainFeed {
  const queries = new QueryClient({
    defaultOptions: {
      queries: {
        queryKeyHashFn: hashKey,
        staleTime: Infinity,
        retry: 1,
        refetchOnWindowFocus: false,
        refetchOnReconnect: false,
      },
    },
  });
  const history = watchHistory();
  const logs = createLogCache(zone, history.teller("ledger"));
  // Only what is on screen is read again; the rest is merely marked as old.
  const head = watchHead(zone, first, () => void queries.invalidateQueries({ queryKey: ["block"] }));
  // Every page needs it: it need not wait for the first one to ask. What is wrong with it that page will be told.
  logs.upTo(first.number).catch(() => undefined);
  return { zone, head, history, logs, queries };
}

const FeedContext = createContext<ChainFeed | undefined>(undefined);

export function ChainProvider({ feed, children }: { feed: ChainFeed; children: ReactNode }) {
  return (
    <ZoneContext value={feed.zone}>
      <FeedContext value={feed}>
        <QueryClientProvider client={feed.queries}>{children}</QueryClientProvider>
      </FeedContext>
    </ZoneContext>
  );
}

export function useFeed(): ChainFeed {
  const feed = useContext(FeedContext);
  if (!feed) throw new Error("useFeed outside of ChainProvider");
  return feed;
}

export function useHead(): Head {
  const { head } = useFeed();
  return useSyncExternalStore(head.subscribe, head.get);
}

/** The chain's clock, Unix seconds, ticking once a second. */
export function useNow(): number {
  const head = useHead();
  useSecond();
  return chainNow(head);
}

/** The slot that runs now; changes only at a boundary. */
export function useCurrentSlot(): number {
  const { slotDuration } = useZone();
  return Math.floor((useNow() - 1) / slotDuration);
}

interface Options {
  enabled?: boolean;
  /** Shows the answer for the previous key until the new one is there: for keys that move with time, such as a slot. */
  keep?: boolean;
}

/** Something that may change with every block. The last answer stays on screen while the next one is read. */
export function useBlockQuery<T>(
  key: readonly unknown[],
  read: () => Promise<T>,
  options: Options = {},
): UseQueryResult<T> {
  const zone = useZone();
  return useQuery({
    queryKey: ["block", zone.id, ...key],
    queryFn: read,
    enabled: options.enabled ?? true,
    placeholderData: options.keep ? keepPreviousData : undefined,
  });
}

/** Something that, once true, stays true (a past slot, a closed delivery, a block's time). Read once. */
export function useFixedQuery<T>(
  key: readonly unknown[],
  read: () => Promise<T>,
  options: Options = {},
): UseQueryResult<T> {
  const zone = useZone();
  return useQuery({
    queryKey: ["fixed", zone.id, ...key],
    queryFn: read,
    enabled: options.enabled ?? true,
    placeholderData: options.keep ? keepPreviousData : undefined,
    gcTime: Infinity,
  });
}

/** What the zone's events add up to; `undefined` while they are read for the first time. */
export function useLedger(): Ledger | undefined {
  const { logs, head } = useFeed();
  return useBlockQuery(["ledger"], () => logs.upTo(head.get().number)).data;
}

/** How far the slowest reading of the history is; undefined while there was none that takes longer than a moment. */
export function useHistoryProgress(): HistoryProgress | undefined {
  const { history } = useFeed();
  return useSyncExternalStore(history.subscribe, history.get);
}

/** How long the views' answers do while the ledger is being read: a thousand of them with every block would hold it up. */
const PRESENT_MS = 15_000;

/** What holds in this moment, also while the history is still being read. */
export function usePresent(): Present | undefined {
  const zone = useZone();
  const ledger = useLedger();
  const { history } = useFeed();
  const takesLong = useSyncExternalStore(history.subscribe, () => history.get() !== undefined);
  const { data } = useQuery({
    queryKey: ["present", zone.id],
    queryFn: () => readPresent(zone),
    enabled: !ledger && takesLong,
    refetchInterval: PRESENT_MS,
  });
  return ledger ? presentOf(ledger) : (data ?? undefined);
}
