/**
 * A world is one local run of everything, kept in one folder:
 *
 *   deployment.json            where the contracts and the oracles are (written last: it makes the world visible)
 *   micro-grid.yaml            the simulated batteries, meters and relays
 *   household-N/ioe.yaml       configuration of the household's oracle
 *   household-N/*.key          key of the meter, key of the oracle's transactions, key of the agent
 *   household-N/journal.sqlite what the oracle remembers
 *   household-N/agent.yaml     configuration of the household's agent, when there are agents
 *   keeper/                    configuration, key and journal of the keeper
 */
import { randomBytes } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { HDNodeWallet, Mnemonic, Wallet } from "ethers";
import type { NetworkConnection } from "hardhat/types/network";
import { stringify } from "yaml";
import { DEMO_ZONE, deployLocalZone, LOCAL_ACCOUNTS, type ZoneParameters } from "../deploy/zone.ts";
import type { Address, DemoAccount, Deployment, Hex } from "../protocol/src/deployment.ts";
import { registryDomain, TYPES } from "../protocol/src/typedData.ts";

/** The phrase every local Ethereum chain starts with; worth nothing anywhere else. */
const LOCAL_MNEMONIC = "test test test test test test test test test test test junk";

/** Accounts of the local chain, see hardhat.config.ts. */
export const LOCAL_CHAIN_ACCOUNTS = 40;
/** Most households that they allow: one account is nobody's. */
export const MOST_HOUSEHOLDS = LOCAL_CHAIN_ACCOUNTS - LOCAL_ACCOUNTS.firstHousehold - 1;

/** Ports of one household's simulated devices. */
export interface DevicePorts {
  meter: number;
  board: number;
}

/** One household: its meter on the chain, its oracle's devices and what it physically is. */
export interface Household {
  name: string;
  kind: keyof typeof KINDS;
  maxPowerW: number;
  /** Smallest step of the registers, energy units. */
  resolution: number;
  /** Offered for sale from the beginning: price mode, price (base units per kWh) and energy (kWh). */
  offer?: { mode: 0 | 1; price: bigint; kWh: bigint };
  /** Preferences of its agent; without them it has none. */
  preferences?: object;
  /** Sections of the oracle's configuration beside those every oracle has. */
  oracle(ports: DevicePorts): {
    meter: object;
    battery?: object;
    relays: object;
    interlocks: object[];
    routes: object[];
  };
  /** The household in the simulator's configuration. */
  physics(ports: DevicePorts): object;
}

export interface WorldOptions {
  dir: string;
  rpcUrl: string;
  households: Household[];
  /** Household n's oracle shows its telemetry at livePort + n − 1. */
  livePort: number;
  /** Household n's meter answers at devicePort + 2n − 1, its relay board one above; the simulator's own door is devicePort. */
  devicePort: number;
  dappPort: number;
  /** Agents trade for the households: they are the meters' traders, with money in the vault. */
  agents?: boolean;
  zone?: ZoneParameters;
  /** Further sections of the simulator's configuration. */
  grid?: object;
}

/** As in IMeterRegistry. */
const KINDS = { Load: 0, Solar: 1, Wind: 2, Hydro: 3, Battery: 4, Grid: 5, Prosumer: 6 } as const;

/** How long an offer stands. */
const OFFER_SECONDS = 7 * 86_400;
const POCKET_MONEY = 1_000_000_000n; // 1,000 tUSD
/** What an agent has to work with. */
const AGENT_MONEY = 100_000_000n;

export function householdDir(dir: string, n: number): string {
  return join(dir, `household-${n}`);
}

export function keeperConfig(dir: string): string {
  return join(dir, "keeper", "keeper.yaml");
}

export function agentConfig(dir: string, n: number): string {
  return join(householdDir(dir, n), "agent.yaml");
}

