import type { Deployment } from "@ioe/protocol";
import { BlockNotFoundError, type PublicClient, formatEther } from "viem";
import type { Clock } from "../clock.ts";
import { type Logger, reasonOf } from "../log.ts";
import { createChainClient } from "./client.ts";
import { ChainError, isUnanswered, revertOf } from "./errors.ts";
import type { MeterState, Zone } from "./zone.ts";

/** A node did not answer: worth another try, while everything else in a `ChainError` needs a person. */
export class ChainUnreachable extends Error {
  override readonly name = "ChainUnreachable";
}

export interface Identity {
  meterId: number;
  /** Address of the meter's key. */
  meterKey: `0x${string}`;
  /** Address that pays for transactions; left out when a gateway does. */
  sender?: `0x${string}`;
  /** Readings go through a gateway: an empty purse is no obstacle. */
  gateway?: boolean;
}

/** A chain that cannot be reached at the start is asked again after so long. */
const RETRY_MS = 2_000;
const PAID_BY_GATEWAYS = "readings go through gateways only, and a keeper has to end deliveries";
/** An oracle that did not start would not measure either, and what flows meanwhile would be nobody's. */
const WAITING = "readings are signed and kept, and wait until it has some";
/** Below this many wei the sender cannot be trusted to post a day of readings. */
const LOW_BALANCE = 10n ** 15n;

/** What distinguishes one deployment on one chain from every other. */
export function worldOf({ chainId, contracts, deploymentBlockHash }: Deployment): string {
  return [chainId, contracts.MeterRegistry, contracts.DirectMarket, deploymentBlockHash].join(":").toLowerCase();
}

/**
 * Makes sure that chain, deployment file, meter and keys belong together before anything is signed.
 * @returns warnings that do not keep the oracle from running.
 * @throws ChainUnreachable when no node answers; ChainError when something does not fit, saying what to do.
 */
export async function checkChain(
  client: PublicClient,
  zone: Zone,
  deployment: Deployment,
  identity: Identity,
  rpcUrls: readonly string[],
  connect?: (rpcUrl: string) => PublicClient,
): Promise<string[]> {
  const silent = await checkNodes(deployment, rpcUrls, connect);
  await checkMeter(zone, identity);
  const { sender, gateway } = identity;
  const purse = sender === undefined ? [] : await checkSender(client, sender, gateway ? PAID_BY_GATEWAYS : WAITING);
  return [...silent, ...purse, ...(await checkStanding(zone, identity))];
}

/**
 * Makes sure that every node that answers is on the deployment's chain and has its contracts: when the first is away, the
 * next one is believed.
 * @returns a warning for each node that does not answer, or is behind while another one is not.
 * @throws as `checkChain`
 */
export async function checkNodes(
  deployment: Deployment,
  rpcUrls: readonly string[],
  connect = (rpcUrl: string): PublicClient => createChainClient([rpcUrl]),
): Promise<string[]> {
  const nodes = await Promise.all(
    rpcUrls.map(async (url, i) => {
      // Paths and queries hold the keys of those who sell access to their nodes.
      const { origin } = new URL(url);
      const failure: unknown = await checkNode(connect(url), deployment).catch((error: unknown) => error);
      return { origin, name: `chain.rpcUrls.${i} (${origin})`, failure };
    }),
  );
  const fits = nodes.some(({ failure }) => failure === undefined);
  for (const { name, failure } of nodes) {
    if (failure instanceof ChainError && !(fits && failure instanceof NotThere))
      throw new ChainError(`${name}: ${failure.message}`);
  }
  const silent = nodes.filter(({ failure }) => failure !== undefined);
  if (silent.length === nodes.length) {
    const where = nodes.map(({ origin }) => origin).join(", ");
    throw new ChainUnreachable(
      `no Ethereum node answers at ${where} (${reasonOf(silent[0]?.failure)}); start it or fix chain.rpcUrls`,
    );
  }
  return silent.map(({ name, failure }) =>
    failure instanceof NotThere
      ? `${name} has not come as far as the deployment: it may still be syncing`
      : `${name} does not answer (${reasonOf(failure)}) and was not checked`,
  );
}

/** Missing, as on a chain that ends before it. */
class NotThere extends ChainError {}

