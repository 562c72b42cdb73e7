import { meterRegistryAbi } from "@ioe/protocol/abi";
import { getAbiItem } from "viem";
import { getLogs, readContract } from "viem/actions";
import { useBlockQuery, useCurrentSlot, useFeed } from "./chain.tsx";
import { followLogs } from "./logs.ts";
import { useZone, type Zone } from "./zone.ts";

/** What the meters behind the common connection point counted in a slot, and what the one at that point did. */
export interface FeederSlot {
  slot: number;
  given: bigint;
  taken: bigint;
  /** Net import (imported − exported) of the meters behind, and at the connection point; energy units. */
  expected: bigint;
  measured: bigint;
  completeMeters: number;
  completeFeeders: number;
}

export interface Mismatch {
  slot: number;
  expected: bigint;
  measured: bigint;
}

/** Active meters behind the connection point and at it. */
export function useMeterCounts(): { meters: number; feeders: number } | undefined {
  const zone = useZone();
  const registry = { address: zone.contracts.MeterRegistry, abi: meterRegistryAbi } as const;
  return useBlockQuery(["meterCounts"], async () => {
    const [meters, feeders] = await Promise.all([
      readContract(zone.client, { ...registry, functionName: "activeMeters" }),
      readContract(zone.client, { ...registry, functionName: "activeFeeders" }),
    ]);
    return { meters, feeders };
  }).data;
}

/** The last slots whose totals are frozen, newest first. */
export function useFeeder(count: number): FeederSlot[] | undefined {
  const zone = useZone();
  const newest = useCurrentSlot() - 2;
  const registry = { address: zone.contracts.MeterRegistry, abi: meterRegistryAbi } as const;
  return useBlockQuery(
    ["feeder", newest, count],
    () =>
      Promise.all(
        Array.from({ length: count }, (_, i) => newest - i).map(async (slot) => {
          const [[given, taken, completeMeters], [fedIn, drawn, completeFeeders]] = await Promise.all([
            readContract(zone.client, { ...registry, functionName: "totalsIn", args: [slot] }),
            readContract(zone.client, { ...registry, functionName: "feederIn", args: [slot] }),
          ]);
          return {
            slot,
            given,
            taken,
            expected: taken - given,
            measured: drawn - fedIn,
            completeMeters,
            completeFeeders,
          };
        }),
      ),
    { keep: true },
  ).data;
}

const caches = new Map<string, { upTo(head: bigint): Promise<Mismatch[]> }>();

function mismatchesOf(zone: Zone) {
  let cache = caches.get(zone.id);
  if (!cache) {
    const event = getAbiItem({ abi: meterRegistryAbi, name: "FeederMismatch" });
    cache = followLogs(
      zone,
      (client, fromBlock, toBlock) =>
        getLogs(client, { address: zone.contracts.MeterRegistry, event, fromBlock, toBlock, strict: true }),
      {
        empty: [] as Mismatch[],
        add: (sum, logs) => [
          ...logs.map(({ args: { slot, expected, measured } }) => ({ slot, expected, measured })).reverse(),
          ...sum,
        ],
      },
    );
    caches.set(zone.id, cache);
  }
  return cache;
}

/** Slots in which the connection point and the meters behind it did not fit, newest first. */
export function useMismatches(): Mismatch[] | undefined {
  const zone = useZone();
  const { head } = useFeed();
  return useBlockQuery(["mismatches"], () => mismatchesOf(zone).upTo(head.get().number)).data;
}
