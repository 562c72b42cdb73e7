import { type Config, createConfig, createStorage } from "wagmi";
import type { Zone } from "../data/index.ts";
import { burner } from "./burner.ts";

/** wagmi for one zone: wallets that announce themselves (EIP-6963) and, on a local chain, the demo accounts. */
export function createWalletConfig(zone: Zone): Config {
  const demoAccounts = zone.isLocal ? (zone.deployment.demoAccounts ?? []) : [];
  return createConfig({
    chains: [zone.chain],
    client: () => zone.client,
    connectors: demoAccounts.map((account) => burner(account, zone)),
    storage: createStorage({ storage: window.localStorage, key: "ioe" }),
  });
}
