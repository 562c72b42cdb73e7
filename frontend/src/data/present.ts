import { directMarketAbi, meterRegistryAbi } from "@ioe/protocol/abi";
import { readContract } from "viem/actions";
import type { Ledger } from "./ledger.ts";
import type { ListingRecord, Meter } from "./records.ts";
import type { Zone } from "./zone.ts";

/**
 * What holds in this moment: enough to look at offers, and to buy and sell. It follows from the ledger, whose twins are
 * the contracts' views; those are asked while the ledger is still being read.
 */
export interface Present {
  meters: ReadonlyMap<number, Meter>;
  listings: ReadonlyMap<bigint, ListingRecord>;
  /** False when older listings are missing. */
  hasAllListings: boolean;
  /** The open delivery a meter takes part in, in either role. */
  busy: ReadonlyMap<number, { deliveryId: bigint; deadline: number }>;
  /** What a meter promised and delivered as a seller, energy units; nothing of a meter that never sold. */
  records: ReadonlyMap<number, { promised: bigint; delivered: bigint }>;
}

const known = new WeakMap<Ledger, Present>();

/** Computed once for each ledger: the page asks every second, the ledger changes with a block. */
export function presentOf(ledger: Ledger): Present {
  let present = known.get(ledger);
  if (!present) known.set(ledger, (present = computePresent(ledger)));
  return present;
}

function computePresent({ meters, listings, deliveries }: Ledger): Present {
  const busy = new Map<number, { deliveryId: bigint; deadline: number }>();
  const records = new Map<number, { promised: bigint; delivered: bigint }>();
  for (const { id, outcome, deadline, sellerMeterId, buyerMeterId, energy, delivered } of deliveries.values()) {
    if (outcome === undefined) {
      busy.set(sellerMeterId, { deliveryId: id, deadline });
      busy.set(buyerMeterId, { deliveryId: id, deadline });
    } else {
      const record = records.get(sellerMeterId) ?? { promised: 0n, delivered: 0n };
      records.set(sellerMeterId, { promised: record.promised + energy, delivered: record.delivered + delivered });
    }
  }
  return { meters, listings, hasAllListings: true, busy, records };
}

/** Most meters, and most listings (the newest), that are asked about one by one. */
const [MOST_METERS, MOST_LISTINGS] = [1_000, 200];

/** @returns null for a zone with more meters than can be asked about: it has to wait for its ledger. */
export async function readPresent({ client, contracts }: Zone): Promise<Present | null> {
  const registry = { address: contracts.MeterRegistry, abi: meterRegistryAbi } as const;
  const market = { address: contracts.DirectMarket, abi: directMarketAbi } as const;
  const [meterCount, listingCount] = await Promise.all([
    readContract(client, { ...registry, functionName: "meterCount" }),
    readContract(client, { ...market, functionName: "listingCount" }),
  ]);
  if (meterCount > MOST_METERS) return null;
  const meterIds = Array.from({ length: meterCount }, (_, i) => i + 1);
  const shown = Math.min(Number(listingCount), MOST_LISTINGS);
  const listingIds = Array.from({ length: shown }, (_, i) => listingCount - BigInt(shown - i - 1));
  const [infos, open, records, listings] = await Promise.all([
    Promise.all(meterIds.map((id) => readContract(client, { ...registry, functionName: "meterOf", args: [id] }))),
    Promise.all(meterIds.map((id) => readContract(client, { ...market, functionName: "openDeliveryOf", args: [id] }))),
    Promise.all(meterIds.map((id) => readContract(client, { ...market, functionName: "recordOf", args: [id] }))),
    Promise.all(listingIds.map((id) => readContract(client, { ...market, functionName: "listingOf", args: [id] }))),
  ]);
  const deadlines = new Map(
    await Promise.all(
      [...new Set(open)]
        .filter((id) => id !== 0n)
        .map(async (id) => {
          const { deadline } = await readContract(client, { ...market, functionName: "deliveryOf", args: [id] });
          return [id, deadline] as const;
        }),
    ),
  );
  const byMeter = <T>(values: readonly T[]) => meterIds.map((id, i) => [id, values[i]!] as const);
  return {
    meters: new Map(
      byMeter(infos).map(([id, { owner, trader, kind, maxPowerW, active }]) => [
        id,
        { id, owner, trader, kind, maxPowerW, active },
      ]),
    ),
    listings: new Map(
      listings.map(({ account, meterId, energy, minEnergy, mode, price, expiresAt }, i) => {
        const id = listingIds[i]!;
        const terms = { mode: mode === 0 ? "fixed" : "index", price: BigInt(price), expiresAt } as const;
        return [id, { id, account, meterId, remaining: BigInt(energy), minEnergy: BigInt(minEnergy), ...terms }];
      }),
    ),
    hasAllListings: BigInt(shown) === listingCount,
    busy: new Map(
      byMeter(open)
        .filter(([, deliveryId]) => deliveryId !== 0n)
        .map(([id, deliveryId]) => [id, { deliveryId, deadline: deadlines.get(deliveryId)! }]),
    ),
    records: new Map(
      byMeter(records)
        .filter(([, [promised]]) => promised !== 0n)
        .map(([id, [promised, delivered]]) => [id, { promised, delivered }]),
    ),
  };
}
