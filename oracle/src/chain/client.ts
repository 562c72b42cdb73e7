import {
  BaseError,
  RpcRequestError,
  type Transport,
  createPublicClient,
  fallback,
  http,
  type PublicClient,
} from "viem";
import { isUnanswered } from "./errors.ts";

const TIMEOUT_MS = 5_000;
/** With any other status (no access, over the limit, no server behind the proxy) an error is not about what was asked. */
const STATUS_OF_ANSWERS: readonly (number | undefined)[] = [undefined, 400, 500];

/**
 * One client over all RPC addresses: the first that answers is used, in the order of the list. An error is an answer:
 * the next node may take the same question because it is behind, or in other hands, and be wrong.
 */
export function createChainClient(rpcUrls: readonly string[]): PublicClient {
  const transports = rpcUrls.map((url) => http(url, { timeout: TIMEOUT_MS, retryCount: 0 }));
  return clientOf(fallback(transports, { retryCount: 0, shouldThrow: isAnswer }));
}

/** A client for each node behind a client, in their order, to ask one of them what belongs together. */
export function nodesOf(client: PublicClient): PublicClient[] {
  const { transports } = client.transport as { transports?: ReturnType<Transport>[] };
  return transports?.map((transport) => clientOf(() => transport)) ?? [client];
}

function clientOf(transport: Transport): PublicClient {
  // The block loop decides what is fresh; a cached block number would hide a new head.
  return createPublicClient({ cacheTime: 0, transport });
}

function isAnswer(error: Error): boolean {
  if (isUnanswered(error)) return false;
  const refusal = error instanceof BaseError && error.walk((cause) => cause instanceof RpcRequestError);
  return !(refusal instanceof RpcRequestError) || STATUS_OF_ANSWERS.includes(refusal.status);
}
