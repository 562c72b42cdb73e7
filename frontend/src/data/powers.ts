import type { Address } from "@ioe/protocol";
import { accessManagerAbi, callAuctionAbi, directMarketAbi, meterRegistryAbi, tariffAbi } from "@ioe/protocol/abi";
import { type Abi, type AbiFunction, getAbiItem, toFunctionSelector } from "viem";
import { readContract } from "viem/actions";
import { useBlockQuery, useFixedQuery } from "./chain.tsx";
import { useZone, type Zone } from "./zone.ts";

/** What only some accounts may do. */
export const POWERS = ["register", "rotateSigner", "setActive", "setTariff", "pauseMarket", "pauseAuction"] as const;
export type Power = (typeof POWERS)[number];

/** `delay`: seconds between preparing and doing it; 0 means at once. */
export type Powers = Record<Power, { allowed: boolean; delay: number }>;

function targetOf(zone: Zone, power: Power): { address: Address; abi: Abi; functionName: string } {
  const { MeterRegistry, Tariff, DirectMarket, CallAuction } = zone.contracts;
  switch (power) {
    case "setTariff":
      return { address: Tariff, abi: tariffAbi, functionName: power };
    case "pauseMarket":
      return { address: DirectMarket, abi: directMarketAbi, functionName: "pause" };
    case "pauseAuction":
      return { address: CallAuction, abi: callAuctionAbi, functionName: "pause" };
    case "register":
    case "rotateSigner":
    case "setActive":
      return { address: MeterRegistry, abi: meterRegistryAbi, functionName: power };
  }
}

const manager = (zone: Zone) => ({ address: zone.contracts.AccessManager, abi: accessManagerAbi }) as const;

/** What an account may do, as the AccessManager says; undefined while it is being asked. */
export function usePowers(account: Address | undefined): Powers | undefined {
  const zone = useZone();
  const { data } = useBlockQuery(
    ["powers", account],
    async () => {
      const answers = await Promise.all(
        POWERS.map(async (power) => {
          const { address, abi, functionName } = targetOf(zone, power);
          const selector = toFunctionSelector(getAbiItem({ abi, name: functionName }) as AbiFunction);
          const [immediate, delay] = await readContract(zone.client, {
            ...manager(zone),
            functionName: "canCall",
            args: [account!, address, selector],
          });
          return [power, { allowed: immediate || delay > 0, delay }] as const;
        }),
      );
      return Object.fromEntries(answers) as Powers;
    },
    { enabled: account !== undefined },
  );
  return account === undefined ? undefined : data;
}

export const hasAnyPower = (powers: Powers | undefined) =>
  powers !== undefined && Object.values(powers).some(({ allowed }) => allowed);

/** Prices announced so far, oldest first. */
export function useSchedule() {
  const zone = useZone();
  return useBlockQuery(["tariffSchedule"], () =>
    readContract(zone.client, { address: zone.contracts.Tariff, abi: tariffAbi, functionName: "schedule" }),
  ).data;
}

/** Slots between an announcement of prices and the first slot they can hold for. */
export function useNoticeSlots(): number | undefined {
  const zone = useZone();
  return useFixedQuery(["noticeSlots"], () =>
    readContract(zone.client, { address: zone.contracts.Tariff, abi: tariffAbi, functionName: "noticeSlots" }),
  ).data;
}
