import { BlockNotFoundError, type Log, type PublicClient, numberToHex } from "viem";
import type { Clock } from "../clock.ts";
import { type Logger, reasonOf } from "../log.ts";
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
  #head: Block | undefined;
  /** Head up to which everything is in the store. */
  #taken: string | undefined;
  #chunk = CHUNK_BLOCKS;
  /** Blocks near the head and how many logs they showed the first time. */
  readonly #firstLook = new Map<bigint, number>();

  constructor(options: BlockLoopOptions) {
    this.#options = options;
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

  /** Takes the chain in up to its head. */
  async step(): Promise<void> {
    const { client, confirmations, onHead, store } = this.#options;
    const latest = await client.getBlock({ blockTag: "latest" });
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
    if (await this.#lookAgain(target)) onHead(head);
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
      const size = left <= SINGLE_BLOCKS ? 1n : left < this.#chunk ? left : this.#chunk;
      const first = await this.#blockAt(from);
      if (!first) return false;
      if (!this.#continues(cursor, first)) {
        await this.#rewind();
        if (store.cursor()?.hash === cursor?.hash)
          throw new Error(`block ${from} is not the child of block ${from - 1n}`);
        continue;
      }
      if (size === 1n) {
        const logs = await this.#logs({ blockHash: first.hash });
        this.#firstLook.set(first.number, logs.length);
        this.#commit(
          first,
          logs.map((entry) => toChainEvent(entry, first.timestamp)),
        );
      } else if (!(await this.#takeRange(from, from + size - 1n))) {
        return false;
      }
    }
    return true;
  }

  #continues(cursor: BlockId | undefined, block: Block & { parentHash: string }): boolean {
    const { deploymentBlock } = this.#options;
    if (cursor) return block.parentHash === cursor.hash;
    if (block.hash === deploymentBlock.hash) return true;
    throw replaced(deploymentBlock);
  }

  /** A range is kept only if its last block is the same before and after its logs were read. */
  async #takeRange(from: bigint, to: bigint): Promise<boolean> {
    const before = await this.#blockAt(to);
    const logs = await this.#rangeLogs(from, to);
    if (!logs) return true; // in smaller steps, then
    const timestamps = new Map<bigint, number>();
    for (const { blockNumber } of logs.filter(isPurchase)) {
      if (!timestamps.has(blockNumber)) timestamps.set(blockNumber, (await this.#blockAt(blockNumber))?.timestamp ?? 0);
    }
    const after = await this.#blockAt(to);
    if (!before || before.hash !== after?.hash) return false;
    // What lies deeper is settled by the time a backfill comes to it.
    for (const number of this.#firstLook.keys()) if (number <= to - SECOND_LOOK_DEPTH) this.#firstLook.delete(number);
    for (let number = to - SECOND_LOOK_DEPTH + 1n; number <= to; number++) {
      this.#firstLook.set(number, logs.filter(({ blockNumber }) => blockNumber === number).length);
    }
    this.#commit(
      before,
      logs.map((entry) => toChainEvent(entry, timestamps.get(entry.blockNumber) ?? 0)),
    );
    return true;
  }

  /** Logs of a range; nothing when the node refuses so many blocks at once, and the next range is smaller. */
  async #rangeLogs(from: bigint, to: bigint) {
    try {
      const logs = await this.#logs({ fromBlock: numberToHex(from), toBlock: numberToHex(to) });
      if (this.#chunk < MOST_CHUNK_BLOCKS) this.#chunk *= 2n;
      return logs;
    } catch (error) {
      // A node that is gone does not answer the question for its head either, which ends the step.
      if (this.#chunk <= SINGLE_BLOCKS) throw error;
      this.#chunk /= 2n;
      this.#options.log.debug("chain.smaller-range", { blocks: this.#chunk, reason: reasonOf(error) });
      await this.#options.client.getBlockNumber();
      return undefined;
    }
  }

  /**
   * Asks once more for the logs of blocks that have come to some depth. When there are more than the first time, what
   * came after is taken back and in again: nothing is missed, and nothing acts twice.
   * @returns whether there was something.
   */
  async #lookAgain(target: bigint): Promise<boolean> {
    const { store, deploymentBlock, log } = this.#options;
    const due = [...this.#firstLook.keys()].filter((number) => number <= target - SECOND_LOOK_DEPTH).sort(ascending);
    const [from, to] = [due.at(0), due.at(-1)];
    if (from === undefined || to === undefined || to - from + 1n < SECOND_LOOK_DEPTH) return false;
    const logs = await this.#logs({ fromBlock: numberToHex(from), toBlock: numberToHex(to) });
    for (const number of due) {
      const now = logs.filter(({ blockNumber }) => blockNumber === number).length;
      if (now <= this.#firstLook.get(number)!) continue;
      const before = store.recentBlocks().find((block) => block.number < number) ?? deploymentBlock;
      log.warn("chain.logs-late", { block: number, first: this.#firstLook.get(number), now });
      this.#forget(before.number);
      store.rewind(before);
      await this.#catchUp(target);
      return true;
    }
    for (const number of due) this.#firstLook.delete(number);
    return false;
  }

  #forget(after: bigint): void {
    for (const number of this.#firstLook.keys()) if (number > after) this.#firstLook.delete(number);
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
      this.#forget(block.number);
      store.rewind(block);
      return;
    }
    if ((await this.#blockAt(deploymentBlock.number))?.hash !== deploymentBlock.hash) throw replaced(deploymentBlock);
    log.warn("chain.reorg", { from: store.cursor()?.number, to: deploymentBlock.number });
    this.#forget(deploymentBlock.number);
    store.rewind(deploymentBlock);
  }

  async #blockAt(blockNumber: bigint): Promise<(Block & { parentHash: string }) | undefined> {
    try {
      const block = await this.#options.client.getBlock({ blockNumber });
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
    const logs = await this.#options.client.request({
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
