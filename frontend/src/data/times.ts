import { directMarketAbi } from "@ioe/protocol/abi";
import { getBlock, readContract } from "viem/actions";
import { useQueries } from "@tanstack/react-query";
import { readTariff, type Tariff } from "./prices.ts";
import { useZone, type Zone } from "./zone.ts";

/** What never changes about a purchase and no event says. */
export interface Terms {
  startSlot: number;
  /** Base units per kWh. */
  gridFee: bigint;
  /** The utility's prices in the slot of the purchase. */
  tariff: Tariff;
  /** Unix seconds of the purchase, and of the close when it is closed. */
  boughtAt: number;
  closedAt: number | undefined;
}

async function timeOf(zone: Zone, blockNumber: bigint): Promise<number> {
  return Number((await getBlock(zone.client, { blockNumber })).timestamp);
}

async function readTerms(zone: Zone, id: bigint, bought: bigint, closed: bigint | undefined): Promise<Terms> {
  const delivery = await readContract(zone.client, {
    address: zone.contracts.DirectMarket,
    abi: directMarketAbi,
    functionName: "deliveryOf",
    args: [id],
  });
  const [tariff, boughtAt, closedAt] = await Promise.all([
    readTariff(zone, delivery.startSlot),
    timeOf(zone, bought),
    closed === undefined ? undefined : timeOf(zone, closed),
  ]);
  return { startSlot: delivery.startSlot, gridFee: BigInt(delivery.gridFee), tariff, boughtAt, closedAt };
}

type Purchase = { id: bigint; boughtInBlock: bigint; closedInBlock: bigint | undefined };

/** Terms of each purchase, in the same order; undefined while they are read. Each is read once. */
export function useTermsOf(purchases: readonly Purchase[]): (Terms | undefined)[] {
  const zone = useZone();
  return useQueries({
    queries: purchases.map(({ id, boughtInBlock, closedInBlock }) => ({
      queryKey: ["fixed", zone.id, "terms", id, boughtInBlock, closedInBlock],
      queryFn: () => readTerms(zone, id, boughtInBlock, closedInBlock),
      gcTime: Infinity,
    })),
    combine: (results) => results.map((result) => result.data),
  });
}

/** Unix seconds of blocks, in the same order; undefined while they are read. */
export function useBlockTimes(blocks: readonly bigint[]): (number | undefined)[] {
  const zone = useZone();
  return useQueries({
    queries: blocks.map((block) => ({
      queryKey: ["fixed", zone.id, "time", block],
      queryFn: () => timeOf(zone, block),
      gcTime: Infinity,
    })),
    combine: (results) => results.map((result) => result.data),
  });
}

export function useTerms(purchase: Purchase): Terms | undefined {
  return useTermsOf([purchase])[0];
}
