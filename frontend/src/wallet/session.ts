import type { Address } from "@ioe/protocol";
import type { Chain } from "viem";
import { useConnection, useSwitchChain } from "wagmi";
import { useZone } from "../data/index.ts";

/**
 * none          → nobody is connected (or the wallet is still being asked)
 * wrongNetwork  → the wallet looks at another chain; reading works, writing does not
 * ready         → `account` can act
 */
export type Session =
  | { kind: "none"; account?: undefined }
  | { kind: "wrongNetwork"; account: Address }
  | { kind: "ready"; account: Address };

export function useSession(): Session {
  const zone = useZone();
  const { address, chainId, isConnected } = useConnection();
  if (!isConnected || !address) return { kind: "none" };
  return chainId === zone.chain.id ? { kind: "ready", account: address } : { kind: "wrongNetwork", account: address };
}

/** The chain as a wallet that does not know it learns of it (EIP-3085). */
export const networkOf = ({ id, name, nativeCurrency, rpcUrls }: Chain) => ({
  chainId: id,
  addEthereumChainParameter: { chainName: name, nativeCurrency, rpcUrls: rpcUrls.default.http },
});

/** Asks the wallet to change to the zone's chain, and to add it when it does not know it. */
export function useFixNetwork() {
  const zone = useZone();
  const { mutate, isPending, error } = useSwitchChain();
  return { fix: () => mutate(networkOf(zone.chain)), isPending, error };
}
