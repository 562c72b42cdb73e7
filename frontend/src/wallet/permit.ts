import { paymentTokenAbi } from "@ioe/protocol/abi";
import { parseSignature } from "viem";
import { readContract } from "viem/actions";
import { useSignTypedData } from "wagmi";
import { useZone } from "../data/index.ts";
import { explain } from "./explain.ts";
import { useSession } from "./session.ts";

const TYPES = {
  Permit: [
    { name: "owner", type: "address" },
    { name: "spender", type: "address" },
    { name: "value", type: "uint256" },
    { name: "nonce", type: "uint256" },
    { name: "deadline", type: "uint256" },
  ],
} as const;

/** Long enough to find the wallet's window, short enough to be worthless to a finder. */
const VALID_FOR = 20 * 60;

export interface Permit {
  deadline: bigint;
  v: number;
  r: `0x${string}`;
  s: `0x${string}`;
}

/**
 * ERC-2612: lets the vault pull exactly `value`, with a signature instead of a transaction. Undefined without such a token.
 * The function gives nothing when the wallet cannot sign; it throws when the person says no or the node does not answer.
 */
export function usePermit(): ((value: bigint, now: number) => Promise<Permit | undefined>) | undefined {
  const zone = useZone();
  const session = useSession();
  const { mutateAsync: sign } = useSignTypedData();
  const domain = zone.token.domain;
  if (!domain || session.kind !== "ready") return undefined;
  const owner = session.account;
  return async (value, now) => {
    const nonce = await readContract(zone.client, {
      address: zone.contracts.PaymentToken,
      abi: paymentTokenAbi,
      functionName: "nonces",
      args: [owner],
    });
    const deadline = BigInt(now + VALID_FOR);
    const signature = await sign({
      account: owner,
      domain,
      types: TYPES,
      primaryType: "Permit",
      message: { owner, spender: zone.contracts.Vault, value, nonce, deadline },
    }).catch((error: unknown) => {
      if (explain(error, zone.format).rejected) throw error;
      return undefined;
    });
    if (!signature) return undefined;
    const { r, s, v, yParity } = parseSignature(signature);
    return { deadline, v: Number(v ?? BigInt(yParity + 27)), r, s };
  };
}
