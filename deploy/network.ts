/** Brings a zone onto any EVM chain: what it will cost, the deployment itself, and the record of it. */
import { readFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { trackTransaction, wipe } from "@nomicfoundation/ignition-core";
import { HardhatArtifactResolver } from "@nomicfoundation/hardhat-ignition/helpers";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";
import type { Deployment, Hex } from "../protocol/src/deployment.ts";
import Zone from "./modules/Zone.ts";
import type { ZonePlan } from "./parameters.ts";

/** Gas of a whole deployment, found by doing it on a chain in memory. */
export interface Estimate {
  transactions: number;
  gas: bigint;
  largest: bigint;
}

export type Say = (line: string) => void;

/** A lost transaction is looked for in so many blocks before the newest. */
const SEARCHED_BLOCKS = 5_000;
const RETRY_MS = 1_000;
/** Ignition's errors that a second run after a broken one has to deal with. */
const TRANSACTION_LOST = 10_410;
const WAITING = [10_402, 10_403];

export const deploymentIdOf = ({ name, chain }: ZonePlan): string => `${name}-${chain.id}`;

/** Where Ignition keeps what it has done. */
export const journalDir = (plan: ZonePlan): string => resolve(import.meta.dirname, "deployments", deploymentIdOf(plan));

const moduleParameters = ({ parameters, accounts, token, salt }: ZonePlan) => ({
  Zone: { ...parameters, ...accounts, paymentToken: token.address, salt },
});

/** Deploys to a chain in memory and counts. */
export async function estimate(hre: HardhatRuntimeEnvironment, plan: ZonePlan): Promise<Estimate> {
  const chain = await hre.network.create({ network: "default" });
  try {
    await chain.ignition.deploy(Zone, { parameters: moduleParameters(plan) });
    const count: Estimate = { transactions: 0, gas: 0n, largest: 0n };
    const head = await chain.ethers.provider.getBlockNumber();
    for (let number = 1; number <= head; number++) {
      const { transactions } = (await chain.ethers.provider.getBlock(number))!;
      for (const hash of transactions) {
        const { gasUsed } = (await chain.ethers.provider.getTransactionReceipt(hash))!;
        count.transactions++;
        count.gas += gasUsed;
        if (gasUsed > count.largest) count.largest = gasUsed;
      }
    }
    return count;
  } finally {
    await chain.close();
  }
}

/**
 * Deploys, or goes on where an earlier run ended: what Ignition's journal knows is not sent again, and a transaction
 * that was on its way when the process died is found by its nonce.
 */
export async function deployZone(
  hre: HardhatRuntimeEnvironment,
  connection: NetworkConnection,
  plan: ZonePlan,
  say: Say,
): Promise<Deployment> {
  for (let said = false; ;) {
    try {
      const zone = await connection.ignition.deploy(Zone, {
        deploymentId: deploymentIdOf(plan),
        parameters: moduleParameters(plan),
        config: { requiredConfirmations: plan.chain.confirmations },
        displayUi: process.stdout.isTTY,
      });
      return await recordOf(connection, plan, {
        AccessManager: await zone.manager.getAddress(),
        MeterRegistry: await zone.registry.getAddress(),
        Vault: await zone.vault.getAddress(),
        Tariff: await zone.tariff.getAddress(),
        EnergyToken: await zone.energyToken.getAddress(),
        DirectMarket: await zone.directMarket.getAddress(),
        CallAuction: await zone.callAuction.getAddress(),
        PaymentToken: plan.token.address,
      });
    } catch (error) {
      const { number, messageArguments } = error as { number?: number; messageArguments?: LostTransaction };
      if (number === TRANSACTION_LOST) {
        await recover(hre, connection, plan, messageArguments!, say);
      } else if (WAITING.includes(number ?? 0)) {
        if (!said) say("Waiting until earlier transactions of the deployer are confirmed.");
        said = true;
        await sleep(RETRY_MS);
      } else {
        throw error;
      }
    }
  }
}

interface LostTransaction {
  futureId: string;
  nonce: number;
  sender: string;
}

/** The journal knows that a transaction was about to be sent, and nothing more: was it? */
async function recover(
  hre: HardhatRuntimeEnvironment,
  { provider, ethers }: NetworkConnection,
  plan: ZonePlan,
  { futureId, nonce, sender }: LostTransaction,
  say: Say,
): Promise<void> {
  const node = ethers.provider;
  if ((await node.getTransactionCount(sender, "pending")) <= nonce) {
    say(`${futureId}: was not sent; it is sent now.`);
    await wipe(journalDir(plan), new HardhatArtifactResolver(hre.artifacts), futureId);
    return;
  }
  while ((await node.getTransactionCount(sender, "latest")) <= nonce) {
    say(`${futureId}: waits to be mined (nonce ${nonce} of ${sender}).`);
    await sleep(RETRY_MS);
  }
  const head = await node.getBlockNumber();
  for (let number = head; number >= 0 && number > head - SEARCHED_BLOCKS; number--) {
    const block = (await node.getBlock(number, true))!;
    const found = block.prefetchedTransactions.find(
      (tx) => tx.nonce === nonce && tx.from.toLowerCase() === sender.toLowerCase(),
    );
    if (!found) continue;
    say(`${futureId}: was sent as ${found.hash}; the journal knows it now.`);
    await trackTransaction(journalDir(plan), found.hash, provider, plan.chain.confirmations);
    return;
  }
  throw new Error(
    `${futureId} was sent with nonce ${nonce} from ${sender}, but not in the last ${SEARCHED_BLOCKS} blocks. Find its hash in a block ` +
      `explorer, then run: npx hardhat ignition track-tx HASH ${deploymentIdOf(plan)} --network evm`,
  );
}

async function recordOf(
  { ethers }: NetworkConnection,
  plan: ZonePlan,
  contracts: Record<string, string>,
): Promise<Deployment> {
  const block = await ethers.provider.getBlock(await blockOf(plan, "Zone#MeterRegistry"));
  const { slotDuration, gateClosure, grace, claimWindow, unitsPerKWh } = plan.parameters;
  return {
    chainId: plan.chain.id,
    rpcUrl: plan.chain.rpcUrl,
    explorerUrl: plan.chain.explorerUrl,
    deploymentBlock: block!.number,
    deploymentBlockHash: block!.hash as Hex,
    contracts: contracts as Deployment["contracts"],
    oracles: [],
    zone: { name: plan.name, salt: plan.salt as Hex, slotDuration, gateClosure, grace, claimWindow, unitsPerKWh },
  };
}

/** Block in which a contract was created, as the journal has it. */
async function blockOf(plan: ZonePlan, futureId: string): Promise<number> {
  const lines = (await readFile(join(journalDir(plan), "journal.jsonl"), "utf8")).split("\n").filter(Boolean);
  for (const line of lines) {
    const message = JSON.parse(line) as { type: string; futureId: string; receipt?: { blockNumber: number } };
    if (message.type === "TRANSACTION_CONFIRM" && message.futureId === futureId) return message.receipt!.blockNumber;
  }
  throw new Error(`Ignition's journal in ${journalDir(plan)} does not tell where ${futureId} was created`);
}
