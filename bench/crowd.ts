/**
 * A market with a past: a thousand offers, ten thousand settled deliveries and an auction with orders at every price, on a
 * real chain, made by the real contracts within minutes. One transaction carries many trades, through a contract that every meter has named as its trader, and
 * blocks come when they are full instead of one with every transaction.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { ethers as lib, type BaseContract } from "ethers";
import { endOf, type Hex, type Reading, registryDomain, slotOf, TYPES } from "@ioe/protocol";
import { LOCAL_ACCOUNTS } from "../deploy/zone.ts";
import type { World } from "../test/system/world.ts";
import { householdDir, MULTICALL } from "../tools/world.ts";

export const OFFERS = 1_000;
export const TRADES = 10_000;
const PAIRS = 100;
const OFFERS_EACH = OFFERS / PAIRS;
/** Purchases of each meter that buys. */
export const TRADES_EACH = TRADES / PAIRS;
/** Blocks in which nothing happens, after every round: others use the chain as well. */
const QUIET_BLOCKS = 300;
/** Calls in one transaction, which may use 2²⁴ gas (EIP-7825). */
const AT_ONCE = 50;
const MOST_GAS = 2 ** 24;
/** Gas of a registration, and more than enough for a new trader. */
const REGISTRATION_GAS = 400_000;
/** Wh. */
const PER_TRADE = 50;
const PER_OFFER = 5_000;
/** As in IMeterRegistry. */
const [SOLAR, BATTERY] = [1, 4];
/** As in ICallAuction. */
const [BID, ASK] = [0, 1];
/** Slots with orders: whoever comes within as many minutes finds the nearest one full. */
const AUCTIONS = 30;
/** Wh of each order. */
const PER_ORDER = 10;

interface Meter {
  id: number;
  wallet: lib.Wallet;
  reading: Reading;
}

type Provider = World["ethers"]["provider"];

/** Transactions that wait for each other's block. */
class Blocks {
  readonly #provider: Provider;
  readonly #gasLimit: number;
  #gas = 0;

  private constructor(provider: Provider, gasLimit: number) {
    this.#provider = provider;
    this.#gasLimit = gasLimit;
  }

  /** From now on there is a block only when it is full or asked for. */
  static async take({ ethers: { provider } }: World): Promise<Blocks> {
    await provider.send("evm_setIntervalMining", [0]);
    await provider.send("evm_setAutomine", [false]);
    return new Blocks(provider, Number((await provider.getBlock("latest"))!.gasLimit));
  }

