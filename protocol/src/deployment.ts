/** Where a zone's contracts are: written by the deployment, read by oracle and dApp. */

export type Address = `0x${string}`;
export type Hex = `0x${string}`;

export const CONTRACT_NAMES = [
  "AccessManager",
  "MeterRegistry",
  "Vault",
  "Tariff",
  "EnergyToken",
  "DirectMarket",
  "CallAuction",
  "PaymentToken",
] as const;
export type ContractName = (typeof CONTRACT_NAMES)[number];

/** An account that exists on a local chain only, key and all. */
export interface DemoAccount {
  name: string;
  address: Address;
  privateKey: Hex;
  meterIds: number[];
}

/** What a person wants to know of a zone at a glance; the contracts are the truth. Times in seconds. */
export interface ZoneSummary {
  name: string;
  /** EIP-712 salt of the community. */
  salt: Hex;
  unitsPerKWh: number;
  slotDuration: number;
  gateClosure: number;
  grace: number;
  claimWindow: number;
}

export interface Deployment {
  chainId: number;
  rpcUrl: string;
  /** First block that can hold our events, and its hash: together with the chain id, the identity of a world. */
  deploymentBlock: number;
  deploymentBlockHash: Hex;
  contracts: Record<ContractName, Address>;
  /** Block explorer of the chain, without a slash at the end; `/tx/HASH` shows a transaction. */
  explorerUrl?: string;
  /** Services that show live telemetry. */
  oracles: { url: string; meterIds: number[] }[];
  /** Written by deployments from a parameter file. */
  zone?: ZoneSummary;
  /** Present on a local chain only. */
  demoAccounts?: DemoAccount[];
}

export class DeploymentError extends Error {
  override readonly name = "DeploymentError";
}

function fail(path: string, expected: string): never {
  throw new DeploymentError(`deployment file: ${path} must be ${expected}`);
}

const ADDRESS = /^0x[0-9a-fA-F]{40}$/;
const HASH = /^0x[0-9a-fA-F]{64}$/;

/** Checks the text of a deployment file. @throws DeploymentError naming the field that is wrong. */
export function parseDeployment(text: string): Deployment {
  let raw: unknown;
  try {
    raw = JSON.parse(text);
  } catch (error) {
    throw new DeploymentError(`deployment file is not JSON: ${(error as Error).message}`);
  }
  if (typeof raw !== "object" || raw === null) fail("the file", "a JSON object");
  const file = raw as Partial<Deployment>;
  if (!Number.isSafeInteger(file.chainId) || file.chainId! <= 0) fail("chainId", "a positive integer");
  if (typeof file.rpcUrl !== "string" || !/^(https?|wss?):\/\//.test(file.rpcUrl)) fail("rpcUrl", "an http(s) URL");
  if (!Number.isSafeInteger(file.deploymentBlock) || file.deploymentBlock! < 0)
    fail("deploymentBlock", "a block number");
  if (!HASH.test(file.deploymentBlockHash ?? "")) fail("deploymentBlockHash", "a block hash");
  for (const name of CONTRACT_NAMES) {
    if (!ADDRESS.test(file.contracts?.[name] ?? "")) fail(`contracts.${name}`, "an address");
  }
  if (file.explorerUrl !== undefined && !/^https?:\/\/.*[^/]$/.test(file.explorerUrl)) {
    fail("explorerUrl", "an http(s) URL without a slash at the end");
  }
  if (!Array.isArray(file.oracles)) fail("oracles", "a list");
  for (const [i, oracle] of file.oracles.entries()) {
    if (typeof oracle?.url !== "string" || !Array.isArray(oracle.meterIds)) {
      fail(`oracles[${i}]`, "an object with url and meterIds");
    }
  }
  return file as Deployment;
}
