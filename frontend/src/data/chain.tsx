import {
  keepPreviousData,
  QueryClient,
  QueryClientProvider,
  useQuery,
  type UseQueryResult,
} from "@tanstack/react-query";
import { createContext, type ReactNode, useContext, useSyncExternalStore } from "react";
import { chainNow, type Head, type HeadWatcher, readHead, useSecond, watchHead } from "./head.ts";
import type { Ledger } from "./ledger.ts";
import { createLogCache, type LogCache } from "./logCache.ts";
import { useZone, type Zone, ZoneContext } from "./zone.ts";

/** The parts that keep the page in step with the chain. Built once per page. */
export interface ChainFeed {
  zone: Zone;
  head: HeadWatcher;
  logs: LogCache;
  queries: QueryClient;
}

/** Keys hold ids and block numbers, which JSON does not know. */
const hashKey = (key: readonly unknown[]) =>
  JSON.stringify(key, (_name, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));

export async function openFeed(zone: Zone): Promise<ChainFeed> {
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
  const logs = createLogCache(zone);
  // Only what is on screen is read again; the rest is merely marked as old.
  const head = watchHead(zone, await readHead(zone), () => void queries.invalidateQueries({ queryKey: ["block"] }));
  return { zone, head, logs, queries };
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
