/** Households that trade without rest: purchases through relays, and orders in the auction of the next slots. */
import { type ContractTransactionReceipt, type ContractTransactionResponse, type EventLog, Interface } from "ethers";
import { callAuctionAbi, directMarketAbi, meterRegistryAbi, vaultAbi } from "../../protocol/src/generated/abi.ts";
import { packOrderId } from "../../protocol/src/order.ts";
import { slotOf } from "../../protocol/src/slots.ts";
import { type Ground, pause } from "./ground.ts";
import { Random } from "./random.ts";

/** Something that a relay may be closed for: it was on chain, though a reorg may have removed it since. */
export interface Purchase {
  readonly id: bigint;
  readonly sellerMeterId: number;
  readonly buyerMeterId: number;
  /** Time of its block and its deadline, Unix seconds. */
  readonly at: number;
  readonly deadline: number;
}

export interface Tally {
  /** Seen on chain, including what a reorg removed again. */
  readonly purchases: Purchase[];
  /** Orders seen on chain, likewise. */
  readonly orders: bigint[];
  /** What was refused or never mined, by reason. */
  readonly refused: Map<string, number>;
}

const ABIS = [...directMarketAbi, ...callAuctionAbi, ...vaultAbi, ...meterRegistryAbi];
const ERRORS = new Interface(ABIS.filter(({ type }) => type === "error"));
/** Wh of a purchase, and s in which it is to be delivered. */
const ENERGY = [20, 90] as const;
const SECONDS = [30, 90] as const;
/** Ticks between feed-in and retail, with room for the grid fee (see SOAK_ZONE). */
const ASK_TICKS = [10, 70] as const;
const BID_TICKS = [50, 120] as const;
const ORDER_WH = [10, 24] as const;
/** A purchase takes two blocks: so many households keep a dealer busy. */
const HOUSEHOLDS_PER_DEALER = 5;
const MINED_WITHIN_S = 30;

export async function tradeUntil(ground: Ground, seed: number, stop: AbortSignal): Promise<Tally> {
  const tally: Tally = { purchases: [], orders: [], refused: new Map() };
  const dealers = Math.ceil(ground.households.length / HOUSEHOLDS_PER_DEALER);
  await Promise.all([
    placeOrders(ground, new Random(seed), stop, tally),
    ...Array.from({ length: dealers }, (_, i) => deal(ground, new Random(seed + 1 + i), stop, tally)),
  ]);
  return tally;
}

async function deal(ground: Ground, random: Random, stop: AbortSignal, tally: Tally): Promise<void> {
  const { world, households } = ground;
  const { market, vault } = await world.contracts();
  while (!stop.aborted) {
    await pause(random.within(1, 4));
    const [seller, buyer] = [random.pick(households), random.pick(households)];
    if (seller === buyer) continue;
    await attempt(tally, async () => {
      const busy = await Promise.all([seller, buyer].map((n) => market.openDeliveryOf(n)));
      if (busy.some((id) => id !== 0n)) return;
      const [from, to] = await Promise.all([seller, buyer].map((n) => world.owner(n)));
      const energy = random.within(...ENERGY);
      const now = await world.now();
      const [mode, price] = random.chance(70) ? [0, random.within(80, 250) * 1_000] : [1, 80_000];
      const listed = await mined(market.connect(from).list(seller, energy, mode, price, 1, now + 600));
      const listing = argument(listed, "listingId") as bigint;
      const limit = 300_000n;
      const deadline = now + random.within(...SECONDS);
      const bought = await mined(market.connect(to).buy(listing, buyer, energy, limit, deadline));
      const event = bought.logs.find((log) => (log as EventLog).eventName === "DeliveryRequested") as EventLog;
      const args = event.args as unknown as { deliveryId: bigint; deadline: bigint };
      const at = (await bought.getBlock()).timestamp;
      tally.purchases.push({
        id: args.deliveryId,
        sellerMeterId: seller,
        buyerMeterId: buyer,
        at,
        deadline: Number(args.deadline),
      });
      // Some change their mind, some bring or fetch money.
      if (random.chance(10)) {
        await pause(random.within(2, 20));
        await mined(market.connect(random.chance(50) ? from! : to!).close(args.deliveryId));
      }
      if (random.chance(10)) await mined(vault.connect(from).withdraw(random.within(1, 5_000_000), from!));
    });
  }
}

async function placeOrders(ground: Ground, random: Random, stop: AbortSignal, tally: Tally): Promise<void> {
  const { world, households } = ground;
  const { auction } = await world.contracts();
  const { slotDuration, gateClosure } = world.zone;
  let last = 0;
  while (!stop.aborted) {
    await pause(1);
    const now = Math.floor(Date.now() / 1_000);
    const slot = slotOf(now + gateClosure + 4, slotDuration) + 1;
    if (slot <= last) continue;
    last = slot;
    const crowd = random.within(2, Math.max(2, Math.floor(households.length / 2)));
    const traders = [...new Set(Array.from({ length: crowd }, () => random.pick(households)))];
    await Promise.all(
      traders.map(async (n, i) => {
        const side = i % 2;
        const tick = side === 0 ? random.within(...BID_TICKS) : random.within(...ASK_TICKS);
        const order = { slot, meterId: n, side, tick, energy: random.within(...ORDER_WH) };
        await attempt(tally, async () => {
          await mined(auction.connect(await world.owner(n)).placeOrders([order]));
          tally.orders.push(packOrderId({ ...order, side: side === 0 ? "bid" : "ask" }));
        });
      }),
    );
  }
}

/** A reorg may swallow a transaction: nobody waits for it for ever. */
async function mined(sent: Promise<ContractTransactionResponse>): Promise<ContractTransactionReceipt> {
  const transaction = await sent;
  const receipt = await Promise.race([transaction.wait(), pause(MINED_WITHIN_S)]);
  if (!receipt) throw new Error("not mined");
  return receipt;
}

function argument(receipt: ContractTransactionReceipt, name: string): unknown {
  for (const log of receipt.logs) {
    const value: unknown = (log as EventLog).args?.toObject?.()[name];
    if (value !== undefined) return value;
  }
  throw new Error(`no event with ${name}`);
}

async function attempt(tally: Tally, work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const reason = reasonIn((error as Error).message);
    tally.refused.set(reason, (tally.refused.get(reason) ?? 0) + 1);
  }
}

/** The contract's own error by its name, where there is one. */
function reasonIn(text: string): string {
  const selector = /custom error (0x[0-9a-f]{8})/.exec(text)?.[1];
  const known = selector === undefined ? undefined : ERRORS.getError(selector)?.name;
  return (
    known ?? /custom error '(\w+)/.exec(text)?.[1] ?? /(\w+)\(/.exec(text)?.[1] ?? text.split(/\n| \(/)[0]!.slice(0, 80)
  );
}
