import type { Address } from "@ioe/protocol";
import { callAuctionAbi } from "@ioe/protocol/abi";
import { useQueries, useQueryClient } from "@tanstack/react-query";
import { useState } from "react";
import { readContract } from "viem/actions";
import { booksDue, isRead } from "./books.ts";
import { useBlockQuery, useLedger } from "./chain.tsx";
import type { OrderRecord } from "./ledger.ts";
import { sameAddress } from "./address.ts";
import { readTariff } from "./prices.ts";
import { useZone, type Zone } from "./zone.ts";

/** In the contract's order (`Status`). */
const STATUSES = ["none", "open", "cleared", "finalized", "void"] as const;
export type Status = (typeof STATUSES)[number];

/** The orders of a slot, added up by tick at the seller's price: a bid with limit t stands at t − feeTicks. */
export interface Book {
  slot: number;
  status: Status;
  feedInTick: number;
  retailTick: number;
  feeTicks: number;
  /** Energy units by tick. */
  bids: readonly bigint[];
  asks: readonly bigint[];
}

const auction = (zone: Zone) => ({ address: zone.contracts.CallAuction, abi: callAuctionAbi }) as const;

/** Base units per kWh. */
export function tickPrice(zone: Pick<Zone, "minPrice" | "tickSize">, tick: number): bigint {
  return zone.minPrice + BigInt(tick) * zone.tickSize;
}

async function readBook(zone: Zone, slot: number): Promise<Book> {
  const [state, [bids, asks], tariff] = await Promise.all([
    readContract(zone.client, { ...auction(zone), functionName: "auctionOf", args: [slot] }),
    readContract(zone.client, { ...auction(zone), functionName: "depth", args: [slot] }),
    readTariff(zone, slot),
  ]);
  const status = STATUSES[state.status] ?? "none";
  // The first order of a slot fixes its tariff; until then it is the announced one.
  const ticks =
    status === "none"
      ? {
          feedInTick: Number((tariff.feedIn - zone.minPrice) / zone.tickSize),
          retailTick: Number((tariff.retail - zone.minPrice) / zone.tickSize),
          feeTicks: Number(tariff.gridFee / zone.tickSize),
        }
      : { feedInTick: state.feedInTick, retailTick: state.retailTick, feeTicks: state.feeTicks };
  // The ABI types stop at arrays of this length.
  return { slot, status, ...ticks, bids: bids as readonly bigint[], asks: asks as readonly bigint[] };
}

const bookKey = (slot: number) => ["book", slot] as const;

export function useBook(slot: number): Book | undefined {
  const zone = useZone();
  return useBlockQuery(bookKey(slot), () => readBook(zone, slot)).data;
}

/**
 * The books of several slots, by slot, as far as they are read; the same as `useBook` has.
 * @param followed read again with every block
 * @param others read once, and again when they are followed
 */
export function useBooks(followed: readonly number[], others: readonly number[] = []): ReadonlyMap<number, Book> {
  const zone = useZone();
  const queries = useQueryClient();
  const [since] = useState(() => Date.now());
  // As useBlockQuery keeps it.
  const keyOf = (slot: number) => ["block", zone.id, ...bookKey(slot)];
  const due = booksDue(followed, others, (slot) => isRead(queries.getQueryState(keyOf(slot)), since));
  const books = useQueries({
    queries: [...followed, ...others].map((slot) => ({
      queryKey: keyOf(slot),
      queryFn: () => readBook(zone, slot),
      enabled: due.has(slot),
    })),
  });
  return new Map(books.flatMap(({ data }) => (data ? [[data.slot, data] as const] : [])));
}

/** True while the guardian has paused new orders. */
export function useAuctionPaused(): boolean {
  const zone = useZone();
  const { data } = useBlockQuery(["auctionPaused"], () =>
    readContract(zone.client, { ...auction(zone), functionName: "paused" }),
  );
  return data ?? false;
}

/** Orders an account may take back or has a stake in, by slot: its own, and those it trades for. */
export function useMyOrders(account: Address | undefined): OrderRecord[] | undefined {
  const ledger = useLedger();
  if (!ledger) return undefined;
  return [...ledger.orders.values()]
    .filter((order) => {
      const meter = ledger.meters.get(order.meterId);
      const isTrader = sameAddress(meter?.trader, account) && sameAddress(meter?.owner, order.account);
      return sameAddress(order.account, account) || isTrader;
    })
    .sort((a, b) => a.slot - b.slot || (a.id < b.id ? -1 : 1));
}

/** Energy the clearing accepted of orders that are not settled yet, by id, energy units. */
export function useFills(ids: readonly bigint[]): ReadonlyMap<bigint, bigint> | undefined {
  const zone = useZone();
  const { data } = useBlockQuery(
    ["fills", ...ids],
    async () => {
      const fills = await Promise.all(
        ids.map((id) => readContract(zone.client, { ...auction(zone), functionName: "fillOf", args: [id] })),
      );
      return new Map(ids.map((id, i) => [id, BigInt(fills[i] ?? 0)]));
    },
    { keep: true },
  );
  return data;
}
