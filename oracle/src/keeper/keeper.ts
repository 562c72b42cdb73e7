import { type Deployment, slotOf, unpackOrderId } from "@ioe/protocol";
import { callAuctionAbi, directMarketAbi, meterRegistryAbi } from "@ioe/protocol/abi";
import { type Abi, BaseError, getAbiItem, type PublicClient } from "viem";
import { isUnanswered, type Outbox, type Outcome, revertOf, roomFor } from "../chain/index.ts";
import type { Clock } from "../clock.ts";
import { type Logger, reasonOf } from "../log.ts";
import { batchesWithin } from "./batch.ts";
import type { Ledger } from "./ledger.ts";
import { type Order, type OrderView, planSlot, slotsToReconcile, STATUS, type Times } from "./plan.ts";
import { Turns } from "./turns.ts";

export interface KeeperOptions {
  client: PublicClient;
  deployment: Deployment;
  outbox: Outbox;
  clock: Clock;
  log: Logger;
  pollMs: number;
  /** Seconds by which this keeper leaves the others the first chance at everything that is due. */
  waitS: number;
  /** Told of all energy that was settled since the start. */
  ledger?: Ledger;
}

/** Without their literal types, for calls whose name is a variable. */
const AUCTION: Abi = callAuctionAbi;
const MARKET: Abi = directMarketAbi;
const REGISTRY: Abi = meterRegistryAbi;

/** What is to be tended, and mismatches that are on record. */
const EVENTS = [
  getAbiItem({ abi: callAuctionAbi, name: "OrderPlaced" }),
  getAbiItem({ abi: directMarketAbi, name: "DeliveryRequested" }),
  getAbiItem({ abi: meterRegistryAbi, name: "FeederMismatch" }),
] as const;
/** What says how much energy was settled; of an order that is a bid, its seller's order says it. */
const SETTLEMENTS = [
  getAbiItem({ abi: callAuctionAbi, name: "OrderSettled" }),
  getAbiItem({ abi: directMarketAbi, name: "DeliveryClosed" }),
] as const;
/** Most blocks of one `eth_getLogs`; halved when a node refuses, doubled again with every success. */
const CHUNK_BLOCKS = 1_000n;
/** Blocks near the head are read again: a reorg may have put other events there. Reading an event twice does no harm. */
const SECOND_LOOK_BLOCKS = 12n;
/** Parties close their own deliveries; the keeper closes what they left open for so long, s. */
const PATIENCE_S = 60;
/** A delivery whose last readings came through our gateway is tried after so long, s: its parties may have no gas. */
const GATEWAY_PATIENCE_S = 15;
/** A duty that has failed for so long is a trouble, ms. */
const FAILING_MS = 60_000;

/**
 * Clears, settles, closes and checks what is due; anybody can run one. It decides on the chain's state alone, so two keepers
 * never harm: the one that waits longer finds nothing to do, and the slower one's simulation reverts.
 */
export class Keeper {
  readonly #options: KeeperOptions;
  /** Orders that may still have to be settled, by slot. */
  readonly #orders = new Map<number, Map<bigint, Order>>();
  /** Deliveries that may still be open, and their deadlines. */
  readonly #deliveries = new Map<bigint, { sellerMeterId: number; buyerMeterId: number; deadline: number }>();
  /** Deliveries that new readings may have completed, and when to try to close them, Unix seconds. */
  readonly #stirred = new Map<bigint, number>();
  /** Time of the newest block it has looked at, Unix seconds. */
  #now = 0;
  #times: Times | undefined;
  #scannedTo: bigint;
  /** Newest slot whose feeder check is done. */
  #reconciledTo: number | undefined;
  /** Slots whose mismatch is on record, and in which block. */
  readonly #mismatches = new Map<number, bigint>();
  readonly #turns: Turns;
  /** Newest block whose settlements are in the ledger. */
  #countedTo: bigint | undefined;
  #chunk = CHUNK_BLOCKS;
  /** Duties that failed the last time, since when on the monotonic clock, and why. */
  readonly #failing = new Map<string, { since: number; reason: string }>();

