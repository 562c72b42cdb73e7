import type { Address, Deployment, Hex, RegistryDomain } from "@ioe/protocol";
import { registryDomain } from "@ioe/protocol";
import { callAuctionAbi, directMarketAbi, meterRegistryAbi, paymentTokenAbi, tariffAbi } from "@ioe/protocol/abi";
import { createContext, useContext } from "react";
import { type Chain, type Client, createClient, defineChain, http, type Transport, webSocket } from "viem";
import { getBlock, getChainId, getCode, readContract } from "viem/actions";
import { createFormat, type Format } from "../format/index.ts";
import { type Head, readHead } from "./head.ts";

/** EIP-712 domain of the payment token, for permits. Absent when the token has none. */
export interface TokenDomain {
  name: string;
  version: string;
  chainId: number;
  verifyingContract: Address;
}

/** Everything about a deployment that never changes. */
export interface Zone {
  deployment: Deployment;
  contracts: Deployment["contracts"];
  chain: Chain;
  client: Client<Transport, Chain>;
  /** The same node, for logs of many blocks: each request goes alone, since all of a batch wait for its slowest. */
  longReads: Client<Transport, Chain>;
  format: Format;
  /** Identity of the world: part of every cache key. */
  id: string;
  /** Seconds. */
  slotDuration: number;
  grace: number;
  claimWindow: number;
  maxDelivery: number;
  /** Seconds before a slot's start at which its auction takes no more orders. */
  gateClosure: number;
  /** How many slots ahead of the current one the auction takes orders. */
  openAhead: number;
  /** Smallest order of the auction, energy units. */
  minOrder: bigint;
  /** 1/10_000 of the received energy. */
  lineLossAllowance: bigint;
  tickSize: bigint;
  minPrice: bigint;
  unitsPerKWh: bigint;
  token: { symbol: string; name: string; decimals: number; domain: TokenDomain | undefined };
  registryDomain: RegistryDomain;
  /** Who gets the grid fees of each market, and what its rounding leaves. */
  receivers: Record<"market" | "auction", { gridOperator: Address; dustAccount: Address }>;
  /** A chain on this machine: its token has a faucet and its accounts are for everybody. */
  isLocal: boolean;
}

export type OpenedZone =
  | { kind: "ready"; zone: Zone; head: Head }
  | { kind: "unreachable"; rpcUrl: string; message: string }
  /** The node answers, but for another chain, or for a chain that was restarted since the deployment. */
  | { kind: "otherWorld"; rpcUrl: string };

const LOOPBACK = /^(localhost|127(\.\d+){3}|\[::1\])$/;

export function isLocalChain(deployment: Deployment): boolean {
  return deployment.chainId === 31337 && LOOPBACK.test(new URL(deployment.rpcUrl).hostname);
}

function chainOf(deployment: Deployment, isLocal: boolean): Chain {
  return defineChain({
    id: deployment.chainId,
    name: isLocal ? "IoE local chain" : `Chain ${deployment.chainId}`,
    nativeCurrency: { name: "Ether", symbol: "ETH", decimals: 18 },
    rpcUrls: { default: { http: [deployment.rpcUrl] } },
  });
}

/** People read USDC and its kin as dollars and EUR tokens as euros; other tokens keep their symbol. */
function moneySignOf(symbol: string): string {
  if (/USD/i.test(symbol) || symbol === "DAI") return "$";
  if (/EUR/i.test(symbol)) return "€";
  return symbol;
}

/** Multicall3, at the same address on nearly every chain (https://www.multicall3.com). */
const MULTICALL: Address = "0xcA11bde05977b3631167028862bE2a173976CA11";
/** Bytes of calls that one multicall carries: a page's reads of a block. Nodes take disproportionately long for more. */
const MULTICALL_BYTES = 8_192;
/** Milliseconds in which a page's calls gather for one multicall. */
const GATHER_CALLS_MS = 5;
/** Milliseconds in which requests gather: long enough for calls to become a multicall first. */
const GATHER_MS = 15;

/** What a client puts into one request: calls and other requests, other requests only, or one of them. */
type Gathers = "all" | "requests" | "nothing";

/**
 * What a page reads in the same moment is one request: its calls are one multicall where the chain has Multicall3, and
 * what is left (logs, blocks) goes along in the same JSON-RPC batch.
 */
function clientOf(deployment: Deployment, isLocal: boolean, gathers: Gathers): Client<Transport, Chain> {
  const { rpcUrl } = deployment;
  const chain = chainOf(deployment, isLocal);
  const batch = gathers !== "nothing" && { batchSize: 200, wait: GATHER_MS };
  const hasMulticall = gathers === "all";
  return createClient({
    chain: hasMulticall ? { ...chain, contracts: { multicall3: { address: MULTICALL } } } : chain,
    transport: rpcUrl.startsWith("ws") ? webSocket(rpcUrl) : http(rpcUrl, { batch, retryCount: 1 }),
    pollingInterval: isLocal ? 1_000 : 4_000,
    batch: hasMulticall ? { multicall: { batchSize: MULTICALL_BYTES, wait: GATHER_CALLS_MS } } : undefined,
  });
}

