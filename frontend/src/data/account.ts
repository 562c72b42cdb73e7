import type { Address } from "@ioe/protocol";
import { paymentTokenAbi, vaultAbi } from "@ioe/protocol/abi";
import { readContract } from "viem/actions";
import { useBlockQuery } from "./chain.tsx";
import { useZone } from "./zone.ts";

/** Money of an account, base units of the payment token. */
export interface Funds {
  /** In the vault, not locked by a market. */
  free: bigint;
  /** In the account's own wallet. */
  wallet: bigint;
  /** What the vault may pull without a signature. */
  allowance: bigint;
  /** The direct market may lock the free money. */
  marketAllowed: boolean;
  /** So may the call auction. */
  auctionAllowed: boolean;
}

export function useFunds(account: Address | undefined): Funds | undefined {
  const zone = useZone();
  const { Vault, PaymentToken, DirectMarket, CallAuction } = zone.contracts;
  const vault = { address: Vault, abi: vaultAbi } as const;
  const token = { address: PaymentToken, abi: paymentTokenAbi } as const;
  const { data } = useBlockQuery(
    ["funds", account],
    async () => {
      const owner = account as Address;
      const [free, marketAllowed, auctionAllowed, wallet, allowance] = await Promise.all([
        readContract(zone.client, { ...vault, functionName: "free", args: [owner] }),
        readContract(zone.client, { ...vault, functionName: "allowed", args: [owner, DirectMarket] }),
        readContract(zone.client, { ...vault, functionName: "allowed", args: [owner, CallAuction] }),
        readContract(zone.client, { ...token, functionName: "balanceOf", args: [owner] }),
        readContract(zone.client, { ...token, functionName: "allowance", args: [owner, Vault] }),
      ]);
      return { free, marketAllowed, auctionAllowed, wallet, allowance };
    },
    { enabled: account !== undefined },
  );
  return data;
}
