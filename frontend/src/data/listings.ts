import { directMarketAbi } from "@ioe/protocol/abi";
import { readContract } from "viem/actions";
import { useBlockQuery, useLedger, useNow } from "./chain.tsx";
import { busyMeters, type Offer, offersOf } from "./offers.ts";
import { usePrices } from "./prices.ts";
import { useZone } from "./zone.ts";

/** Offers that can be bought now or as soon as their meter is free, in the order of their ids. */
export function useOffers(): Offer[] | undefined {
  const ledger = useLedger();
  const prices = usePrices();
  const now = useNow();
  return ledger && prices && offersOf(ledger, prices, now);
}

/** The delivery that occupies a meter; `null` when the meter is free, `undefined` while that is being read. */
export function useBusy(meterId: number | undefined): Offer["busy"] | null | undefined {
  const ledger = useLedger();
  return ledger && meterId !== undefined ? (busyMeters(ledger).get(meterId) ?? null) : undefined;
}

/** True while the guardian has paused offers and purchases. */
export function useMarketPaused(): boolean {
  const zone = useZone();
  const { data } = useBlockQuery(["paused"], () =>
    readContract(zone.client, { address: zone.contracts.DirectMarket, abi: directMarketAbi, functionName: "paused" }),
  );
  return data ?? false;
}