  async send(from: HardhatEthersSigner, to: BaseContract, name: string, args: readonly unknown[], gas = MOST_GAS) {
    if (this.#gas + gas > this.#gasLimit) await this.mine();
    this.#gas += gas;
    const data = to.interface.encodeFunctionData(name, args);
    const call = { from: from.address, to: await to.getAddress(), data, gas: lib.toQuantity(gas) };
    await this.#provider.send("eth_sendTransaction", [call]);
  }

  /** @param at the block's time, Unix seconds */
  async mine(at?: number): Promise<void> {
    this.#gas = 0;
    await this.#provider.send("evm_mine", at === undefined ? [] : [at]);
  }

  async rest(): Promise<void> {
    await this.#provider.send("hardhat_mine", [lib.toQuantity(QUIET_BLOCKS), "0x0"]);
  }

  /** As `npm run chain` mines. */
  async giveBack(): Promise<void> {
    await this.#provider.send("evm_setAutomine", [true]);
    await this.#provider.send("evm_setIntervalMining", [1_000]);
  }
}

/** @param household whose meter bought once in every round: the rest of the past is other people's */
export async function tradeALot(world: World, household: number): Promise<void> {
  const { ethers, deployment } = world;
  const { registry, market, auction, vault, money } = await world.contracts();
  const D = world.zone.slotDuration;
  const signers = await ethers.getSigners();
  const operator = signers[LOCAL_ACCOUNTS.operator]!;
  const crowd = signers.at(-1)!;
  const mine = await world.owner(household);
  const { salt } = await registry.eip712Domain();
  const domain = registryDomain(deployment.chainId, deployment.contracts.MeterRegistry, salt as Hex);
  const many = await ethers.getContractAt("Multicall", MULTICALL);

  const sign = (wallet: lib.Wallet, type: "Possession" | "Reading", value: object) =>
    wallet.signingKey.sign(lib.TypedDataEncoder.hash(domain, { [type]: [...TYPES[type]] }, value)).serialized;
  const meter = (id: number, wallet: lib.Wallet): Meter => ({
    id,
    wallet,
    reading: { meterId: id, epoch: 0, since: 0, takenAt: 0, imported: 0n, exported: 0n },
  });
  async function fund(owner: HardhatEthersSigner): Promise<void> {
    const amount = 1_000_000_000n;
    await money.connect(owner).faucet(amount);
    await money.connect(owner).approve(vault, amount);
    await vault.connect(owner).deposit(amount);
    await vault.connect(owner).setAllowed(market, true);
    await vault.connect(owner).setAllowed(auction, true);
  }

  await Promise.all([fund(mine), fund(crowd)]);
  await registry.connect(mine).setTrader(household, MULTICALL);
  const key = (await readFile(join(householdDir(world.dir, household), "meter.key"), "utf8")).trim();
  const [meters, listed] = [Number(await registry.meterCount()), await market.listingCount()];

  const blocks = await Blocks.take(world);
  const newMeters = (firstId: number, count: number) =>
    Array.from({ length: count }, (_, i) => meter(firstId + i, new lib.Wallet(lib.hexlify(lib.randomBytes(32)))));
  const sellers = newMeters(meters + 1, PAIRS);
  const others = newMeters(meters + 1 + PAIRS, PAIRS - 1);
  const buyers = [meter(household, new lib.Wallet(key)), ...others];
  for (const each of [...sellers, ...others]) {
    const possession = sign(each.wallet, "Possession", { owner: crowd.address });
    const kind = sellers.includes(each) ? SOLAR : BATTERY;
    const args = [crowd.address, kind, 8_000, 1, each.wallet.address, possession];
    await blocks.send(operator, registry, "register", args, REGISTRATION_GAS);
  }
  await blocks.mine();
  for (const { id } of [...sellers, ...others]) {
    await blocks.send(crowd, registry, "setTrader", [id, MULTICALL], REGISTRATION_GAS);
  }
  await blocks.mine();

  async function call(name: "list" | "buy" | "close", argsOf: readonly unknown[][]): Promise<void> {
    const target = await market.getAddress();
    for (let i = 0; i < argsOf.length; i += AT_ONCE) {
      const calls = argsOf.slice(i, i + AT_ONCE).map((args) => ({
        target,
        allowFailure: false,
        callData: (market as BaseContract).interface.encodeFunctionData(name, args),
      }));
      await blocks.send(operator, many, "aggregate3", [calls]);
    }
  }
  /** Every meter's reading of an instant, when it has moved so much since its last one. */
  function readingsAt(takenAt: number, moved: number): [Reading[], string[]] {
    for (const [parties, exported] of [
      [sellers, moved],
      [buyers, 0],
    ] as const) {
      for (const each of parties) {
        const { reading } = each;
        each.reading = {
          ...reading,
          since: reading.takenAt,
          takenAt,
          exported: reading.exported + BigInt(exported),
          imported: reading.imported + BigInt(moved - exported),
        };
      }
    }
    const all = [...sellers, ...buyers];
    return [all.map(({ reading }) => reading), all.map(({ wallet, reading }) => sign(wallet, "Reading", reading))];
  }

  const { feedIn, retail, gridFee, minPrice, tickSize } = world.zone;
  const expiresAt = (await world.now()) + 30 * 86_400;
  const offers = Array.from({ length: OFFERS }, (_, i) => [
    sellers[i % PAIRS]!.id,
    PER_OFFER,
    0,
    feedIn + BigInt(i % 60) * tickSize,
    1,
    expiresAt,
  ]);
  await call("list", offers);
  await blocks.mine();

  let slot = slotOf(await world.now(), D) + 2;
  await blocks.send(operator, registry, "report", readingsAt(slot * D, 0));
  await blocks.mine(slot * D + 1);
  for (let round = 0; round < TRADES_EACH; round++, slot++) {
    const deadline = endOf(slot, D);
    const purchases = buyers.map((buyer, i) => {
      const listing = listed + BigInt(PAIRS * (round % OFFERS_EACH) + i + 1);
      return [listing, buyer.id, PER_TRADE, 2n ** 64n - 1n, deadline];
    });
    await call("buy", purchases);
    await blocks.mine(slot * D + 2);
    const resting = blocks.rest();
    const readings = readingsAt(deadline, PER_TRADE);
    await resting;
    await blocks.send(operator, registry, "report", readings);
    const deliveries = buyers.map((_, i) => [BigInt(round * PAIRS + i + 1)]);
    await call("close", deliveries);
    await blocks.mine(deadline + 1);
  }

  // Orders at every price to the seller that the tariff allows, bids and asks in turn. The first slot is over before
  // anybody clears it: a result to show.
  const tickOf = (price: bigint) => Number((price - minPrice) / tickSize);
  const levels = Array.from({ length: tickOf(retail - gridFee) - tickOf(feedIn) + 1 }, (_, i) => tickOf(feedIn) + i);
  const first = slotOf(await world.now(), D) + 2;
  for (let i = 0; i < AUCTIONS; i++) {
    const orders = levels.map((level) =>
      level % 2 === 0
        ? { slot: first + i, meterId: sellers[0]!.id, side: ASK, tick: level, energy: PER_ORDER }
        : {
            slot: first + i,
            meterId: others[0]!.id,
            side: BID,
            tick: level + tickOf(minPrice + gridFee),
            energy: PER_ORDER,
          },
    );
    await blocks.send(crowd, auction, "placeOrders", [orders]);
  }
  await blocks.mine();
  await blocks.mine((first + 1) * D + 1);
  await blocks.giveBack();

  const records = await Promise.all(sellers.map(({ id }) => market.recordOf(id)));
  const delivered = records.reduce((sum, each) => sum + each.delivered, 0n);
  const wanted = BigInt(TRADES * PER_TRADE);
  if (delivered !== wanted) throw new Error(`${wanted} Wh were to be delivered, ${delivered} have been`);
}
