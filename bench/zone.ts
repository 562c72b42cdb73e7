/**
 * A zone for the benchmarks: contracts as they are deployed (production profile), on Hardhat's local chain, with enough
 * accounts and meters. Slots are 15 minutes and the grace is 4 hours, as in production; the claim window is short, so
 * that the ring of bookings has gone round once (the steady state) after 25 slots and not after a week.
 */
import { resolve } from "node:path";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { ethers as lib, type BaseContract, type ContractTransactionResponse } from "ethers";
import { registryDomain, slotOf, TYPES, type Reading } from "@ioe/protocol";
import config from "../hardhat.config.ts";
import ZoneModule, { TestMoney } from "../deploy/modules/Zone.ts";
import { DEMO_ZONE, type ZoneParameters } from "../deploy/zone.ts";
import { Element } from "../test/contracts/secure-element.ts";

export const D = 900;
const GRACE = 4 * 3_600;
export const RING = 24;

export const PARAMETERS: ZoneParameters = {
  ...DEMO_ZONE,
  slotDuration: D,
  grace: GRACE,
  claimWindow: (RING - 2) * D,
  maxDelivery: 3_600,
  gateClosure: 300,
};
/** All 128 ticks lie between feed-in and retail. */
export const WIDEST: ZoneParameters = { ...PARAMETERS, feedIn: 60_000n, retail: 314_000n, gridFee: 0n };

export interface Meter {
  id: number;
  owner: HardhatEthersSigner;
  /** Signs a digest of EIP-712. */
  sign: (digest: string) => string;
  reading: Reading;
}

interface Signed {
  reading: Reading;
  signature: string;
}

const root = resolve(import.meta.dirname, "..");
const hre = await createHardhatRuntimeEnvironment(
  {
    ...config,
    paths: { ...config.paths, artifacts: "cache/bench/artifacts", cache: "cache/bench/cache" },
    typechain: { dontOverrideCompile: true },
  },
  { buildProfile: "production" },
  root,
);
export const build = (): Promise<unknown> =>
  hre.tasks.getTask("build").run({ quiet: true, noTests: true, defaultBuildProfile: "production" });

/** Bytes of code on the chain, by contract. */
export async function deployed(): Promise<Record<string, number>> {
  const sizes: Record<string, number> = {};
  for (const name of ["MeterRegistry", "Vault", "Tariff", "EnergyToken", "DirectMarket", "CallAuction"]) {
    const { deployedBytecode } = await hre.artifacts.readArtifact(name);
    sizes[name] = (deployedBytecode.length - 2) / 2;
  }
  return sizes;
}

/** The contract as another account calls it. */
export const as = <C extends BaseContract>(contract: C, account: HardhatEthersSigner): C =>
  contract.connect(account) as C;

/** Gas of a whole transaction, refunds taken off. */
export async function gasOf(sent: Promise<ContractTransactionResponse>): Promise<number> {
  const receipt = await (await sent).wait();
  return Number(receipt!.gasUsed);
}

export type Zone = Awaited<ReturnType<typeof deployZone>>;

export async function deployZone(parameters: ZoneParameters = PARAMETERS) {
  const { ethers, ignition, networkHelpers } = await hre.network.create({
    network: "default",
    override: { allowBlocksWithSameTimestamp: true, accounts: { count: 130 } },
  });
  const [, operator, dust, relay, ...people] = await ethers.getSigners();
  const salt = lib.id("bench") as `0x${string}`;
  const { token } = await ignition.deploy(TestMoney);
  const zone = await ignition.deploy(ZoneModule, {
    parameters: {
      Zone: {
        ...parameters,
        salt,
        admin: operator!.address,
        operator: operator!.address,
        guardian: operator!.address,
        marketAdmin: operator!.address,
        gridOperator: operator!.address,
        dustAccount: dust!.address,
        paymentToken: await token.getAddress(),
      },
    },
  });
  const registry = await ethers.getContractAt("MeterRegistry", await zone.registry.getAddress());
  const vault = await ethers.getContractAt("Vault", await zone.vault.getAddress());
  const energyToken = await ethers.getContractAt("EnergyToken", await zone.energyToken.getAddress());
  const market = await ethers.getContractAt("DirectMarket", await zone.directMarket.getAddress());
  const auction = await ethers.getContractAt("CallAuction", await zone.callAuction.getAddress());
  const money = await ethers.getContractAt("TestUSD", await token.getAddress());
  const domain = registryDomain(31_337, (await registry.getAddress()) as `0x${string}`, salt);

  /** The next transaction runs this many seconds into the slot. */
  const at = (slot: number, second: number): Promise<void> =>
    networkHelpers.time.setNextBlockTimestamp(slot * D + second);
  const currentSlot = async (): Promise<number> => slotOf(await networkHelpers.time.latest(), D);

  const digestOf = (type: "Possession" | "Reading", value: object): string =>
    lib.TypedDataEncoder.hash(domain, { [type]: [...TYPES[type]] }, value);

  /** A meter with a secp256k1 key, or with a P-256 key in a secure element. */
  async function addMeter(owner: HardhatEthersSigner, kind: number, withElement = false): Promise<Meter> {
    const name = `meter of ${owner.address} ${await registry.meterCount()}`;
    const wallet = new lib.Wallet(lib.id(name));
    const element = new Element(name, domain.verifyingContract);
    const sign: Meter["sign"] = withElement
      ? (digest) => element.sign(digest)
      : (digest) => wallet.signingKey.sign(digest).serialized;
    const possession = sign(digestOf("Possession", { owner: owner.address }));
    const signer = withElement ? element.signer : wallet.address;
    await as(registry, operator!).register(owner, kind, 20_000_000, 1, signer, possession);
    const id = Number(await registry.meterCount());
    return { id, owner, sign, reading: { meterId: id, epoch: 0, since: 0, takenAt: 0, imported: 0n, exported: 0n } };
  }

  async function fund(account: HardhatEthersSigner): Promise<void> {
    const amount = 10_000_000_000n;
    await as(money, account).faucet(amount);
    await as(money, account).approve(vault, 2n ** 256n - 1n);
    await as(vault, account).deposit(amount / 2n);
    await as(vault, account).setAllowed(market, true);
    await as(vault, account).setAllowed(auction, true);
  }

  /** The meter's next reading, this much energy after the one before. */
  function read(meter: Meter, takenAt: number, exported: number, imported = 0): Signed {
    const before = meter.reading;
    meter.reading = {
      ...before,
      since: before.takenAt,
      takenAt,
      exported: before.exported + BigInt(exported),
      imported: before.imported + BigInt(imported),
    };
    return { reading: meter.reading, signature: meter.sign(digestOf("Reading", meter.reading)) };
  }

  const report = (signed: Signed[]) =>
    as(registry, relay!).report(
      signed.map(({ reading }) => reading),
      signed.map(({ signature }) => signature),
    );

  /** Everybody's reading at the end of a slot, in one transaction. */
  async function reportEnd(slot: number, meters: Meter[], exported: number, imported = 0): Promise<number> {
    const signed = meters.map((meter) => read(meter, (slot + 1) * D, exported, imported));
    await at(slot + 1, 5);
    return gasOf(report(signed));
  }

  return {
    ethers,
    registry,
    vault,
    energyToken,
    market,
    auction,
    money,
    operator: operator!,
    relay: relay!,
    people,
    at,
    currentSlot,
    addMeter,
    fund,
    read,
    report,
    reportEnd,
  };
}
