import { meterRegistryAbi, tariffAbi } from "@ioe/protocol/abi";
import { readContract } from "viem/actions";
import { useBlockQuery, useCurrentSlot, useFixedQuery, usePresent } from "./chain.tsx";
import { useZone, type Zone } from "./zone.ts";

/** Base units per kWh. */
export interface Tariff {
  feedIn: bigint;
  retail: bigint;
  gridFee: bigint;
}

export interface Prices extends Tariff {
  slot: number;
  /** What a seller gets at the index price. */
  sell: bigint;
  /** What a kWh costs on average over local and utility supply. */
  buy: bigint;
}

/** Energy all meters gave to and took from the grid in a slot, energy units. */
export interface Balance {
  slot: number;
  given: bigint;
  taken: bigint;
  completeMeters: number;
  activeMeters: number;
  /** The same for each meter, when they are few enough to be looked at one by one. */
  meters: { id: number; given: number; taken: number }[] | undefined;
}

/** Largest zone whose meters are shown one by one. */
const FEW_METERS = 8;

export async function readTariff(zone: Zone, slot: number): Promise<Tariff> {
  const [feedIn, retail, gridFee] = await readContract(zone.client, {
    address: zone.contracts.Tariff,
    abi: tariffAbi,
    functionName: "tariffAt",
    args: [slot],
  });
  return { feedIn, retail, gridFee };
}

export function usePrices(): Prices | undefined {
  const zone = useZone();
  const slot = useCurrentSlot();
  const { data } = useBlockQuery(
    ["prices", slot],
    async () => {
      const [tariff, [sell, buy]] = await Promise.all([
        readTariff(zone, slot),
        readContract(zone.client, {
          address: zone.contracts.Tariff,
          abi: tariffAbi,
          functionName: "indexPrice",
          args: [slot],
        }),
      ]);
      return { slot, ...tariff, sell, buy };
    },
    { keep: true },
  );
  return data;
}

/** Supply and demand of the slot that makes the present price: two before the current one, and frozen. */
export function useBalance(): Balance | undefined {
  const zone = useZone();
  const slot = useCurrentSlot() - 2;
  const registry = { address: zone.contracts.MeterRegistry, abi: meterRegistryAbi } as const;
  const known = usePresent()?.meters;
  const ids = known && known.size <= FEW_METERS ? [...known.keys()] : undefined;
  const { data } = useFixedQuery(
    ["balance", slot, ...(ids ?? [])],
    async () => {
      const [[exported, imported, completeMeters], activeMeters, energies] = await Promise.all([
        readContract(zone.client, { ...registry, functionName: "totalsIn", args: [slot] }),
        readContract(zone.client, { ...registry, functionName: "activeMeters" }),
        ids &&
          Promise.all(
            ids.map((id) => readContract(zone.client, { ...registry, functionName: "energyIn", args: [id, slot] })),
          ),
      ]);
      const meters = energies?.map(([given, taken], i) => ({ id: ids![i]!, given, taken }));
      return { slot, given: exported, taken: imported, completeMeters, activeMeters, meters };
    },
    { keep: true, enabled: known !== undefined },
  );
  return data;
}

export interface PricePoint {
  slot: number;
  sell: bigint;
}

/** Index prices of the last `count` slots, oldest first. Slots before the deployment are left out. */
export function usePriceHistory(count: number): PricePoint[] | undefined {
  const zone = useZone();
  const last = useCurrentSlot();
  const { data } = useFixedQuery(
    ["priceHistory", last, count],
    async () => {
      const slots = Array.from({ length: count }, (_, i) => last - count + 1 + i);
      return Promise.all(
        slots.map(async (slot) => {
          const [sell] = await readContract(zone.client, {
            address: zone.contracts.Tariff,
            abi: tariffAbi,
            functionName: "indexPrice",
            args: [slot],
          });
          return { slot, sell };
        }),
      );
    },
    { keep: true },
  );
  return data;
}
