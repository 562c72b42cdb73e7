import { BaseError, BlockNotFoundError, type Log, type PublicClient, numberToHex } from "viem";
import type { Clock } from "../clock.ts";
import { type Logger, reasonOf } from "../log.ts";
import { nodesOf } from "./client.ts";
import { ChainError } from "./errors.ts";
import { type Block, type ChainEvent, EVENT_TOPICS, isPurchase, toChainEvent } from "./events.ts";

interface BlockId {
  number: bigint;
  hash: `0x${string}`;
}

/** Where the loop keeps its place; `apply` and `advance` of a block are one transaction. */
export interface BlockStore {
  cursor(): BlockId | undefined;
  advance(block: BlockId): void;
  /** Newest first. */
  recentBlocks(): BlockId[];
  rewind(ancestor: BlockId): void;
  atomically<T>(work: () => T): T;
}

export interface BlockLoopOptions {
  client: PublicClient;
  store: BlockStore;
  clock: Clock;
  log: Logger;
  addresses: `0x${string}`[];
  deploymentBlock: BlockId;
  /** Blocks on top before an event is acted on. */
  confirmations: number;
  pollMs: number;
  /** Records the effects of events, synchronously, in the transaction that moves the cursor. */
  apply: (events: ChainEvent[]) => void;
  /** After the commit of what is new, and with every new head. */
  onHead: (head: Block) => void;
}

/** Range of the first `eth_getLogs`; halved when a node refuses, doubled again with every success. */
const CHUNK_BLOCKS = 1_000n;
const MOST_CHUNK_BLOCKS = 10_000n;
/** Up to so many blocks are taken one by one, each by its hash, which no reorg can mix up. */
const SINGLE_BLOCKS = 8n;
/** A block this deep is looked at a second time: some nodes know a block before they know its logs. */
const SECOND_LOOK_DEPTH = 4n;
const MAX_BACKOFF_MS = 10_000;

/**
 * Follows the chain from the stored cursor to the head. Own loop instead of a subscription, because a subscription is
 * silent about logs that a reorg takes away: every block must be the child of the one before, else the effects after
 * the last common block are taken back.
 */
export class BlockLoop {
  readonly #options: BlockLoopOptions;
  readonly #nodes: PublicClient[];
  /** The one that is asked in this step. */
  #node: PublicClient;
  #head: Block | undefined;
  /** Head up to which everything is in the store. */
  #taken: string | undefined;
  #chunk = CHUNK_BLOCKS;
  /** Blocks near the head and how many logs they showed the first time. */
  readonly #firstLook = new Map<bigint, number>();

  constructor(options: BlockLoopOptions) {
    this.#options = options;
    this.#nodes = nodesOf(options.client);
    this.#node = options.client;
  }

  /** Newest block any node has shown, for its time; not necessarily confirmed. */
  get head(): Block | undefined {
    return this.#head;
  }

