import { meterRegistryAbi } from "@ioe/protocol/abi";
import { getAbiItem } from "viem";
import { getLogs } from "viem/actions";
import { type ChainFeed, useBlockQuery, useFeed } from "./chain.tsx";
import { followLogs, type Kept } from "./logs.ts";
import { openShelf } from "./shelf.ts";
import { addReadings, NO_READINGS, type ReadingLog, READINGS_SHAPE, type ReadingSum } from "./slotEnergy.ts";

/** meter → slot → energy. */
export type Measured = ReadingSum["slots"];

/** meter → slot → what its registers showed. */
export type Registered = ReadingSum["registers"];

const caches = new Map<string, { upTo(head: bigint): Promise<ReadingSum> }>();

/** Readings are many, so that only those of the meters that are looked at are asked for. */
function cacheOf({ zone, history }: ChainFeed, meterIds: readonly number[], maxPowerW: (meterId: number) => number) {
  const key = `${zone.id}/${meterIds.join()}`;
  let cache = caches.get(key);
  if (!cache) {
    const common = { address: zone.contracts.MeterRegistry, args: { meterId: [...meterIds] }, strict: true } as const;
    const accepted = getAbiItem({ abi: meterRegistryAbi, name: "ReadingAccepted" });
    const rebased = getAbiItem({ abi: meterRegistryAbi, name: "Rebased" });
    cache = followLogs(
      zone,
      async (client, fromBlock, toBlock) => {
        const [readings, jumps] = await Promise.all([
          getLogs(client, { ...common, event: accepted, fromBlock, toBlock }),
          getLogs(client, { ...common, event: rebased, fromBlock, toBlock }),
        ]);
        const restarted = new Set(jumps.map(({ args }) => `${args.meterId}/${args.takenAt}`));
        return readings.map(({ args, blockNumber, blockHash, logIndex }): ReadingLog => ({
          ...args,
          blockNumber,
          blockHash,
          logIndex,
          rebased: restarted.has(`${args.meterId}/${args.takenAt}`),
        }));
      },
      { empty: NO_READINGS, add: (sum, logs) => addReadings(sum, logs, { maxPowerW, unitsPerKWh: zone.unitsPerKWh }) },
      {
        shelf: openShelf<Kept<ReadingSum>>(zone.id, `readings-${meterIds.join()}`, READINGS_SHAPE),
        tell: history.teller(key),
      },
    );
    caches.set(key, cache);
  }
  return cache;
}

type Asked = readonly { id: number; maxPowerW: number }[] | undefined;

/** What some meters measured by slot; undefined while their readings are read for the first time. */
export const useMeasured = (meters: Asked): Measured | undefined => useReadings(meters)?.slots;

/** What their registers showed, alike. */
export const useRegistered = (meters: Asked): Registered | undefined => useReadings(meters)?.registers;

function useReadings(meters: Asked): ReadingSum | undefined {
  const feed = useFeed();
  const ids = meters?.map(({ id }) => id) ?? [];
  const power = new Map(meters?.map(({ id, maxPowerW }) => [id, maxPowerW]));
  return useBlockQuery(
    ["measured", ...ids],
    () => cacheOf(feed, ids, (id) => power.get(id) ?? 0).upTo(feed.head.get().number),
    { enabled: meters !== undefined },
  ).data;
}
