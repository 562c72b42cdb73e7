/** Deploys a zone through Hardhat Ignition and tells where everything is. */
import { randomBytes } from "node:crypto";
import { rm } from "node:fs/promises";
import { resolve } from "node:path";
import type { NetworkConnection } from "hardhat/types/network";
import type { Deployment } from "../protocol/src/deployment.ts";
import Zone, { TestMoney } from "./modules/Zone.ts";

/** Times in seconds, prices in payment-token base units per kWh; see the contracts' constructors for the ranges. */
export interface ZoneParameters {
  slotDuration: number;
  grace: number;
  claimWindow: number;
  unitsPerKWh: number;
  minPrice: bigint;
  tickSize: bigint;
  noticeSlots: number;
  feedIn: bigint;
  retail: bigint;
  gridFee: bigint;
  maxDelivery: number;
  /** In 1/10_000 of the received energy. */
  lineLossAllowance: number;
  /** Seconds before a slot's start at which its auction takes no more orders. */
  gateClosure: number;
  /** How many slots ahead the auction takes orders. */
  openAhead: number;
  /** Smallest order of the auction, energy units. */
  minOrder: number;
  /** Seconds between an announcement by whoever holds a role and its effect; the guardian's acts take effect at once. */
  adminDelay: number;
  operatorDelay: number;
  marketAdminDelay: number;
}

/** Who receives what a zone gives away. */
export type ZoneAccounts = Record<
  "admin" | "operator" | "guardian" | "marketAdmin" | "gridOperator" | "dustAccount",
  string
>;

/** A local zone to play with: short slots, prices of a German household tariff in 2025 in 10⁻⁶ $. */
export const DEMO_ZONE: ZoneParameters = {
  slotDuration: 60,
  grace: 120,
  claimWindow: 1_800,
  unitsPerKWh: 1_000,
  minPrice: 60_000n,
  tickSize: 2_000n,
  noticeSlots: 1,
  feedIn: 80_000n,
  retail: 300_000n,
  gridFee: 20_000n,
  maxDelivery: 900,
  lineLossAllowance: 300,
  gateClosure: 15,
  openAhead: 96,
  minOrder: 10,
  adminDelay: 0,
  operatorDelay: 0,
  marketAdminDelay: 0,
};

/** Accounts of the local chain's well-known mnemonic, by index. */
export const LOCAL_ACCOUNTS = { deployer: 0, operator: 1, dust: 2, firstHousehold: 3 } as const;

/**
 * Deploys to a local chain with test money. The chain's first accounts are deployer, operator (also admin, guardian and
 * grid operator) and dust account.
 */
export async function deployLocalZone(
  connection: NetworkConnection,
  rpcUrl: string,
  parameters: ZoneParameters = DEMO_ZONE,
): Promise<Deployment> {
  const { ethers, ignition } = connection;
  const signers = await ethers.getSigners();
  const operator = signers[LOCAL_ACCOUNTS.operator]!.address;
  const dust = signers[LOCAL_ACCOUNTS.dust]!.address;
  const salt = `0x${randomBytes(32).toString("hex")}`;
  // A local chain lives shorter than Ignition's records of it: they go when the deployment is done.
  const deploymentId = `local-${salt.slice(2, 18)}`;
  const { token } = await ignition.deploy(TestMoney, { deploymentId });
  const paymentToken = await token.getAddress();
  const zone = await ignition.deploy(Zone, {
    deploymentId,
    parameters: {
      Zone: {
        ...parameters,
        salt,
        admin: operator,
        operator,
        guardian: operator,
        marketAdmin: operator,
        gridOperator: operator,
        dustAccount: dust,
        paymentToken,
      },
    },
  });
  await rm(resolve(import.meta.dirname, "deployments", deploymentId), { recursive: true, force: true });
  // The registry's own block: its hash depends on the random salt, so no two deployments share it.
  const [born] = await zone.registry.queryFilter("AuthorityUpdated", 0, "latest");
  if (!born) throw new Error("the MeterRegistry was deployed without its first event; is the RPC's log index broken?");
  return {
    chainId: Number((await ethers.provider.getNetwork()).chainId),
    rpcUrl,
    deploymentBlock: born.blockNumber,
    deploymentBlockHash: born.blockHash as Deployment["deploymentBlockHash"],
    contracts: {
      AccessManager: (await zone.manager.getAddress()) as `0x${string}`,
      MeterRegistry: (await zone.registry.getAddress()) as `0x${string}`,
      Vault: (await zone.vault.getAddress()) as `0x${string}`,
      Tariff: (await zone.tariff.getAddress()) as `0x${string}`,
      EnergyToken: (await zone.energyToken.getAddress()) as `0x${string}`,
      DirectMarket: (await zone.directMarket.getAddress()) as `0x${string}`,
      CallAuction: (await zone.callAuction.getAddress()) as `0x${string}`,
      PaymentToken: paymentToken as `0x${string}`,
    },
    oracles: [],
  };
}
