import type { Address } from "@ioe/protocol";
import { meterRegistryAbi } from "@ioe/protocol/abi";
import { readContract } from "viem/actions";
import { sameAddress } from "./address.ts";
import { useBlockQuery, useFixedQuery, usePresent } from "./chain.tsx";
import type { Meter } from "./ledger.ts";
import { useZone, type Zone } from "./zone.ts";

/** What stands behind a meter, in the contract's order (`Kind`). */
export const KINDS = ["load", "solar", "wind", "hydro", "battery", "grid", "prosumer"] as const;
export type MeterKind = (typeof KINDS)[number];

export function kindOf(meter: Pick<Meter, "kind"> | undefined): MeterKind | undefined {
  return meter && KINDS[meter.kind];
}

/** As the markets judge it (`isSource`): behind the others is nothing for sale. */
export function maySell(meter: Pick<Meter, "kind">): boolean {
  const kind = kindOf(meter);
  return kind !== "load" && kind !== "grid";
}

/** Meters an account owns or trades for, by id. */
function metersOf(meters: ReadonlyMap<number, Meter>, account: Address | undefined): Meter[] {
  return [...meters.values()]
    .filter((meter) => sameAddress(meter.owner, account) || sameAddress(meter.trader, account))
    .sort((a, b) => a.id - b.id);
}

export function useMyMeters(account: Address | undefined): Meter[] | undefined {
  const present = usePresent();
  return present && metersOf(present.meters, account);
}

/** Cumulative registers at one instant, energy units. */
export interface Registers {
  takenAt: number;
  imported: bigint;
  exported: bigint;
  epoch: number;
}

async function readRegisters(zone: Zone, meterId: number, blockNumber?: bigint): Promise<Registers> {
  const info = await readContract(zone.client, {
    address: zone.contracts.MeterRegistry,
    abi: meterRegistryAbi,
    functionName: "meterOf",
    args: [meterId],
    blockNumber,
  });
  return { takenAt: info.lastTakenAt, imported: info.imported, exported: info.exported, epoch: info.epoch };
}

/** Registers of the newest accepted reading. */
export function useRegisters(meterId: number): Registers | undefined {
  const zone = useZone();
  return useBlockQuery(["registers", meterId], () => readRegisters(zone, meterId)).data;
}

/**
 * Registers as the chain knew them in a past block. Nodes keep a few minutes of history at least, which is as long as a
 * delivery lasts; an older state may be gone, then this stays `undefined`.
 */
export function useRegistersAt(meterId: number, block: bigint): Registers | undefined {
  const zone = useZone();
  return useFixedQuery(["registersAt", meterId, block], () => readRegisters(zone, meterId, block)).data;
}

/** The address whose key signs for a meter in an epoch; `null` when there is none. */
export async function readSigner(zone: Zone, meterId: number, epoch: number): Promise<Address | null> {
  const signer = await readContract(zone.client, {
    address: zone.contracts.MeterRegistry,
    abi: meterRegistryAbi,
    functionName: "signerOf",
    args: [meterId, epoch],
  });
  return signer.length === 42 ? signer : null;
}
