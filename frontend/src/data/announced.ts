import type { Address, Hex } from "@ioe/protocol";
import { accessManagerAbi } from "@ioe/protocol/abi";
import { getAbiItem } from "viem";
import { getLogs, readContract } from "viem/actions";
import { useBlockQuery, useFeed, useFixedQuery, useNow } from "./chain.tsx";
import { type AnnouncedLog, type OpenAnnouncement, openAnnouncements } from "./announcements.ts";
import { followLogs } from "./logs.ts";
import { sameAddress } from "./address.ts";
import { useZone, type Zone } from "./zone.ts";

/** A call that somebody with a role has announced and not carried out yet. Times in Unix seconds. */
export interface Announced {
  id: Hex;
  caller: Address;
  target: Address;
  data: Hex;
  /** From here on it can be carried out, until `expiresAt`. */
  readyAt: number;
  expiresAt: number;
}

const EVENTS = (["OperationScheduled", "OperationExecuted", "OperationCanceled"] as const).map((name) =>
  getAbiItem({ abi: accessManagerAbi, name }),
);

const NONE: readonly OpenAnnouncement[] = [];

const caches = new Map<string, { upTo(head: bigint): Promise<readonly OpenAnnouncement[]> }>();

function announcementsOf(zone: Zone) {
  let cache = caches.get(zone.id);
  if (!cache) {
    const address = zone.contracts.AccessManager;
    cache = followLogs(
      zone,
      (client, fromBlock, toBlock) =>
        getLogs(client, { address, events: EVENTS, fromBlock, toBlock, strict: true }) as Promise<AnnouncedLog[]>,
      { empty: NONE, add: openAnnouncements },
    );
    caches.set(zone.id, cache);
  }
  return cache;
}

/** What an account has announced and can still carry out or take back, the next one first. */
export function useAnnounced(account: Address | undefined): Announced[] | undefined {
  const zone = useZone();
  const now = useNow();
  const { head } = useFeed();
  const { data: open } = useBlockQuery(["announced"], () => announcementsOf(zone).upTo(head.get().number));
  const { data: lasts } = useFixedQuery(["announcedLasts"], () =>
    readContract(zone.client, {
      address: zone.contracts.AccessManager,
      abi: accessManagerAbi,
      functionName: "expiration",
    }),
  );
  if (!open || lasts === undefined) return undefined;
  return open
    .filter(({ caller }) => sameAddress(caller, account))
    .map((each) => ({ ...each, expiresAt: each.readyAt + lasts }))
    .filter(({ expiresAt }) => now < expiresAt)
    .sort((a, b) => a.readyAt - b.readyAt);
}
