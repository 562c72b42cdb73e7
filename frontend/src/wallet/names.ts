import type { Address } from "@ioe/protocol";
import { kindOf, sameAddress, usePresent, useZone } from "../data/index.ts";
import { text } from "../text/index.ts";

/** @returns a function that names an account: a demo household by its name, anybody else by the address. */
export function useAccountName() {
  const zone = useZone();
  return (account: Address) => {
    const demo = zone.deployment.demoAccounts ?? [];
    const at = demo.findIndex((each) => sameAddress(each.address, account));
    if (at < 0) return zone.format.address(account);
    // The deployment's own names are English.
    return demo[at]!.meterIds.length > 0 ? text.wallets.household(at + 1) : text.wallets.operator;
  };
}

/** @returns a function that names a meter: "Meter 2 · Solar". */
export function useMeterName() {
  const present = usePresent();
  return (meterId: number) => {
    const kind = kindOf(present?.meters.get(meterId));
    return kind ? `${text.meter.name(meterId)} · ${text.meter.kinds[kind]}` : text.meter.name(meterId);
  };
}
