import { useQuery } from "@tanstack/react-query";
import { useEffect } from "react";
import type { Address } from "@ioe/protocol";
import { getCapabilities, sendCalls, simulateBlocks, simulateContract, waitForCallsStatus } from "viem/actions";
import { type Config, useConfig, useConnection } from "wagmi";
import { type ChainFeed, useFeed, useZone, type Zone } from "../data/index.ts";
import { text } from "../text/index.ts";
import { isForgotten } from "./explain.ts";
import { untilAnswered, untilMined } from "./outcome.ts";
import { type Call, failed, type Sent, walletOf, withErrors } from "./send.ts";
import { useSession } from "./session.ts";
import { type Change, theTransactions } from "./transactions.ts";

/** Several calls as one (EIP-5792): with one confirmation all of them happen, or none. */

/** Whether the wallet carries out several calls as one; undefined while it is being asked. */
function useIsAtomic(): boolean | undefined {
  const zone = useZone();
  const config = useConfig();
  const session = useSession();
  // While the page finds the wallet of the last visit again, its connector cannot be asked yet.
  const { connector, status } = useConnection();
  return useQuery({
    queryKey: ["wallet", "atomic", connector?.uid, session.account, zone.chain.id],
    queryFn: async () => {
      const wallet = await walletOf(config, zone, session.account!);
      const chainId = zone.chain.id;
      // Most wallets of today do not even know the question.
      const capabilities = await getCapabilities(wallet, { account: wallet.account, chainId }).catch(() => undefined);
      const status = capabilities?.atomic?.status;
      return status === "supported" || status === "ready";
    },
    enabled: session.kind === "ready" && status === "connected",
  }).data;
}

/** Tries the calls one after the other on a node that can; on others the first one, and the wallet tries the rest. */
async function tryTogether(zone: Zone, account: Address, calls: readonly Call[]): Promise<void> {
  let blocks;
  try {
    blocks = await simulateBlocks(zone.client, {
      blocks: [{ calls: calls.map((each) => ({ ...withErrors(each), to: each.address, account })) }],
    });
  } catch (error) {
    if (!/^Method(NotFound|NotSupported)RpcError$/.test((error as Error).name)) throw error;
    await simulateContract(zone.client, { ...withErrors(calls[0]!), account });
    return;
  }
  for (const result of blocks[0]?.calls ?? []) if (result.status === "failure") throw result.error;
}

/** Batches somebody waits for; after a reload nobody does. */
const watched = new Set<string>();

async function conclude(
  feed: ChainFeed,
  config: Config,
  account: Address,
  batch: string,
  move: (change: Change) => void,
): Promise<Sent> {
  watched.add(batch);
  const ask = async () =>
    waitForCallsStatus(await walletOf(config, feed.zone, account), {
      id: batch,
      timeout: 0, // as long as it takes: the page shows that it waits, and goes on waiting after a reload
      pollingInterval: feed.zone.client.pollingInterval,
    });
  let answer;
  try {
    answer = await untilAnswered(ask, { isAnswer: isForgotten });
  } catch {
    const sentence = text.transaction.forgotten;
    move({ state: "lost", sentence });
    return { failure: { rejected: false, sentence } };
  }
  const { status, receipts } = answer;
  await feed.head.look();
  const hash = receipts?.at(-1)?.transactionHash;
  if (status !== "success" || !hash) throw new Error(text.failure.changedMeanwhile);
  move({ state: "confirmed", hash });
  const { receipt } = await untilMined(feed.zone.client, hash);
  return { receipt };
}

/** @returns a function that sends calls as one, undefined where the wallet cannot do that. */
export function useSendTogether(): ((title: string, calls: readonly Call[]) => Promise<Sent>) | undefined {
  const feed = useFeed();
  const config = useConfig();
  const session = useSession();
  const isAtomic = useIsAtomic();
  if (session.kind !== "ready" || !isAtomic) return undefined;
  const { account } = session;
  return async (title, calls) => {
    const move = theTransactions().track(title);
    try {
      await tryTogether(feed.zone, account, calls);
      move({ state: "signing" });
      const wallet = await walletOf(config, feed.zone, account);
      const { id } = await sendCalls(wallet, {
        account: wallet.account,
        chain: feed.zone.chain,
        calls: calls.map(({ address: to, abi, functionName, args }) => ({ to, abi, functionName, args })),
        forceAtomic: true,
      });
      move({ state: "pending", batch: id });
      return await conclude(feed, config, account, id, move);
    } catch (error) {
      return failed(error, title, feed.zone, move);
    }
  };
}

/** Watches on, once the wallet is there again, what was on its way when the page was left. */
export function useResumeTogether(): void {
  const feed = useFeed();
  const config = useConfig();
  const { kind, account } = useSession();
  const { status } = useConnection();
  useEffect(() => {
    if (kind !== "ready" || status !== "connected") return;
    const list = theTransactions();
    for (const { id, title, batch, state } of list.get()) {
      if (state !== "pending" || batch === undefined || watched.has(batch)) continue;
      const move = (change: Change) => list.move(id, change);
      conclude(feed, config, account, batch, move).catch((error: unknown) => failed(error, title, feed.zone, move));
    }
  }, [feed, config, kind, account, status]);
}