  constructor(options: KeeperOptions) {
    this.#options = options;
    this.#scannedTo = BigInt(options.deployment.deploymentBlock) - 1n;
    this.#turns = new Turns(options.waitS);
  }

  /** New readings of these meters are on chain: what they complete is closed, unless a party does it first. */
  stir(meterIds: readonly number[]): void {
    for (const [id, { sellerMeterId, buyerMeterId }] of this.#deliveries) {
      if (!meterIds.includes(sellerMeterId) && !meterIds.includes(buyerMeterId)) continue;
      if (!this.#stirred.has(id)) this.#stirred.set(id, this.#now + GATEWAY_PATIENCE_S + this.#options.waitS);
    }
  }

  /** Time of the newest block it has looked at, Unix seconds; 0 before the first. */
  get lookedAt(): number {
    return this.#now;
  }

  /** Duties that have failed for a minute and more. */
  get troubles(): string[] {
    const now = this.#options.clock.monotonicMs();
    return [...this.#failing]
      .filter(([, { since }]) => now - since >= FAILING_MS)
      .map(([duty, { reason }]) => `${duty} keeps failing: ${reason}`);
  }

  /** Runs until the signal aborts. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, pollMs } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.step(signal);
        if (failures > 0) log.info("keeper.recovered", { failures });
        failures = 0;
      } catch (error) {
        if (signal.aborted) return;
        if (failures++ === 0) log.warn("keeper.failed", { reason: reasonOf(error) });
      }
      await clock.sleep(pollMs, signal).catch(() => undefined);
    }
  }

  /** Looks at the chain's head once and does what is due; a duty that fails does not stop the others. */
  async step(signal?: AbortSignal): Promise<void> {
    const { client, waitS } = this.#options;
    const times = (this.#times ??= await this.#readTimes());
    const head = await client.getBlock({ blockTag: "latest" });
    const now = Number(head.timestamp);
    this.#now = now;
    const deep = head.number - SECOND_LOOK_BLOCKS;
    const room = roomFor(head.gasLimit);
    const duty = (name: string, work: () => Promise<void>) => this.#try(name, work, signal);
    await duty("reading the markets' events", () => this.#scan(head.number));
    const slots = [...this.#orders.keys()].sort((a, b) => a - b);
    const tended = await duty("clearing and settling", () =>
      this.#each(slots, (slot) => this.#tend(slot, now, times, room, deep), signal),
    );
    const closed = await duty("closing deliveries", () =>
      this.#each([...this.#deliveries.keys()], (id) => this.#closeDelivery(id, now, times, deep), signal),
    );
    this.#turns.nextRound(tended && closed);
    await duty("checking the connection point", () =>
      this.#reconcileAll(slotsToReconcile(this.#reconciledTo, now, times, waitS)),
    );
    await duty("counting what was settled", () => this.#count(deep));
  }

  /** @returns whether it succeeded. @throws when the signal aborts */
  async #try(duty: string, work: () => Promise<void>, signal: AbortSignal | undefined): Promise<boolean> {
    const { clock, log } = this.#options;
    const known = this.#failing.get(duty);
    try {
      await work();
      if (known) log.info("keeper.duty-recovered", { duty });
      this.#failing.delete(duty);
      return true;
    } catch (error) {
      if (signal?.aborted) throw error;
      const reason = reasonOf(error);
      if (!known) log.warn("keeper.duty-failed", { duty, reason });
      this.#failing.set(duty, { since: known?.since ?? clock.monotonicMs(), reason });
      return false;
    }
  }

  /** Does the work for every item, whatever becomes of the others. @throws what went wrong first */
  async #each<T>(items: T[], work: (item: T) => Promise<void>, signal: AbortSignal | undefined): Promise<void> {
    const errors: unknown[] = [];
    for (const item of items) {
      try {
        await work(item);
      } catch (error) {
        signal?.throwIfAborted();
        errors.push(error);
        await this.#askForHead();
      }
    }
    if (errors.length > 0) throw errors[0];
  }

  /** A node that is gone does not answer this either, and waiting for its answer to every question would take for ever. */
  #askForHead(): Promise<bigint> {
    return this.#options.client.getBlockNumber({ cacheTime: 0 });
  }

  /**
   * Whether what is gone was so already in a block that no reorg is expected to reach. Only then is it forgotten, for its
   * event may be too old to be read again. What is younger than that block is not there either: the next scan finds it again.
   */
  async #wasGone(deep: bigint, isGone: (blockNumber: bigint) => Promise<boolean>): Promise<boolean> {
    if (deep < BigInt(this.#options.deployment.deploymentBlock)) return false;
    try {
      return await isGone(deep);
    } catch (error) {
      if (!revertOf(error)) throw error;
      return false;
    }
  }

  // ------------------------------------------------------------------- auction

  async #tend(slot: number, now: number, times: Times, room: bigint, deep: bigint): Promise<void> {
    const orders = this.#orders.get(slot)!;
    const auction = await this.#auction("auctionOf", [slot]);
    const status = STATUS[(auction as { status: number }).status]!;
    // Before gate closure and while the energy flows there is nothing to do, and nothing more to ask.
    const idle = status === "open" || (status === "cleared" && slotOf(now, times.slotDuration) <= slot);
    const views = idle ? [] : await this.#look([...orders.values()], deep);
    for (const { id } of views.filter(({ forgotten }) => forgotten)) orders.delete(id);
    const plan = planSlot(
      {
        slot,
        status,
        openAsks: (auction as { openAsks: bigint }).openAsks,
        orders: views.filter(({ gone }) => !gone),
      },
      now,
      times,
    );
    if (plan.clear && this.#turns.isOurs(slot, now, times.gateClosure / 2))
      this.#note("clear", { slot }, await this.#send("clear", [slot]));
    const due = plan.settle.filter((id) => this.#turns.isOurs(id, now));
    for (const batch of await batchesWithin(due, room, (ids) => this.#gasToSettle(ids))) {
      this.#note("settle", { slot, orders: batch.length }, await this.#send("settle", [batch]));
    }
    if (!idle && orders.size === 0) this.#orders.delete(slot);
  }

  async #look(orders: Order[], deep: bigint): Promise<(OrderView & { gone: boolean; forgotten: boolean })[]> {
    return Promise.all(
      orders.map(async (order) => {
        const isGone = async (blockNumber?: bigint) =>
          ((await this.#auction("orderOf", [order.id], blockNumber)) as [string, number])[1] === 0;
        const [gone, filled, meterFinal] = await Promise.all([
          isGone(),
          this.#auction("fillOf", [order.id]),
          this.#isFinal(order.meterId, order.slot),
        ]);
        const forgotten = gone && (await this.#wasGone(deep, isGone));
        return { ...order, filled: BigInt(filled as number), meterFinal, gone, forgotten };
      }),
    );
  }

  /** Nothing when the node cannot execute it in one transaction. @throws when no node answers */
  async #gasToSettle(orderIds: readonly bigint[]): Promise<bigint | undefined> {
    const { client, deployment } = this.#options;
    try {
      const address = deployment.contracts.CallAuction;
      return await client.estimateContractGas({ address, abi: AUCTION, functionName: "settle", args: [orderIds] });
    } catch (error) {
      if (!(error instanceof BaseError) || isUnanswered(error)) throw error;
      return undefined;
    }
  }

  // ----------------------------------------------------------------- feeder check

  async #reconcileAll(slots: number[]): Promise<void> {
    for (const slot of slots) {
      if (!(await this.#reconcile(slot))) return; // again in the next step
      this.#reconciledTo = slot;
      for (const known of this.#mismatches.keys()) if (known <= slot) this.#mismatches.delete(known);
    }
  }

  /**
   * Only a mismatch is worth a transaction: it is evidence on record. A balanced slot, one without a Grid meter or without
   * all readings, and one whose mismatch is on record already cost nothing.
   * @returns whether nothing is left to do for the slot.
   */
  async #reconcile(slot: number): Promise<boolean> {
    const { client, deployment, outbox } = this.#options;
    const address = deployment.contracts.MeterRegistry;
    const call = { address, abi: REGISTRY, functionName: "reconcile", args: [slot] };
    try {
      if ((await client.simulateContract(call)).result) return true;
    } catch (error) {
      if (!isRefusal(error)) throw error;
      return true;
    }
    // Another keeper may have been faster while this one was busy.
    await this.#scan(await this.#askForHead());
    if (this.#mismatches.has(slot)) return true;
    const outcome = await outbox.send(`reconcile ${slot}`, call, (balanced) => balanced === false);
    if (outcome.status === "skipped") return true;
    this.#note("mismatch", { slot }, outcome);
    return outcome.status === "mined";
  }

  // ------------------------------------------------------------ direct deliveries

  async #closeDelivery(id: bigint, now: number, times: Times, deep: bigint): Promise<void> {
    const { sellerMeterId, buyerMeterId, deadline } = this.#deliveries.get(id)!;
    const stirred = now >= (this.#stirred.get(id) ?? Infinity);
    if (!stirred && now < deadline + PATIENCE_S) return;
    this.#stirred.delete(id);
    const isGone = (blockNumber?: bigint) => this.#isClosed(id, blockNumber);
    if (await isGone()) {
      if (await this.#wasGone(deep, isGone)) this.#deliveries.delete(id);
      return;
    }
    const address = this.#options.deployment.contracts.DirectMarket;
    if (now < deadline + PATIENCE_S) {
      // Whether it is complete shows in the simulation; nothing is spent when it is not.
      const outcome = await this.#options.outbox.send(`close ${id}`, {
        address,
        abi: MARKET,
        functionName: "close",
        args: [id],
      });
      if (outcome.status !== "refused" || outcome.error !== "DeliveryNotDue")
        this.#note("close", { deliveryId: id }, outcome);
      return;
    }
    const slot = slotOf(deadline, times.slotDuration);
    const final = await Promise.all([sellerMeterId, buyerMeterId].map((meterId) => this.#isFinal(meterId, slot)));
    if (!final.every(Boolean) || !this.#turns.isOurs(`delivery ${id}`, now)) return;
    const call = { address, abi: MARKET, functionName: "close", args: [id] };
    this.#note("close", { deliveryId: id }, await this.#options.outbox.send(`close ${id}`, call));
  }

  /** Also what the chain does not know: a reorg may have removed the purchase. */
  async #isClosed(id: bigint, blockNumber?: bigint): Promise<boolean> {
    const { client, deployment } = this.#options;
    const address = deployment.contracts.DirectMarket;
    try {
      const call = { address, abi: directMarketAbi, functionName: "deliveryOf", args: [id] } as const;
      return (await client.readContract({ ...call, blockNumber })).closed;
    } catch (error) {
      if (revertOf(error)?.name !== "DeliveryUnknown") throw error;
      return true;
    }
  }

  // --------------------------------------------------------------------- chain

  async #scan(head: bigint): Promise<void> {
    const { client, deployment } = this.#options;
    const { CallAuction, DirectMarket, MeterRegistry } = deployment.contracts;
    const address = [CallAuction, DirectMarket, MeterRegistry];
    const first = BigInt(deployment.deploymentBlock);
    let from = this.#scannedTo + 1n - SECOND_LOOK_BLOCKS;
    if (from < first) from = first;
    for (const [slot, block] of this.#mismatches) if (block >= from && block <= head) this.#mismatches.delete(slot);
    await this.#inPieces(from, head, async (fromBlock, toBlock) => {
      const logs = await client.getLogs({ address, events: EVENTS, fromBlock, toBlock, strict: true });
      for (const log of logs) {
        if (log.eventName === "OrderPlaced")
          this.#addOrder({ id: log.args.orderId, ...unpackOrderId(log.args.orderId) });
        else if (log.eventName === "DeliveryRequested") this.#deliveries.set(log.args.deliveryId, log.args);
        else if (log.args.slot > (this.#reconciledTo ?? -1)) this.#mismatches.set(log.args.slot, log.blockNumber);
      }
      this.#scannedTo = toBlock;
    });
  }

  /** Books what was settled, by whomever, once no reorg is to be expected any more. */
  async #count(deep: bigint): Promise<void> {
    const { client, deployment, ledger } = this.#options;
    if (!ledger) return;
    const { CallAuction, DirectMarket } = deployment.contracts;
    const address = [CallAuction, DirectMarket];
    // A young chain has no block so deep.
    this.#countedTo ??= deep > 0n ? deep : 0n;
    await this.#inPieces(this.#countedTo + 1n, deep, async (fromBlock, toBlock) => {
      const logs = await client.getLogs({ address, events: SETTLEMENTS, fromBlock, toBlock, strict: true });
      for (const log of logs) {
        if (log.eventName === "DeliveryClosed") ledger.settle("direct", BigInt(log.args.delivered));
        else if (unpackOrderId(log.args.orderId).side === "ask") ledger.settle("auction", BigInt(log.args.energy));
      }
      this.#countedTo = toBlock;
    });
  }

  /** Reads a range of blocks in pieces no larger than the node gives out. */
  async #inPieces(from: bigint, to: bigint, read: (from: bigint, to: bigint) => Promise<void>): Promise<void> {
    while (from <= to) {
      const left = to - from + 1n;
      const size = left < this.#chunk ? left : this.#chunk;
      try {
        await read(from, from + size - 1n);
        from += size;
        this.#chunk = this.#chunk * 2n < CHUNK_BLOCKS ? this.#chunk * 2n : CHUNK_BLOCKS;
      } catch (error) {
        if (size === 1n) throw error;
        this.#chunk = size / 2n;
        this.#options.log.debug("keeper.smaller-range", { blocks: this.#chunk, reason: reasonOf(error) });
        await this.#askForHead();
      }
    }
  }

  #addOrder(order: Order): void {
    const orders = this.#orders.get(order.slot) ?? new Map<bigint, Order>();
    orders.set(order.id, order);
    this.#orders.set(order.slot, orders);
  }

  async #readTimes(): Promise<Times> {
    const registry = { address: this.#options.deployment.contracts.MeterRegistry, abi: meterRegistryAbi };
    const { client } = this.#options;
    const [slotDuration, claimWindow, gateClosure] = await Promise.all([
      client.readContract({ ...registry, functionName: "slotDuration" }),
      client.readContract({ ...registry, functionName: "claimWindow" }),
      this.#auction("gateClosure", []) as Promise<number>,
    ]);
    return { slotDuration, claimWindow, gateClosure };
  }

  #isFinal(meterId: number, slot: number): Promise<boolean> {
    const { client, deployment } = this.#options;
    return client.readContract({
      address: deployment.contracts.MeterRegistry,
      abi: meterRegistryAbi,
      functionName: "isFinal",
      args: [meterId, slot],
    });
  }

  /** @param blockNumber the newest one if left out. */
  #auction(functionName: string, args: readonly unknown[], blockNumber?: bigint): Promise<unknown> {
    const address = this.#options.deployment.contracts.CallAuction;
    return this.#options.client.readContract({ address, abi: AUCTION, functionName, args, blockNumber });
  }

  #send(functionName: string, args: readonly unknown[]): Promise<Outcome> {
    const address = this.#options.deployment.contracts.CallAuction;
    return this.#options.outbox.send(functionName, { address, abi: AUCTION, functionName, args });
  }

  #note(action: string, details: object, outcome: Outcome): void {
    const { log } = this.#options;
    if (outcome.status === "mined") log.info(`keeper.${action}`, { ...details, hash: outcome.hash });
    else log.warn(`keeper.${action}-failed`, { ...details, ...outcome });
  }
}

/** Whether the contract said no, rather than a node that had a problem of its own. */
function isRefusal(error: unknown): boolean {
  const revert = revertOf(error);
  return revert !== undefined && (revert.name !== undefined || /revert/i.test(revert.sentence));
}