/** @param locale how figures are written, such as "de-DE" */
export async function openZone(deployment: Deployment, locale: string): Promise<OpenedZone> {
  const { rpcUrl, contracts } = deployment;
  const isLocal = isLocalChain(deployment);
  const first = clientOf(deployment, isLocal, "requests");
  let identity: [number, Hex | null, Hex | undefined];
  try {
    identity = await Promise.all([
      getChainId(first),
      getBlock(first, { blockNumber: BigInt(deployment.deploymentBlock) }).then(
        (block) => block.hash,
        (error: Error) => {
          if (error.name === "BlockNotFoundError") return null;
          throw error;
        },
      ),
      getCode(first, { address: MULTICALL }),
    ]);
  } catch (error) {
    return { kind: "unreachable", rpcUrl, message: (error as { shortMessage?: string }).shortMessage ?? String(error) };
  }
  if (identity[0] !== deployment.chainId || identity[1] !== deployment.deploymentBlockHash) {
    return { kind: "otherWorld", rpcUrl };
  }
  const client = clientOf(deployment, isLocal, identity[2] === undefined ? "requests" : "all");

  const registry = { address: contracts.MeterRegistry, abi: meterRegistryAbi } as const;
  const market = { address: contracts.DirectMarket, abi: directMarketAbi } as const;
  const auction = { address: contracts.CallAuction, abi: callAuctionAbi } as const;
  const tariff = { address: contracts.Tariff, abi: tariffAbi } as const;
  const token = { address: contracts.PaymentToken, abi: paymentTokenAbi } as const;
  const [
    slotDuration,
    grace,
    claimWindow,
    units,
    domain,
    maxDelivery,
    loss,
    gateClosure,
    openAhead,
    minOrder,
    tickSize,
    minPrice,
    symbol,
    name,
    decimals,
    tokenDomain,
    marketOperator,
    marketDust,
    auctionOperator,
    auctionDust,
    head,
  ] = await Promise.all([
    readContract(client, { ...registry, functionName: "slotDuration" }),
    readContract(client, { ...registry, functionName: "grace" }),
    readContract(client, { ...registry, functionName: "claimWindow" }),
    readContract(client, { ...registry, functionName: "unitsPerKWh" }),
    readContract(client, { ...registry, functionName: "eip712Domain" }),
    readContract(client, { ...market, functionName: "maxDelivery" }),
    readContract(client, { ...market, functionName: "lineLossAllowance" }),
    readContract(client, { ...auction, functionName: "gateClosure" }),
    readContract(client, { ...auction, functionName: "openAhead" }),
    readContract(client, { ...auction, functionName: "minOrder" }),
    readContract(client, { ...tariff, functionName: "tickSize" }),
    readContract(client, { ...tariff, functionName: "minPrice" }),
    readContract(client, { ...token, functionName: "symbol" }),
    readContract(client, { ...token, functionName: "name" }),
    readContract(client, { ...token, functionName: "decimals" }),
    readContract(client, { ...token, functionName: "eip712Domain" }).then(
      ([, domainName, version, chainId, verifyingContract]) => ({
        name: domainName,
        version,
        chainId: Number(chainId),
        verifyingContract,
      }),
      () => undefined, // a token without permits: deposits go through an approval
    ),
    readContract(client, { ...market, functionName: "gridOperator" }),
    readContract(client, { ...market, functionName: "dustAccount" }),
    readContract(client, { ...auction, functionName: "gridOperator" }),
    readContract(client, { ...auction, functionName: "dustAccount" }),
    readHead(client),
  ]);
  const unitsPerKWh = BigInt(units);
  return {
    kind: "ready",
    head,
    zone: {
      deployment,
      contracts,
      chain: client.chain,
      client,
      longReads: clientOf(deployment, isLocal, "nothing"),
      format: createFormat({ unitsPerKWh, moneyDecimals: decimals, moneySign: moneySignOf(symbol), locale }),
      id: `${deployment.chainId}:${deployment.deploymentBlockHash}:${contracts.DirectMarket}`,
      slotDuration,
      grace,
      claimWindow,
      maxDelivery,
      gateClosure,
      openAhead,
      minOrder: BigInt(minOrder),
      lineLossAllowance: BigInt(loss),
      tickSize,
      minPrice,
      unitsPerKWh,
      token: { symbol, name, decimals, domain: tokenDomain },
      registryDomain: registryDomain(deployment.chainId, contracts.MeterRegistry, domain[5]),
      receivers: {
        market: { gridOperator: marketOperator, dustAccount: marketDust },
        auction: { gridOperator: auctionOperator, dustAccount: auctionDust },
      },
      isLocal,
    },
  };
}

export const ZoneContext = createContext<Zone | undefined>(undefined);

export function useZone(): Zone {
  const zone = useContext(ZoneContext);
  if (!zone) throw new Error("useZone outside of ZoneContext");
  return zone;
}

export function useFormat(): Format {
  return useZone().format;
}
