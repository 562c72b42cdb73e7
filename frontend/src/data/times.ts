import { useQueries } from "@tanstack/react-query";
import { getBlock } from "viem/actions";
import { useLedger } from "./chain.tsx";
import { useZone, type Zone } from "./zone.ts";

async function timeOf(zone: Zone, blockNumber: bigint): Promise<number> {
  return Number((await getBlock(zone.client, { blockNumber })).timestamp);
}

/** Unix seconds of blocks, in the same order; undefined while they are read. Most nodes said them with the logs. */
export function useBlockTimes(blocks: readonly bigint[]): (number | undefined)[] {
  const zone = useZone();
  const known = useLedger()?.times;
  const missing = known ? [...new Set(blocks)].filter((block) => !known.has(block)) : [];
  const asked = useQueries({
    queries: missing.map((block) => ({
      queryKey: ["fixed", zone.id, "time", block],
      queryFn: () => timeOf(zone, block),
      gcTime: Infinity,
    })),
    combine: (results) => new Map(results.map(({ data }, i) => [missing[i]!, data])),
  });
  return blocks.map((block) => known?.get(block) ?? asked.get(block));
}
