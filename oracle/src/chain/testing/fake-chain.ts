import { directMarketAbi } from "@ioe/protocol/abi";
import { encodeAbiParameters, encodeEventTopics, numberToHex, parseAbiParameters } from "viem";
import { Refusal, RpcNode } from "./rpc-node.ts";

export const MARKET = `0x${"2".repeat(40)}` as const;
/** Seconds between two blocks. */
const BLOCK_TIME = 12n;

/** What a node of the chain does differently from a good one that knows all of it. */
export interface Fault {
  /** Newest block it knows. */
  head?: bigint;
  /** A block it does not find. */
  missing?: bigint;
  /** Most blocks of one question for logs. */
  mostBlocks?: bigint;
  /** Throws where the node does not answer; what it returns is answered instead, unless it is nothing. */
  meddle?: (method: string, params: readonly unknown[]) => unknown;
}

/** A chain of numbered blocks, some of which hold a purchase, with any number of nodes. */
export class FakeChain {
  head: bigint;
  /** Block of each purchase; the delivery's number is the block's. */
  readonly purchases: bigint[];
  readonly #nodes: RpcNode[] = [];

  constructor(head: bigint, purchases: bigint[] = []) {
    this.head = head;
    this.purchases = purchases;
  }

  hashOf(number: bigint): `0x${string}` {
    return numberToHex(number + 0xabc000n, { size: 32 });
  }

  timeOf(number: bigint): number {
    return Number(1_700_000_000n + number * BLOCK_TIME);
  }

  /** @returns the node's address. */
  async node(fault: Fault = {}): Promise<string> {
    const node = await RpcNode.start(
      (method, params) => fault.meddle?.(method, params) ?? this.#answer(fault, method, params),
    );
    this.#nodes.push(node);
    return node.url;
  }

  async close(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.close()));
  }

  #answer(fault: Fault, method: string, params: readonly unknown[]): unknown {
    const head = fault.head ?? this.head;
    if (method === "eth_blockNumber") return numberToHex(head);
    if (method === "eth_getBlockByNumber") {
      const number = params[0] === "latest" ? head : BigInt(params[0] as string);
      return number > head || number === fault.missing ? null : this.#block(number);
    }
    if (method !== "eth_getLogs") return new Refusal("method not found", -32_601);
    const filter = params[0] as { blockHash?: string; fromBlock: string; toBlock: string };
    const known = this.purchases.filter((number) => number <= head);
    if (filter.blockHash !== undefined)
      return known.filter((number) => this.hashOf(number) === filter.blockHash).map((number) => this.#purchase(number));
    const [from, to] = [BigInt(filter.fromBlock), BigInt(filter.toBlock)];
    if (to - from + 1n > (fault.mostBlocks ?? to)) return new Refusal("block range too large", -32_005);
    return known.filter((number) => number >= from && number <= to).map((number) => this.#purchase(number));
  }

  #block(number: bigint) {
    return {
      number: numberToHex(number),
      hash: this.hashOf(number),
      parentHash: this.hashOf(number - 1n),
      timestamp: numberToHex(this.timeOf(number)),
      transactions: [],
    };
  }

  #purchase(number: bigint) {
    const args = { deliveryId: number, sellerMeterId: 1, buyerMeterId: 2 };
    const deadline = this.timeOf(number) + 60;
    return {
      address: MARKET,
      topics: encodeEventTopics({ abi: directMarketAbi, eventName: "DeliveryRequested", args }),
      data: encodeAbiParameters(parseAbiParameters("uint32 energy, uint64 price, uint40 deadline"), [1, 1n, deadline]),
      blockNumber: numberToHex(number),
      blockHash: this.hashOf(number),
      logIndex: "0x0",
    };
  }
}