/** Key of a file, made on first use: a household keeps its meter when the contracts are deployed anew. */
async function keyFile(path: string): Promise<Wallet> {
  if (!existsSync(path)) await writeFile(path, `0x${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
  return new Wallet((await readFile(path, "utf8")).trim());
}

function demoAccount(n: number): HDNodeWallet {
  return localAccount(LOCAL_ACCOUNTS.firstHousehold + n - 1);
}

function localAccount(index: number): HDNodeWallet {
  return HDNodeWallet.fromMnemonic(Mnemonic.fromPhrase(LOCAL_MNEMONIC), `m/44'/60'/0'/0/${index}`);
}

/** Where public chains have Multicall3 (https://www.multicall3.com). */
export const MULTICALL = "0xcA11bde05977b3631167028862bE2a173976CA11";

/** Puts Multicall3's stand-in where public chains have the original. */
async function placeMulticall({ ethers }: NetworkConnection): Promise<void> {
  // Only here, so that whoever asks for a folder's name does not load all of Hardhat.
  const { artifacts } = await import("hardhat");
  const { deployedBytecode } = await artifacts.readArtifact("Multicall");
  await ethers.provider.send("hardhat_setCode", [MULTICALL, deployedBytecode]);
}

/** Deploys the contracts, registers a meter per household, hands out play money and writes the folder. */
export async function buildWorld(connection: NetworkConnection, options: WorldOptions): Promise<Deployment> {
  const { ethers } = connection;
  const zone = options.zone ?? DEMO_ZONE;
  await placeMulticall(connection);
  const deployment = await deployLocalZone(connection, options.rpcUrl, zone);
  const { contracts } = deployment;
  const signers = await ethers.getSigners();
  const operator = signers[LOCAL_ACCOUNTS.operator]!;
  const registry = await ethers.getContractAt("MeterRegistry", contracts.MeterRegistry, operator);
  const salt = (await registry.eip712Domain()).salt as Hex;
  const domain = registryDomain(deployment.chainId, contracts.MeterRegistry, salt);

  const accounts: DemoAccount[] = [];
  for (const [i, household] of options.households.entries()) {
    const n = i + 1;
    const folder = householdDir(options.dir, n);
    await mkdir(folder, { recursive: true });
    const meterKey = await keyFile(join(folder, "meter.key"));
    const senderKey = await keyFile(join(folder, "sender.key"));
    const account = demoAccount(n);
    const owner = signers[LOCAL_ACCOUNTS.firstHousehold + n - 1]!;
    if (owner.address !== account.address) {
      throw new Error(`the chain at ${options.rpcUrl} does not have the local accounts; start it with "npm run chain"`);
    }

    const possession = await meterKey.signTypedData(
      domain,
      { Possession: [...TYPES.Possession] },
      { owner: owner.address },
    );
    const { kind, maxPowerW, resolution, offer } = household;
    await (
      await registry.register(owner.address, KINDS[kind], maxPowerW, resolution, meterKey.address, possession)
    ).wait();
    const meterId = Number(await registry.meterCount());
    const agentKey = options.agents && household.preferences && (await keyFile(join(folder, "agent.key")));
    // The oracle ends deliveries for its household, which only a trader of the meter may do; a meter has one.
    await (await registry.connect(owner).setTrader(meterId, (agentKey || senderKey).address)).wait();
    await (await operator.sendTransaction({ to: senderKey.address, value: ethers.parseEther("10") })).wait();
    const money = await ethers.getContractAt("TestUSD", contracts.PaymentToken, owner);
    await (await money.faucet(POCKET_MONEY)).wait();
    if (agentKey) {
      await (await operator.sendTransaction({ to: agentKey.address, value: ethers.parseEther("10") })).wait();
      const vault = await ethers.getContractAt("Vault", contracts.Vault, owner);
      await (await money.approve(contracts.Vault, AGENT_MONEY)).wait();
      await (await vault.deposit(AGENT_MONEY)).wait();
      await (await vault.setAllowed(contracts.CallAuction, true)).wait();
      const sections = {
        chain: chainSection(options),
        journal: "./agent.sqlite",
        keys: { trader: "./agent.key" },
        meter: { id: meterId },
        oracle: liveUrl(options, n),
        preferences: household.preferences,
      };
      await writeFile(agentConfig(options.dir, n), stringify(sections));
    }
    if (offer) {
      const market = await ethers.getContractAt("DirectMarket", contracts.DirectMarket, owner);
      const energy = offer.kWh * BigInt(zone.unitsPerKWh);
      const smallest = BigInt(zone.unitsPerKWh) / 20n;
      const expiresAt = (await ethers.provider.getBlock("latest"))!.timestamp + OFFER_SECONDS;
      await (await market.list(meterId, energy, offer.mode, offer.price, smallest, expiresAt)).wait();
    }

    accounts.push({
      name: household.name,
      address: account.address as Address,
      privateKey: account.privateKey as Hex,
      meterIds: [meterId],
    });
    deployment.oracles.push({ url: liveUrl(options, n), meterIds: [meterId] });
    await writeFile(join(folder, "ioe.yaml"), stringify(oracleConfig(options, n, meterId)));
  }
  accounts.push({
    name: "Operator",
    address: operator.address as Address,
    privateKey: localAccount(LOCAL_ACCOUNTS.operator).privateKey as Hex,
    meterIds: [],
  });
  deployment.demoAccounts = accounts;

  await mkdir(join(options.dir, "keeper"), { recursive: true });
  const keeper = await keyFile(join(options.dir, "keeper", "sender.key"));
  await (await operator.sendTransaction({ to: keeper.address, value: ethers.parseEther("10") })).wait();
  const keeperSections = {
    chain: chainSection(options),
    journal: "./journal.sqlite",
    keys: { sender: "./sender.key" },
    waitS: 0,
  };
  await writeFile(keeperConfig(options.dir), stringify(keeperSections));
  await writeFile(join(options.dir, "micro-grid.yaml"), stringify(microGrid(options)));
  await writeFile(join(options.dir, "deployment.json.new"), `${JSON.stringify(deployment, null, 2)}\n`);
  await rename(join(options.dir, "deployment.json.new"), join(options.dir, "deployment.json"));
  return deployment;
}

function devicePorts(options: WorldOptions, n: number): DevicePorts {
  return { meter: options.devicePort + 2 * n - 1, board: options.devicePort + 2 * n };
}

function liveUrl(options: WorldOptions, n: number): string {
  return `http://127.0.0.1:${options.livePort + n - 1}`;
}

function chainSection(options: WorldOptions): object {
  return { rpcUrls: [options.rpcUrl], deployment: "../deployment.json", confirmations: 0, pollMs: 250 };
}

function oracleConfig(options: WorldOptions, n: number, meterId: number): unknown {
  const { meter, ...switching } = options.households[n - 1]!.oracle(devicePorts(options, n));
  return {
    chain: chainSection(options),
    journal: "./journal.sqlite",
    keys: { meter: "./meter.key", sender: "./sender.key" },
    live: {
      host: "127.0.0.1",
      port: options.livePort + n - 1,
      allowOrigins: [`http://127.0.0.1:${options.dappPort}`, `http://localhost:${options.dappPort}`],
    },
    // All processes of this world share a clock, whatever the kernel thinks of it.
    clock: { synchronised: "ignored" },
    meter: { id: meterId, ...meter },
    ...switching,
  };
}

function microGrid(options: WorldOptions): unknown {
  return {
    control: { port: options.devicePort },
    ...options.grid,
    households: options.households.map((household, i) => household.physics(devicePorts(options, i + 1))),
  };
}
