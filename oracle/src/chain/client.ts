import { createPublicClient, fallback, http, type PublicClient } from "viem";

const TIMEOUT_MS = 5_000;

/** One client over all RPC addresses: the first that answers is used, in the order of the list. */
export function createChainClient(rpcUrls: readonly string[]): PublicClient {
  const transports = rpcUrls.map((url) => http(url, { timeout: TIMEOUT_MS, retryCount: 0 }));
  return createPublicClient({
    // The block loop decides what is fresh; a cached block number would hide a new head.
    cacheTime: 0,
    transport: fallback(transports, { retryCount: 0 }),
  });
}
