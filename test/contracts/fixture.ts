/**
 * A zone on the in-process chain for the contracts' tests: every role another account, money and energy as bigint, and
 * time that stands where a test puts it.
 */
import { network } from "hardhat";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { Addressable, BaseContract, HDNodeWallet, Interface, Wallet } from "ethers";
import { endOf, registryDomain, slotOf, TYPES, type Reading, type RegistryDomain } from "@ioe/protocol";
import ZoneModule, { TestMoney } from "../../deploy/modules/Zone.ts";
import { DEMO_ZONE } from "../../deploy/zone.ts";
import type { DirectMarket, MeterRegistry } from "../../types/contracts/index.ts";

// Several transactions may share a second, so that only a test's own steps move the time.
const connection = await network.create({ override: { allowBlocksWithSameTimestamp: true } });
export const { ethers, ignition, networkHelpers } = connection;

export const PARAMETERS = DEMO_ZONE;
export const D = PARAMETERS.slotDuration;
export const GRACE = PARAMETERS.grace;
export const WINDOW = PARAMETERS.claimWindow;
export const SALT = `0x${"5a".repeat(32)}` as const;

export const Kind = { Load: 0, Solar: 1, Wind: 2, Hydro: 3, Battery: 4, Grid: 5, Prosumer: 6 } as const;
export const Rejection = {
  UnknownMeter: 0,
  InFuture: 1,
  NotNewer: 2,
  OutOfOrder: 3,
  WrongEpoch: 4,
  BadSignature: 5,
} as const;
export const PriceMode = { Fixed: 0, Index: 1 } as const;
export const Outcome = { Complete: 0, Short: 1, Nothing: 2 } as const;

/** What everybody has in the vault who has anything. */
export const FUNDS = 1_000_000_000n;
/** Price limit of a buyer who does not care. */
export const ANY_PRICE = 2n ** 64n - 1n;

export interface SignedReading {
  reading: Reading;
  signature: string;
}

type Key = Wallet | HDNodeWallet;

interface MeterOptions {
  maxPowerW?: number;
  resolution?: number;
  key?: Key;
  /** The registered owner, when that is a contract. */
  account?: Party;
}

interface OfferOptions {
  energy?: number;
  mode?: number;
  price?: bigint;
  minEnergy?: number;
}

interface DeliveryOptions {
  /** What is bought, and what is offered when that is more. */
  energy?: number;
  offered?: number;
  price?: bigint;
  /** Slots until the deadline. */
  slots?: number;
  /** Kind of the seller's meter. */
  kind?: number;
}

type Promisable<T> = T | Promise<T>;
/** Somebody who can be asked for an address. */
type Party = Addressable | string;

/** A device: it knows its registers and signs readings one after the other. */
export class Meter {
  readonly id: number;
  readonly owner: HardhatEthersSigner;
  key: Key;
  epoch = 0;
  lastTakenAt = 0;
  imported = 0n;
  exported = 0n;
  readonly #domain: RegistryDomain;

  constructor(id: number, owner: HardhatEthersSigner, key: Key, domain: RegistryDomain) {
    this.id = id;
    this.owner = owner;
    this.key = key;
    this.#domain = domain;
  }

  /** Signs exactly this, whatever it is. */
  async sign(reading: Reading, key = this.key, domain = this.#domain): Promise<SignedReading> {
    return { reading, signature: await key.signTypedData(domain, { Reading: [...TYPES.Reading] }, reading) };
  }