  /** Runs until the signal aborts. @throws ChainError when the chain has been replaced by another one. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, log, pollMs } = this.#options;
    let failures = 0;
    while (!signal.aborted) {
      try {
        await this.step();
        if (failures > 0) log.info("chain.reachable", { failures });
        failures = 0;
      } catch (error) {
        if (error instanceof ChainError) throw error;
        failures++;
        const entry = { reason: reasonOf(error), failures };
        if (failures === 1) log.warn("chain.unreachable", entry);
        else log.debug("chain.unreachable", entry);
      }
      const pause = Math.min(pollMs * 2 ** Math.min(failures, 10), Math.max(MAX_BACKOFF_MS, pollMs));
      await clock.sleep(pause, signal).catch(() => undefined);
    }
  }

  /**
   * Takes the chain in up to its head, as a single node shows it: one that is behind has no logs of blocks it does not
   * know, and blocks of another node would not tell. When it cannot go on, the next one is asked from its head on.
   */
  async step(): Promise<void> {
    for (const node of this.#nodes) {
      this.#node = node;
      try {
        return await this.#step();
      } catch (error) {
        if (!(error instanceof BaseError) || node === this.#nodes.at(-1)) throw error;
        this.#options.log.debug("chain.next-node", { reason: reasonOf(error) });
      }
    }
  }

  async #step(): Promise<void> {
    const { confirmations, onHead, store } = this.#options;
    const latest = await this.#node.getBlock({ blockTag: "latest" });
    const head: Block = { number: latest.number, hash: latest.hash, timestamp: Number(latest.timestamp) };
    if (head.hash === this.#taken) return;
    const target = head.number - BigInt(confirmations);
    const complete = await this.#catchUp(target);
    // A node that lags behind the one asked before shows an old head of the same chain: nothing new, and no authority.
    if (head.number < (this.#head?.number ?? 0n) && store.cursor()?.number !== target) return;
    this.#head = head;
    if (complete) this.#taken = head.hash;
    onHead(head);
    // Relays do not wait for a second look.
    if (!(await this.#lookAgain(target))) return;
    if (await this.#catchUp(target)) this.#taken = head.hash;
    onHead(head);
  }

  /** False when the node behind an answer was not as far as the one that showed the head: the next step goes on. */
  async #catchUp(target: bigint): Promise<boolean> {
    const { store, deploymentBlock } = this.#options;
    let cursor = store.cursor();
    if (cursor && target <= cursor.number && target >= deploymentBlock.number) {
      // A node that lags shows a block we know; any other block at that height is another chain.
      const known = store.recentBlocks().find((block) => block.number === target);
      if (!known || (await this.#blockAt(target))?.hash === known.hash) return true;
      await this.#rewind();
    }
    while (((cursor = store.cursor()), (cursor?.number ?? deploymentBlock.number - 1n) < target)) {
      const from = cursor ? cursor.number + 1n : deploymentBlock.number;
      const left = target - from + 1n;
      const size = left < this.#chunk ? left : this.#chunk;
      const first = await this.#blockAt(from);
      if (!first) return false;
      if (!this.#continues(cursor, first)) {
        await this.#rewind();
        if (store.cursor()?.hash === cursor?.hash)
          throw new Error(`block ${from} is not the child of block ${from - 1n}`);
        continue;
      }
      if (size <= SINGLE_BLOCKS) await this.#takeSingle(first, target);
      else if (!(await this.#takeRange(from, from + size - 1n, target))) return false;
    }
    return true;
  }

  #continues(cursor: BlockId | undefined, block: Block & { parentHash: string }): boolean {
    const { deploymentBlock } = this.#options;
    if (cursor) return block.parentHash === cursor.hash;
    if (block.hash === deploymentBlock.hash) return true;
    throw replaced(deploymentBlock);
  }

  async #takeSingle(block: Block, target: bigint): Promise<void> {
    const logs = await this.#logs({ blockHash: block.hash });
    // A node that refused for another reason than the size takes ranges again.
    if (this.#chunk <= SINGLE_BLOCKS) this.#chunk++;
    this.#noteFirstLook(block.number, block.number, target, logs);
    this.#commit(
      block,
      logs.map((entry) => toChainEvent(entry, block.timestamp)),
    );
  }

  /** A range is kept only if its last block is the same before and after its logs were read. */
  async #takeRange(from: bigint, to: bigint, target: bigint): Promise<boolean> {
    const before = await this.#blockAt(to);
    const logs = await this.#rangeLogs(from, to);
    if (!logs) {
      this.#chunk = (to - from + 1n) / 2n;
      return true; // in smaller steps, then
    }
    if (this.#chunk < MOST_CHUNK_BLOCKS) this.#chunk *= 2n;
    const timestamps = await this.#timestamps(logs.filter(isPurchase));
    const after = await this.#blockAt(to);
    if (!before || before.hash !== after?.hash) return false;
    this.#noteFirstLook(from, to, target, logs);
    this.#commit(
      before,
      logs.map((entry) => toChainEvent(entry, timestamps.get(entry.blockNumber) ?? 0)),
    );
    return true;
  }

  /** Unix seconds of the blocks that the logs are in. */
  async #timestamps(logs: { blockNumber: bigint }[]): Promise<Map<bigint, number>> {
    const timestamps = new Map<bigint, number>();
    for (const { blockNumber } of logs) {
      if (timestamps.has(blockNumber)) continue;
      const block = await this.#blockAt(blockNumber);
      if (!block) throw new Error(`the node shows logs of block ${blockNumber}, but not the block`);
      timestamps.set(blockNumber, block.timestamp);
    }
    return timestamps;
  }

  /** Logs of a range; nothing when the node refuses so many blocks at once. */
  async #rangeLogs(from: bigint, to: bigint) {
    try {
      return await this.#logs({ fromBlock: numberToHex(from), toBlock: numberToHex(to) });
    } catch (error) {
      // A node that is gone does not answer the question for its head either, which ends the step.
      await this.#node.getBlockNumber();
      this.#options.log.debug("chain.smaller-range", { blocks: to - from + 1n, reason: reasonOf(error) });
      return undefined;
    }
  }

  /** What lies deeper is settled by the time a backfill comes to it. */
  #noteFirstLook(from: bigint, to: bigint, target: bigint, logs: readonly { blockNumber: bigint }[]): void {
    const settled = target - SECOND_LOOK_DEPTH;
    for (let number = from > settled ? from : settled + 1n; number <= to; number++) {
      this.#firstLook.set(number, logs.filter(({ blockNumber }) => blockNumber === number).length);
    }
  }

  /**
   * Asks once more for the logs of blocks that have come to some depth. When there are more than the first time, what
   * came after is taken back, to be taken in again: nothing is missed, and nothing acts twice.
   * @returns whether there was something.
   */
  async #lookAgain(target: bigint): Promise<boolean> {
    const { store, deploymentBlock, log } = this.#options;
    const due = [...this.#firstLook.keys()].filter((number) => number <= target - SECOND_LOOK_DEPTH).sort(ascending);
    const [from, to] = [due.at(0), due.at(-1)];
    if (from === undefined || to === undefined || to - from + 1n < SECOND_LOOK_DEPTH) return false;
    const logs = (await this.#rangeLogs(from, to)) ?? (await this.#logsOfEach(due));
    for (const number of due) {
      const now = logs.filter(({ blockNumber }) => blockNumber === number).length;
      if (now <= this.#firstLook.get(number)!) continue;
      const before = store.recentBlocks().find((block) => block.number < number) ?? deploymentBlock;
      log.warn("chain.logs-late", { block: number, first: this.#firstLook.get(number), now });
      this.#takeBack(before);
      return true;
    }
    for (const number of due) this.#firstLook.delete(number);
    return false;
  }

  /** For a node that allows even fewer blocks at once. */
  async #logsOfEach(numbers: bigint[]) {
    const logs = [];
    for (const number of numbers) {
      const block = numberToHex(number);
      logs.push(...(await this.#logs({ fromBlock: block, toBlock: block })));
    }
    return logs;
  }

  /** Forgets what came after a block. Until it is in again, the head counts as not taken. */
  #takeBack(ancestor: BlockId): void {
    this.#taken = undefined;
    for (const number of this.#firstLook.keys()) if (number > ancestor.number) this.#firstLook.delete(number);
    this.#options.store.rewind(ancestor);
  }

  #commit(block: Block, events: ChainEvent[]): void {
    const { store, apply } = this.#options;
    store.atomically(() => {
      apply(events);
      store.advance(block);
    });
  }

  /** Goes back to the newest remembered block the chain still has. */
  async #rewind(): Promise<void> {
    const { store, deploymentBlock, log } = this.#options;
    for (const block of store.recentBlocks()) {
      if ((await this.#blockAt(block.number))?.hash !== block.hash) continue;
      log.warn("chain.reorg", { from: store.cursor()?.number, to: block.number });
      this.#takeBack(block);
      return;
    }
    if ((await this.#blockAt(deploymentBlock.number))?.hash !== deploymentBlock.hash) throw replaced(deploymentBlock);
    log.warn("chain.reorg", { from: store.cursor()?.number, to: deploymentBlock.number });
    this.#takeBack(deploymentBlock);
  }

  async #blockAt(blockNumber: bigint): Promise<(Block & { parentHash: string }) | undefined> {
    try {
      const block = await this.#node.getBlock({ blockNumber });
      return {
        number: block.number,
        hash: block.hash,
        parentHash: block.parentHash,
        timestamp: Number(block.timestamp),
      };
    } catch (error) {
      if (error instanceof BlockNotFoundError) return undefined;
      throw error;
    }
  }

  /** All our events of both contracts in one request; viem's `getLogs` cannot take several events with one topic list. */
  async #logs(
    range: { blockHash: `0x${string}` } | { fromBlock: `0x${string}`; toBlock: `0x${string}` },
  ): Promise<Log<bigint, number, false>[]> {
    const logs = await this.#node.request({
      method: "eth_getLogs",
      params: [{ address: this.#options.addresses, topics: [EVENT_TOPICS], ...range }],
    });
    return logs.map(
      (entry) =>
        ({ ...entry, blockNumber: BigInt(entry.blockNumber ?? 0), logIndex: Number(entry.logIndex) }) as unknown as Log<
          bigint,
          number,
          false
        >,
    );
  }
}

function ascending(a: bigint, b: bigint): number {
  return a < b ? -1 : 1;
}

function replaced(deploymentBlock: BlockId): ChainError {
  return new ChainError(
    `block ${deploymentBlock.number} of the chain is no longer the one in the deployment file: the chain was replaced; ` +
      "deploy again and start the oracle with the new deployment file",
  );
}