/** @throws ChainError when the node does not fit; whatever viem says when it does not answer. */
async function checkNode(client: PublicClient, deployment: Deployment): Promise<void> {
  const chainId = await client.getChainId();
  if (chainId !== deployment.chainId) {
    throw new ChainError(
      `the node is on chain ${chainId}, the deployment file is for chain ${deployment.chainId}; fix chain.rpcUrls or chain.deployment`,
    );
  }
  await checkDeployment(client, deployment);
}

/** Repeats what fails because no node answers, or one has stopped answering half-way; everything else is thrown. */
export async function untilReachable<T>(
  clock: Clock,
  log: Logger,
  signal: AbortSignal,
  work: () => Promise<T>,
): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    try {
      return await work();
    } catch (error) {
      if (!(error instanceof ChainUnreachable) && !isUnanswered(error)) throw error;
      if (attempt === 1) log.warn("chain.unreachable", { reason: reasonOf(error) });
      await clock.sleep(RETRY_MS, signal);
    }
  }
}

async function checkDeployment(client: PublicClient, deployment: Deployment): Promise<void> {
  const { deploymentBlock, deploymentBlockHash, contracts } = deployment;
  const block = await client.getBlock({ blockNumber: BigInt(deploymentBlock) }).catch((error: unknown) => {
    if (error instanceof BlockNotFoundError) return undefined;
    throw error;
  });
  if (block?.hash.toLowerCase() !== deploymentBlockHash.toLowerCase()) {
    throw new (block ? ChainError : NotThere)(
      "this deployment file belongs to another chain; redeploy or fix chain.deployment",
    );
  }
  for (const name of ["MeterRegistry", "DirectMarket", "CallAuction"] as const) {
    const code = await client.getCode({ address: contracts[name] });
    if (code === undefined) {
      throw new NotThere(`there is no contract at ${contracts[name]} (${name}); redeploy or fix chain.deployment`);
    }
  }
}

/** Makes sure that the meter is registered with this key. @throws ChainError */
export async function checkMeter(zone: Zone, { meterId, meterKey }: Identity): Promise<void> {
  let meter: MeterState;
  try {
    meter = await zone.meter(meterId);
  } catch (error) {
    if (!revertOf(error)) throw error;
    throw new ChainError(`meter ${meterId} is not registered; ask the operator to register it or fix meter.id`);
  }
  // Around a rotation either of the two newest epochs may be the one that signs now.
  const epochs = meter.epoch > 0 ? [meter.epoch, meter.epoch - 1] : [meter.epoch];
  const signers = await Promise.all(epochs.map((epoch) => zone.signerOf(meterId, epoch)));
  if (!signers.some((signer) => signer.toLowerCase() === meterKey.toLowerCase())) {
    throw new ChainError(
      `keys.meter is the key of ${meterKey}, but meter ${meterId} signs with ${signers[0]}; ` +
        "use the registered key or ask the operator to rotate the meter's signer",
    );
  }
}

/**
 * Whether the sender can pay for transactions.
 * @param whenEmpty what becomes of somebody who goes on without coin; refused if left out.
 * @param setting that names its key, for errors.
 * @returns warnings
 * @throws ChainError
 */
export async function checkSender(
  client: PublicClient,
  sender: `0x${string}`,
  whenEmpty?: string,
  setting = "keys.sender",
): Promise<string[]> {
  const balance = await client.getBalance({ address: sender });
  if (balance === 0n && whenEmpty !== undefined) return [`the sender ${sender} has no coin: ${whenEmpty}`];
  if (balance === 0n) {
    throw new ChainError(`the sender ${sender} (${setting}) has no coin to pay for gas; send it some and start again`);
  }
  if (balance >= LOW_BALANCE) return [];
  return [`the sender ${sender} has only ${formatEther(balance)} left to pay for gas`];
}

/** Whether the meter can trade, and end its deliveries. @returns warnings */
export async function checkStanding(zone: Zone, { meterId, sender }: Identity): Promise<string[]> {
  const warnings: string[] = [];
  const { active } = await zone.meter(meterId);
  if (!active) warnings.push(`meter ${meterId} is not active: readings are accepted, but it cannot trade`);
  if (sender !== undefined && !(await zone.mayTrade(meterId, sender))) {
    warnings.push(
      `the sender ${sender} is neither owner nor trader of meter ${meterId}: it cannot end a delivery before its deadline; ` +
        "let the owner call setTrader",
    );
  }
  return warnings;
}