  /** The next reading of the chain, this much energy after the one before. */
  step(takenAt: number, exported = 0n, imported = 0n): Promise<SignedReading> {
    const since = this.lastTakenAt;
    this.lastTakenAt = takenAt;
    this.exported += exported;
    this.imported += imported;
    return this.sign({ ...this.#now(), since });
  }

  /** A reading after a gap, this much energy after the one before. */
  restart(takenAt: number, exported = 0n, imported = 0n): Promise<SignedReading> {
    this.lastTakenAt = takenAt;
    this.exported += exported;
    this.imported += imported;
    return this.sign({ ...this.#now(), since: 0 });
  }

  #now(): Omit<Reading, "since"> {
    const { id, epoch, lastTakenAt, imported, exported } = this;
    return { meterId: id, epoch, takenAt: lastTakenAt, imported, exported };
  }
}

/** A key that is the same in every run. */
export const keyOf = (name: string): Wallet => new ethers.Wallet(ethers.id(name));

export const signPossession = async (key: Key, owner: Party, domain: RegistryDomain): Promise<string> =>
  key.signTypedData(domain, { Possession: [...TYPES.Possession] }, { owner: await ethers.resolveAddress(owner) });

export const signRotation = (
  key: Key,
  rotation: { meterId: number; epoch: number; fromSlot: number; signer: string },
  domain: RegistryDomain,
): Promise<string> =>
  key.signTypedData(
    domain,
    { Rotation: [...TYPES.Rotation] },
    { ...rotation, signerHash: ethers.keccak256(rotation.signer) },
  );

async function deploy() {
  const accounts = await ethers.getSigners();
  const account = (i: number) => accounts[i]!;
  const roles = {
    deployer: account(0),
    admin: account(1),
    operator: account(2),
    guardian: account(3),
    gridOperator: account(4),
    dust: account(5),
    marketAdmin: account(10),
  };
  const { token } = await ignition.deploy(TestMoney);
  const zone = await ignition.deploy(ZoneModule, {
    parameters: {
      Zone: {
        ...PARAMETERS,
        salt: SALT,
        admin: roles.admin.address,
        operator: roles.operator.address,
        guardian: roles.guardian.address,
        marketAdmin: roles.marketAdmin.address,
        gridOperator: roles.gridOperator.address,
        dustAccount: roles.dust.address,
        paymentToken: await token.getAddress(),
      },
    },
  });
  const { chainId } = await ethers.provider.getNetwork();
  const registryAddress = (await zone.registry.getAddress()) as `0x${string}`;
  return {
    ...roles,
    alice: account(6),
    bob: account(7),
    carol: account(8),
    stranger: account(9),
    manager: await ethers.getContractAt("AccessManager", await zone.manager.getAddress()),
    registry: await ethers.getContractAt("MeterRegistry", registryAddress),
    vault: await ethers.getContractAt("Vault", await zone.vault.getAddress()),
    tariff: await ethers.getContractAt("Tariff", await zone.tariff.getAddress()),
    energyToken: await ethers.getContractAt("EnergyToken", await zone.energyToken.getAddress()),
    market: await ethers.getContractAt("DirectMarket", await zone.directMarket.getAddress()),
    auction: await ethers.getContractAt("CallAuction", await zone.callAuction.getAddress()),
    money: await ethers.getContractAt("TestUSD", await token.getAddress()),
    domain: registryDomain(Number(chainId), registryAddress, SALT),
  };
}

/** The contract as another account calls it. */
export const as = <C extends BaseContract>(contract: C, account: HardhatEthersSigner): C =>
  contract.connect(account) as C;

export type Zone = Awaited<ReturnType<typeof deployZone>>;

/** A fresh zone, the same in every test, and what a test does with it. */
export async function deployZone() {
  const deployed = await networkHelpers.loadFixture(deploy);
  // The clock has gone on since the fixture's blocks: one more block shows how far.
  await networkHelpers.mine();
  const { alice, market, money, operator, registry, stranger, vault, domain } = deployed;

  /** The next transaction runs at this second. */
  const atTime = (timestamp: number): Promise<void> => networkHelpers.time.setNextBlockTimestamp(timestamp);

  /** The next transaction runs this many seconds into the slot (0 is the last instant of the slot before). */
  const at = (slot: number, second: number): Promise<void> => atTime(slot * D + second);

  /** Moves the time there now, for views. */
  async function goTo(slot: number, second: number): Promise<void> {
    await at(slot, second);
    await networkHelpers.mine();
  }

  /** A slot that has not begun. */
  const nextSlot = async (): Promise<number> => slotOf(await networkHelpers.time.latest(), D) + 2;

  async function addMeter(
    owner: HardhatEthersSigner = alice,
    kind: number = Kind.Battery,
    { maxPowerW = 1_000_000, resolution = 1, key = ethers.Wallet.createRandom(), account = owner }: MeterOptions = {},
  ): Promise<Meter> {
    const possession = await signPossession(key, account, domain);
    await as(registry, operator).register(account, kind, maxPowerW, resolution, key.address, possession);
    return new Meter(Number(await registry.meterCount()), owner, key, domain);
  }

  /** Anybody relays. */
  async function report(...readings: Promisable<SignedReading>[]): ReturnType<MeterRegistry["report"]> {
    const signed: SignedReading[] = [];
    for (const reading of readings) signed.push(await reading);
    return as(registry, stranger).report(
      signed.map(({ reading }) => reading),
      signed.map(({ signature }) => signature),
    );
  }

  /** Money in the vault that the direct market may lock. */
  async function fund(account: HardhatEthersSigner, amount = FUNDS): Promise<void> {
    await as(money, account).faucet(amount);
    await as(money, account).approve(vault, amount);
    await as(vault, account).deposit(amount);
    await as(vault, account).setAllowed(market, true);
  }

  /** A contract that receives certificates as it likes, with a meter and money that both markets may lock. */
  async function addReceiver() {
    const { vault, auction } = deployed;
    const receiver = await ethers.deployContract("HostileReceiver");
    const act = (contract: { target: unknown; interface: Interface }, name: string, args: unknown[]) =>
      receiver.execute(contract.target as string, contract.interface.encodeFunctionData(name, args));
    await act(money, "faucet", [FUNDS]);
    await act(money, "approve", [vault.target, FUNDS]);
    await act(vault, "deposit", [FUNDS]);
    for (const allowed of [market, auction]) await act(vault, "setAllowed", [allowed.target, true]);
    const meter = await addMeter(deployed.carol, Kind.Load, { account: receiver });
    return { receiver, meter, act };
  }

  /** An offer of the meter's owner, open for a day. */
  async function list(
    meter: Meter,
    { energy = 1_000, mode = PriceMode.Fixed, price = 100_000n, minEnergy = 1 }: OfferOptions = {},
  ): Promise<bigint> {
    const until = (await networkHelpers.time.latest()) + 86_400;
    await as(market, meter.owner).list(meter.id, energy, mode, price, minEnergy, until);
    return market.listingCount();
  }

  /** A purchase of the meter's owner until the end of `lastSlot`. */
  const buy = (
    meter: Meter,
    listingId: bigint,
    energy: number,
    lastSlot: number,
    maxPrice = ANY_PRICE,
  ): ReturnType<DirectMarket["buy"]> =>
    as(market, meter.owner).buy(listingId, meter.id, energy, maxPrice, endOf(lastSlot, D));

  return { ...deployed, at, atTime, goTo, nextSlot, addMeter, report, fund, addReceiver, list, buy };
}

/**
 * Two meters whose chains begin at the start of `slot`, an offer between them, and a purchase 5 s later whose
 * deadline is the end of the slot `slots − 1` later.
 */
export async function startDelivery({
  energy = 1_000,
  offered = energy,
  price = 100_000n,
  slots = 3,
  kind = Kind.Battery,
}: DeliveryOptions = {}) {
  const zone = await deployZone();
  const seller = await zone.addMeter(zone.alice, kind);
  const buyer = await zone.addMeter(zone.bob, Kind.Load);
  await zone.fund(zone.bob);
  const listingId = await zone.list(seller, { energy: offered, price });
  const slot = await zone.nextSlot();
  await zone.at(slot, 1);
  await zone.report(seller.restart(slot * D), buyer.restart(slot * D));
  await zone.at(slot, 5);
  const purchase = await zone.buy(buyer, listingId, energy, slot + slots - 1);
  const deliveryId = await zone.market.deliveryCount();
  return { zone, seller, buyer, listingId, slot, last: slot + slots - 1, purchase, deliveryId };
}
