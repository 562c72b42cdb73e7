/**
 * A market with a past: a thousand offers and ten thousand settled deliveries on a real chain, made by the real contracts
 * within a minute. One transaction carries many trades, through a contract that every meter has named as its trader.
 */
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { ethers as lib, type BaseContract } from "ethers";
import { multicall3Abi } from "viem";
import { endOf, type Hex, type Reading, registryDomain, slotOf, TYPES } from "@ioe/protocol";
import { LOCAL_ACCOUNTS } from "../deploy/zone.ts";
import type { World } from "../test/system/world.ts";
import { householdDir, MULTICALL } from "../tools/world.ts";

export const OFFERS = 1_000;
export const TRADES = 10_000;
const PAIRS = 100;
const OFFERS_EACH = OFFERS / PAIRS;
const ROUNDS = TRADES / PAIRS;
/** Calls in one transaction, which may use 2²⁴ gas (EIP-7825). */
const AT_ONCE = 50;
/** Wh. */
const PER_TRADE = 50;
const PER_OFFER = 5_000;
/** As in IMeterRegistry. */
const [SOLAR, BATTERY] = [1, 4];

interface Meter {
  id: number;
  wallet: lib.Wallet;
  reading: Reading;
}

/** @param household whose meter bought once in every round: the rest of the past is other people's */
export async function tradeALot(world: World, household: number): Promise<void> {
  const { ethers, deployment } = world;
  const { registry, market, vault, money } = await world.contracts();
  const D = world.zone.slotDuration;
  const signers = await ethers.getSigners();
  const operator = signers[LOCAL_ACCOUNTS.operator]!;
  const crowd = signers.at(-1)!;
  const mine = await world.owner(household);
  const { salt } = await registry.eip712Domain();
  const domain = registryDomain(deployment.chainId, deployment.contracts.MeterRegistry, salt as Hex);
  const many = new lib.Contract(MULTICALL, multicall3Abi, operator);

  const sign = (wallet: lib.Wallet, type: "Possession" | "Reading", value: object) =>
    wallet.signingKey.sign(lib.TypedDataEncoder.hash(domain, { [type]: [...TYPES[type]] }, value)).serialized;
  const meter = (id: number, wallet: lib.Wallet): Meter => ({
    id,
    wallet,
    reading: { meterId: id, epoch: 0, since: 0, takenAt: 0, imported: 0n, exported: 0n },
  });
  async function addMeter(owner: HardhatEthersSigner, kind: number): Promise<Meter> {
    const wallet = new lib.Wallet(lib.hexlify(lib.randomBytes(32)));
    const possession = sign(wallet, "Possession", { owner: owner.address });
    await registry.connect(operator).register(owner, kind, 8_000, 1, wallet.address, possession);
    const id = Number(await registry.meterCount());
    await registry.connect(owner).setTrader(id, MULTICALL);
    return meter(id, wallet);
  }
  async function call(contract: BaseContract, name: string, argsOf: readonly unknown[][]): Promise<void> {
    const target = await contract.getAddress();
    for (let i = 0; i < argsOf.length; i += AT_ONCE) {
      const calls = argsOf.slice(i, i + AT_ONCE).map((args) => ({
        target,
        allowFailure: false,
        callData: contract.interface.encodeFunctionData(name, args),
      }));
      await many.getFunction("aggregate3")(calls, { gasLimit: 2 ** 24 });
    }
  }
  async function fund(owner: HardhatEthersSigner): Promise<void> {
    const amount = 1_000_000_000n;
    await money.connect(owner).faucet(amount);
    await money.connect(owner).approve(vault, amount);
    await vault.connect(owner).deposit(amount);
    await vault.connect(owner).setAllowed(market, true);
  }
  const at = (time: number) => ethers.provider.send("evm_setNextBlockTimestamp", [time]);
  async function report(meters: readonly Meter[], takenAt: number, moved: number): Promise<void> {
    const [readings, signatures]: [Reading[], string[]] = [[], []];
    for (const each of meters) {
      const { reading } = each;
      const isSeller = sellers.includes(each);
      each.reading = {
        ...reading,
        since: reading.takenAt,
        takenAt,
        exported: reading.exported + BigInt(isSeller ? moved : 0),
        imported: reading.imported + BigInt(isSeller ? 0 : moved),
      };
      readings.push(each.reading);
      signatures.push(sign(each.wallet, "Reading", each.reading));
    }
    for (let i = 0; i < readings.length; i += 2 * AT_ONCE) {
      await registry.connect(operator).report(readings.slice(i, i + 2 * AT_ONCE), signatures.slice(i, i + 2 * AT_ONCE));
    }
  }

  await Promise.all([fund(mine), fund(crowd)]);
  await registry.connect(mine).setTrader(household, MULTICALL);
  const key = (await readFile(join(householdDir(world.dir, household), "meter.key"), "utf8")).trim();
  const sellers: Meter[] = [];
  const buyers = [meter(household, new lib.Wallet(key))];
  while (sellers.length < PAIRS) sellers.push(await addMeter(crowd, SOLAR));
  while (buyers.length < PAIRS) buyers.push(await addMeter(crowd, BATTERY));

  const before = await market.listingCount();
  const { feedIn, tickSize } = world.zone;
  const expiresAt = (await world.now()) + 30 * 86_400;
  const offers = Array.from({ length: OFFERS }, (_, i) => [
    sellers[i % PAIRS]!.id,
    PER_OFFER,
    0,
    feedIn + BigInt(i % 60) * tickSize,
    1,
    expiresAt,
  ]);
  await call(market, "list", offers);

  let slot = slotOf(await world.now(), D) + 2;
  await at(slot * D + 1);
  await report([...sellers, ...buyers], slot * D, 0);
  for (let round = 0; round < ROUNDS; round++, slot++) {
    const first = await market.deliveryCount();
    const deadline = endOf(slot, D);
    if (round > 0) await at(slot * D + 2);
    await call(
      market,
      "buy",
      buyers.map((buyer, i) => {
        const listing = before + BigInt(PAIRS * (round % OFFERS_EACH) + i + 1);
        return [listing, buyer.id, PER_TRADE, 2n ** 64n - 1n, deadline];
      }),
    );
    await at(deadline + 1);
    await report([...sellers, ...buyers], deadline, PER_TRADE);
    await call(
      market,
      "close",
      buyers.map((_, i) => [first + BigInt(i) + 1n]),
    );
  }
  const trades = Number(await market.deliveryCount());
  if (trades !== TRADES) throw new Error(`${TRADES} trades were wanted, ${trades} came about`);
}
