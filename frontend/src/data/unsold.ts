import { meterRegistryAbi } from "@ioe/protocol/abi";
import { readContract } from "viem/actions";
import { useBlockQuery, useCurrentSlot, useNow } from "./chain.tsx";
import { maySell } from "./meters.ts";
import type { Meter } from "./ledger.ts";
import type { Measured } from "./readings.ts";
import { useZone } from "./zone.ts";

/** Measured export of a slot that no sale has claimed, energy units. */
export interface Unsold {
  meterId: number;
  slot: number;
  energy: bigint;
}

/** Slots asked about at a time. */
const MOST = 24;

/** Unclaimed export of past slots whose figures are final, newest first, while it can still be claimed. */
export function useUnsold(meters: readonly Meter[] | undefined, measured: Measured | undefined): Unsold[] | undefined {
  const zone = useZone();
  const now = useNow();
  const current = useCurrentSlot();
  const end = (slot: number) => (slot + 1) * zone.slotDuration;
  const candidates = (meters ?? [])
    .filter(maySell)
    .flatMap((meter) =>
      [...(measured?.get(meter.id) ?? [])]
        // Once the grace is over nothing is booked any more, and most sales are settled.
        .filter(([slot, { exported }]) => exported > 0n && slot < current && now > end(slot) + zone.grace)
        .filter(([slot]) => now < end(slot) + zone.claimWindow)
        .map(([slot]) => ({ meterId: meter.id, slot })),
    )
    .sort((a, b) => b.slot - a.slot)
    .slice(0, MOST);
  const { data } = useBlockQuery(
    ["unsold", ...candidates.map(({ meterId, slot }) => `${meterId}/${slot}`)],
    async () => {
      const left = await Promise.all(
        candidates.map(({ meterId, slot }) =>
          readContract(zone.client, {
            address: zone.contracts.MeterRegistry,
            abi: meterRegistryAbi,
            functionName: "unclaimedIn",
            args: [meterId, slot],
          }),
        ),
      );
      return candidates
        .map((each, i) => ({ ...each, energy: BigInt(left[i]?.[0] ?? 0) }))
        .filter(({ energy }) => energy > 0n);
    },
    { enabled: measured !== undefined, keep: true },
  );
  return data;
}
