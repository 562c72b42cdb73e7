import { directMarketAbi } from "@ioe/protocol/abi";
import { readContract } from "viem/actions";
import { useBlockQuery, useNow, usePresent } from "./chain.tsx";
import { type Offer, offersOf } from "./offers.ts";
import { usePrices } from "./prices.ts";
import { useZone } from "./zone.ts";

/** Offers that can be bought now or as soon as their meter is free, in the order of their ids. */
export function useOffers(): Offer[] | undefined {
  const present = usePresent();
  const prices = usePrices();
  const now = useNow();
  return present && prices && offersOf(present, prices, now);
}

/** The delivery that occupies a meter; `null` when the meter is free, `undefined` while that is being read. */
export function useBusy(meterId: number | undefined): Offer["busy"] | null | undefined {
  const present = usePresent();
  return present && meterId !== undefined ? (present.busy.get(meterId) ?? null) : undefined;
}

/** True while the guardian has paused offers and purchases. */
export function useMarketPaused(): boolean {
  const zone = useZone();
  const { data } = useBlockQuery(["paused"], () =>
    readContract(zone.client, { address: zone.contracts.DirectMarket, abi: directMarketAbi, functionName: "paused" }),
  );
  return data ?? false;
}
