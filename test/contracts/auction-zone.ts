/** A zone in which the auction's tests trade: meters by the dozen, orders in short hand, slots from order to bill. */
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import type { ContractTransactionReceipt, Interface } from "ethers";
import { slotOf } from "@ioe/protocol";
import { as, D, deployZone, ethers, Kind, type Meter, networkHelpers, PARAMETERS } from "./fixture.ts";
import { lockOf, type Order, type Rules, Side } from "./auction-reference.ts";

export const Status = { None: 0n, Open: 1n, Cleared: 2n, Finalized: 3n, Void: 4n } as const;
export const GATE = PARAMETERS.gateClosure;
export const MIN_ORDER = BigInt(PARAMETERS.minOrder);

const ticks = (price: bigint): number => Number(price / PARAMETERS.tickSize);

export const RULES: Rules = {
  minPrice: PARAMETERS.minPrice,
  tickSize: PARAMETERS.tickSize,
  feedInTick: ticks(PARAMETERS.feedIn - PARAMETERS.minPrice),
  retailTick: ticks(PARAMETERS.retail - PARAMETERS.minPrice),
  feeTicks: ticks(PARAMETERS.gridFee),
  unitsPerKWh: BigInt(PARAMETERS.unitsPerKWh),
};

export const bid = (meter: { id: number }, tick: number, energy: bigint | number): Order => ({
  meterId: meter.id,
  side: Side.Bid,
  tick,
  energy: BigInt(energy),
});

export const ask = (meter: { id: number }, tick: number, energy: bigint | number): Order => ({
  ...bid(meter, tick, energy),
  side: Side.Ask,
});

export const orderId = (slot: number, { meterId, side, tick }: Order): bigint =>
  (BigInt(slot) << 48n) | (BigInt(meterId) << 16n) | (BigInt(side) << 8n) | BigInt(tick);

export type AuctionZone = Awaited<ReturnType<typeof deployAuctionZone>>;

/** What the auction holds for open orders: their locks, and each slot's balance. */
export const locksOf = (orders: Iterable<Order>, rules: Rules = RULES): bigint =>
  [...orders].reduce((sum, order) => sum + lockOf(order, rules), 0n);

/** @param sends with every transaction of the auction: a gas limit saves the search for one */
export async function deployAuctionZone(sends: { gasLimit?: bigint } = {}) {
  const zone = await deployZone();
  const { auction, vault, alice, stranger } = zone;

  /** Money in the vault that the auction may lock. */
  async function fund(account: HardhatEthersSigner, amount = 1_000_000_000n): Promise<void> {
    await zone.fund(account, amount);
    await as(vault, account).setAllowed(auction, true);
  }

  /** A slot whose gate closes after more than half a slot from now. */
  const nextSlot = async (): Promise<number> => slotOf(await networkHelpers.time.latest(), D) + 2;

  /** A minute before the slot begins. */
  async function place(slot: number, account: HardhatEthersSigner, ...orders: Order[]) {
    await zone.at(slot - 1, 1);
    return as(auction, account).placeOrders(
      orders.map((order) => ({ slot, ...order })),
      sends,
    );
  }

  /** When the gate has just closed. */
  async function clear(slot: number) {
    await zone.at(slot, -GATE);
    return as(auction, stranger).clear(slot, sends);
  }

  const settle = (slot: number, ...orders: Order[]) =>
    as(auction, stranger).settle(
      orders.map((order) => orderId(slot, order)),
      sends,
    );

  /** The meters' readings at both ends of the slot: what each exported in it. */
  async function measure(slot: number, exports: Iterable<readonly [Meter, bigint | number]>): Promise<void> {
    const pairs = [...exports];
    await zone.at(slot, 0);
    await zone.report(...pairs.map(([meter]) => meter.restart(slot * D)));
    await zone.at(slot + 1, 0);
    await zone.report(...pairs.map(([meter, energy]) => meter.step((slot + 1) * D, BigInt(energy))));
  }

  /** Meters of alice, with her as their trader. */
  async function addMeters(count: number, kind: number = Kind.Prosumer): Promise<Meter[]> {
    const meters: Meter[] = [];
    for (let i = 0; i < count; i++) meters.push(await zone.addMeter(alice, kind));
    return meters;
  }

  return { ...zone, fund, nextSlot, place, clear, settle, measure, addMeters };
}

/** Alice, who sells, and Bob, who buys, each with a meter and with money that the auction may lock. */
export async function deployTraders() {
  const zone = await deployAuctionZone();
  const { auction, alice, bob } = zone;
  for (const account of [alice, bob]) await zone.fund(account);
  const seller = await zone.addMeter(alice, Kind.Solar);
  const buyer = await zone.addMeter(bob, Kind.Load);

  /** Orders of both, cleared. */
  async function trade(slot: number, sales: Order[], purchase: Order): Promise<void> {
    await zone.place(slot, alice, ...sales);
    await as(auction, bob).placeOrders([{ slot, ...purchase }]);
    await zone.clear(slot);
  }

  return { zone, seller, buyer, slot: await zone.nextSlot(), trade };
}

/** Arguments of every event of that name in a receipt. */
export function eventsOf(receipt: ContractTransactionReceipt | null, contract: { interface: Interface }, name: string) {
  const found = [];
  for (const log of receipt?.logs ?? []) {
    const event = contract.interface.parseLog(log);
    if (event?.name === name) found.push(event.args);
  }
  return found;
}

export { ethers };
