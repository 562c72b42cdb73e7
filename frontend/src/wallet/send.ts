import type { Address } from "@ioe/protocol";
import type { Abi, ContractFunctionArgs, ContractFunctionName, Hex, TransactionReceipt } from "viem";
import { call as callNode, getTransaction, estimateContractGas, simulateContract, writeContract } from "viem/actions";
import { type Config, useConfig } from "wagmi";
import { getConnectorClient, switchChain } from "wagmi/actions";
import { type ChainFeed, useFeed } from "../data/index.ts";
import { text } from "../text/index.ts";
import { ERROR_ABI, explain, type Failure, isUnanswered } from "./explain.ts";
import { type SentAs, Superseded, untilMined } from "./outcome.ts";
import { networkOf, useSession } from "./session.ts";
import { type Change, openTransactions, theTransactions } from "./transactions.ts";

/** A checked call, ready to be sent. */
export interface Call {
  address: Address;
  abi: Abi;
  functionName: string;
  args: readonly unknown[];
}

/** A call whose name and arguments the compiler has compared with the ABI. */
export function call<
  const abi extends Abi,
  name extends ContractFunctionName<abi, "nonpayable">,
  const args extends ContractFunctionArgs<abi, "nonpayable", name>,
>(address: Address, abi: abi, functionName: name, args: args): Call {
  return { address, abi, functionName, args: args as readonly unknown[] };
}

/** With the errors of all contracts, so that a node's answer is decoded whoever reverted. */
export const withErrors = (intended: Call): Call => ({ ...intended, abi: [...intended.abi, ...ERROR_ABI] as Abi });

/** The wallet as the account's client on the zone's chain. @throws when it is on another one. */
export async function walletOf(config: Config, zone: ChainFeed["zone"], account: Address) {
  const wallet = await getConnectorClient(config, { account, chainId: zone.chain.id });
  if (!wallet.account) throw new Error("the wallet has no account");
  return { ...wallet, account: wallet.account };
}

/** Gas use can change between the estimate and the block, for instance when a reading arrives in between. */
const withReserve = (gas: bigint) => (gas * 5n) / 4n;

type Write = (request: Call & { gas: bigint }) => Promise<Hex>;

/** How it ended; without a receipt, why. */
export interface Sent {
  receipt?: TransactionReceipt;
  failure?: Failure;
}

/**
 * Sends a call and shows its life in the list of transactions: tried on the node first, so that what the contract would
 * refuse is explained before anything is signed.
 */
async function send(feed: ChainFeed, account: Address, write: Write, title: string, intended: Call): Promise<Sent> {
  const { zone } = feed;
  const move = theTransactions().track(title);
  const request = { ...withErrors(intended), account };
  try {
    await simulateContract(zone.client, request);
    const gas = withReserve(await estimateContractGas(zone.client, request));
    move({ state: "signing" });
    const hash = await write({ ...intended, gas }).catch(async (error: unknown) => {
      // Wallets pass on little of what their node said: what the contract says now explains more.
      if (!explain(error, zone.format).rejected) await simulateContract(zone.client, request);
      throw error;
    });
    move({ state: "pending", hash });
    return await finish(feed, hash, move, async (blockNumber) => {
      // The same call on the block it failed in tells why.
      await simulateContract(zone.client, { ...request, blockNumber });
    });
  } catch (error) {
    return failed(error, title, zone, move);
  }
}

/** Says in the list of transactions why one did not happen. */
export function failed(error: unknown, title: string, zone: ChainFeed["zone"], move: (change: Change) => void): Sent {
  const failure = explain(error, zone.format);
  const { rejected, sentence, advice } = failure;
  move({ state: rejected ? "rejected" : "failed", sentence, advice });
  if (!rejected) console.error(title, error);
  return { failure };
}

/** Waits for a transaction to be in a block. */
async function finish(
  { zone, head }: ChainFeed,
  hash: Hex,
  move: (change: Change) => void,
  askWhy: (block: bigint) => Promise<void>,
  known?: SentAs,
): Promise<Sent> {
  const mined = await untilMined(zone.client, hash, { known, onSeen: (sentAs) => move({ sentAs }) }).catch(
    (error: unknown) => {
      if (!(error instanceof Superseded)) throw error;
    },
  );
  await head.look();
  if (!mined) {
    const sentence = text.transaction.superseded;
    move({ state: "lost", sentence });
    return { failure: { rejected: false, sentence } };
  }
  const { receipt, replaced } = mined;
  if (replaced) {
    move({ state: "replaced", hash: receipt.transactionHash });
    return { failure: { rejected: true, sentence: text.transaction.replaced } };
  }
  if (receipt.status === "success") {
    move({ state: "confirmed", hash: receipt.transactionHash });
    return { receipt };
  }
  await askWhy(receipt.blockNumber).catch((error: unknown) => {
    if (!isUnanswered(error)) throw error;
  });
  throw new Error(text.failure.changedMeanwhile);
}

/** Watches on what was on its way when the page was left. */
export function resumeTransactions(feed: ChainFeed): void {
  const list = openTransactions(feed.zone.id);
  for (const { id, title, hash, sentAs, state } of list.get()) {
    if (state !== "pending" || !hash) continue;
    const move = (change: Change) => list.move(id, change);
    const askWhy = async (blockNumber: bigint) => {
      const { from, to, input } = await getTransaction(feed.zone.client, { hash });
      await callNode(feed.zone.client, { account: from, to, data: input, blockNumber });
    };
    finish(feed, hash, move, askWhy, sentAs).catch((error: unknown) => failed(error, title, feed.zone, move));
  }
}

/**
 * @returns a function that sends for the connected account. A wallet on another network is asked to change first.
 */
export function useSend() {
  const feed = useFeed();
  const config = useConfig();
  const { kind, account } = useSession();
  return async (title: string, intended: Call): Promise<Sent> => {
    if (!account) throw new Error("no account is connected");
    const { chain } = feed.zone;
    const write: Write = async (request) => {
      if (kind === "wrongNetwork") await switchChain(config, networkOf(chain));
      const wallet = await walletOf(config, feed.zone, account);
      return writeContract(wallet, { ...request, account: wallet.account, chain });
    };
    return send(feed, account, write, title, intended);
  };
}
