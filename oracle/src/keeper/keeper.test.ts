import { type Deployment, packOrderId } from "@ioe/protocol";
import { callAuctionAbi, directMarketAbi, meterRegistryAbi } from "@ioe/protocol/abi";
import { expect } from "chai";
import {
  type Abi,
  type Hex,
  createPublicClient,
  custom,
  decodeFunctionData,
  encodeAbiParameters,
  encodeErrorResult,
  encodeEventTopics,
  encodeFunctionResult,
  numberToHex,
} from "viem";
import type { Call, Outbox, Outcome } from "../chain/index.ts";
import { ManualClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import { Keeper } from "./keeper.ts";
import { Ledger } from "./ledger.ts";

const REGISTRY = `0x${"1".repeat(40)}` as const;
const AUCTION = `0x${"2".repeat(40)}` as const;
const MARKET = `0x${"3".repeat(40)}` as const;
const HASH = `0x${"a".repeat(64)}` as const;
const ABIS: Record<string, Abi> = {
  [REGISTRY]: meterRegistryAbi,
  [AUCTION]: callAuctionAbi,
  [MARKET]: directMarketAbi,
};
/** As in ICallAuction. */
const OPEN_AUCTION = {
  status: 1,
  feedInTick: 0,
  retailTick: 0,
  feeTicks: 0,
  price: 0n,
  gridFee: 0n,
  volume: 0n,
  openAsks: 0n,
  openBids: 0n,
  delivered: 0n,
  penalties: 0n,
  balance: 0n,
};
const SLOT = 10_000;
/** The slot's energy flows from here on. */
const START = SLOT * 60;

interface Event {
  block: bigint;
  address: Hex;
  topics: unknown;
  data: Hex;
}

/** What a node says to somebody who asks wrongly. */
function refusal(code: number, message: string, data?: Hex): Error {
  return Object.assign(new Error(message), { code, data });
}

/** A node whose contracts answer what a test wants them to. */
class Chain {
  head = 5_000n;
  now = START - 1_000;
  /** Blocks it gives the events of at once. */
  mostBlocks = 1_000n;
  events: Event[] = [];
  /** Ranges it was asked for, and gave. */
  asked: { from: bigint; to: bigint; given: boolean }[] = [];
  /** Answers of the contracts by name of the function; an error is thrown. */
  answers: Record<string, (...args: never[]) => unknown> = {
    slotDuration: () => 60,
    claimWindow: () => 600,
    gateClosure: () => 15,
    auctionOf: () => OPEN_AUCTION,
    reconcile: () => noFeeder(),
  };

  readonly request = ({ method, params }: { method: string; params?: unknown }): Promise<unknown> =>
    Promise.resolve().then(() => this.#answer(method, params));

  place(slot: number, block: bigint): void {
    const orderId = packOrderId({ slot, meterId: 1, side: "bid", tick: 5 });
    const account = MARKET;
    const topics = encodeEventTopics({
      abi: callAuctionAbi,
      eventName: "OrderPlaced",
      args: { orderId, account, slot },
    });
    const data = encodeAbiParameters([{ type: "uint32" }, { type: "uint128" }], [10, 1n]);
    this.events.push({ block, address: AUCTION, topics, data });
  }

  mismatch(slot: number, block: bigint): void {
    const topics = encodeEventTopics({ abi: meterRegistryAbi, eventName: "FeederMismatch", args: { slot } });
    const data = encodeAbiParameters([{ type: "int256" }, { type: "int256" }], [1n, 100n]);
    this.events.push({ block, address: REGISTRY, topics, data });
  }

  close(block: bigint): void {
    const topics = encodeEventTopics({ abi: directMarketAbi, eventName: "DeliveryClosed", args: { deliveryId: 1n } });
    const data = encodeAbiParameters([{ type: "uint32" }, { type: "uint8" }], [40, 0]);
    this.events.push({ block, address: MARKET, topics, data });
  }

  #answer(method: string, params: unknown): unknown {
    const [first] = (params ?? []) as [Record<string, Hex>];
    if (method === "eth_blockNumber") return numberToHex(this.head);
    if (method === "eth_getBlockByNumber")
      return { number: numberToHex(this.head), timestamp: numberToHex(this.now), gasLimit: "0x1c9c380", hash: HASH };
    if (method === "eth_getLogs") return this.#logs(BigInt(first.fromBlock!), BigInt(first.toBlock!));
    if (method === "eth_call") return this.#call(first.to!, first.data!);
    throw new Error(`nobody asks a node of this test for ${method}`);
  }

  #logs(from: bigint, to: bigint): unknown {
    const given = from >= 0n && to - from < this.mostBlocks;
    this.asked.push({ from, to, given });
    if (!given) throw refusal(-32005, "query exceeds max block range");
    return this.events
      .filter(({ block }) => block >= from && block <= to)
      .map(({ block, ...event }) => ({
        ...event,
        blockNumber: numberToHex(block),
        blockHash: HASH,
        transactionHash: HASH,
        transactionIndex: "0x0",
        logIndex: "0x0",
        removed: false,
      }));
  }

  #call(to: Hex, data: Hex): Hex {
    const abi = ABIS[to.toLowerCase()]!;
    const { functionName, args = [] } = decodeFunctionData({ abi, data });
    const result = this.answers[functionName]!(...(args as never[]));
    if (result instanceof Error) throw result;
    return encodeFunctionResult({ abi, functionName, result });
  }
}

const noFeeder = () =>
  refusal(3, "execution reverted", encodeErrorResult({ abi: meterRegistryAbi, errorName: "NoFeeder" }));

describe("keeper", () => {
  let chain: Chain;
  let clock: ManualClock;
  let sent: string[];
  let outcomes: Outcome[];
  let ledger: Ledger;
  let events: string[];

  beforeEach(() => {
    chain = new Chain();
    clock = new ManualClock();
    sent = [];
    outcomes = [];
    ledger = new Ledger();
    events = [];
  });

  function newKeeper(waitS = 0): Keeper {
    const outbox = {
      send: (label: string, { args }: Call) => {
        sent.push(label === "clear" ? `clear ${String(args[0])}` : label);
        return Promise.resolve(outcomes.shift() ?? { status: "mined", hash: HASH });
      },
    } as unknown as Outbox;
    const deployment = {
      deploymentBlock: 1,
      contracts: { MeterRegistry: REGISTRY, CallAuction: AUCTION, DirectMarket: MARKET },
    } as Deployment;
    const client = createPublicClient({ transport: custom(chain, { retryCount: 0 }), cacheTime: 0 });
    const log = createLogger({
      write: (line) => events.push((JSON.parse(line) as { event: string }).event),
    });
    return new Keeper({ client, deployment, outbox, clock, log, pollMs: 1_000, waitS, ledger });
  }

  const hasAuction = () => {
    chain.place(SLOT, 10n);
    chain.now = START - 15;
  };

  describe("asks for events", () => {
    it("never for more blocks than a node with a narrow limit gives", async () => {
      hasAuction();
      chain.answers.reconcile = (slot: number) => (slot === SLOT - 5 ? false : noFeeder());
      const keeper = newKeeper();
      for (let i = 0; i < 3; i++, chain.head += 600n) await keeper.step();
      expect(chain.asked.filter(({ given }) => !given)).to.deep.equal([]);
      expect(sent).to.deep.equal([`clear ${SLOT}`, `reconcile ${SLOT - 5}`, `clear ${SLOT}`, `clear ${SLOT}`]);
    });

    it("for fewer blocks when a node refuses, and misses none", async () => {
      for (const [i, block] of [1n, 70n, 1_000n, 4_999n, 5_000n].entries()) chain.place(SLOT + i, block);
      chain.now = START - 15;
      chain.mostBlocks = 70n;
      const cleared: number[] = [];
      chain.answers.auctionOf = (slot: number) => {
        cleared.push(slot);
        return OPEN_AUCTION;
      };
      const keeper = newKeeper();
      await keeper.step();
      expect(cleared).to.deep.equal([0, 1, 2, 3, 4].map((i) => SLOT + i));
      expect(chain.asked.some(({ given }) => !given)).to.equal(true);
      expect(events).not.to.include("keeper.duty-failed");
    });

    it("of no block before the first when the chain is young, and counts what is settled from there on", async () => {
      chain.head = 5n;
      chain.close(3n);
      const keeper = newKeeper();
      await keeper.step();
      chain.head = 14n;
      await keeper.step();
      expect(ledger.settled.get("direct")).to.equal(0n);
      chain.head = 15n;
      await keeper.step();
      await keeper.step();
      expect(ledger.settled.get("direct")).to.equal(40n);
      expect(chain.asked.every(({ from }) => from >= 1n)).to.equal(true);
      expect(events).not.to.include("keeper.duty-failed");
    });
  });

  describe("when a duty fails", () => {
    it("clears all the same in its turn, and says after a minute what does not work", async () => {
      hasAuction();
      const keeper = newKeeper(3);
      chain.answers.reconcile = () => refusal(-32603, "out of memory");
      chain.now = START - 30;
      await keeper.step();
      chain.mostBlocks = 0n;
      for (let now = START - 15; now < START - 10; now++) {
        chain.now = now;
        await keeper.step();
      }
      expect(sent).to.deep.equal([`clear ${SLOT}`, `clear ${SLOT}`]);
      expect(keeper.troubles).to.deep.equal([]);
      await clock.advance(60_000);
      await keeper.step();
      expect(keeper.troubles.map((trouble) => trouble.split(" keeps failing: ")[0])).to.have.members([
        "reading the markets' events",
        "checking the connection point",
      ]);
      expect(events.filter((event) => event === "keeper.duty-failed")).to.have.length(2);

      chain.mostBlocks = 1_000n;
      chain.answers.reconcile = noFeeder;
      await keeper.step();
      expect(keeper.troubles).to.deep.equal([]);
      expect(events.filter((event) => event === "keeper.duty-recovered")).to.have.length(2);
    });

    it("clears the other slots, and keeps its place for the one that could not be read", async () => {
      hasAuction();
      chain.place(SLOT - 1, 10n);
      const keeper = newKeeper(3);
      await keeper.step();
      const { auctionOf } = chain.answers;
      chain.answers.auctionOf = () => refusal(-32603, "out of memory");
      chain.now += 1;
      await keeper.step();
      chain.answers.auctionOf = (slot: number) => (slot === SLOT ? OPEN_AUCTION : refusal(-32603, "out of memory"));
      chain.now += 2;
      await keeper.step();
      expect(sent).to.deep.equal([`clear ${SLOT}`]);
      chain.answers.auctionOf = auctionOf!;
      await keeper.step();
      expect(events.filter((event) => /duty/.test(event))).to.deep.equal([
        "keeper.duty-failed",
        "keeper.duty-recovered",
      ]);
    });

    it("ends at once when it is told to", async () => {
      hasAuction();
      const stop = new AbortController();
      chain.answers.auctionOf = () => {
        stop.abort();
        return refusal(-32603, "out of memory");
      };
      await newKeeper().run(stop.signal);
      expect(events).to.deep.equal([]);
    });
  });

  describe("checks the connection point", () => {
    /** Slots that were looked at since the last time. */
    let looked: number[];
    let answer: (slot: number) => unknown;
    const NEWEST = SLOT - 19;

    beforeEach(() => {
      looked = [];
      answer = () => true;
      chain.answers.reconcile = (slot: number) => {
        looked.push(slot);
        return answer(slot);
      };
    });
    const lookedAt = async (keeper: Keeper) => {
      looked = [];
      await keeper.step();
      return [...new Set(looked)];
    };

    it("in the slots before its start as well, and in each once", async () => {
      const keeper = newKeeper();
      expect(await lookedAt(keeper)).to.deep.equal(Array.from({ length: 97 }, (_, i) => NEWEST - 96 + i));
      expect(await lookedAt(keeper)).to.deep.equal([]);
    });

    it("again when its transaction came to nothing, until the mismatch is on record", async () => {
      const keeper = newKeeper();
      answer = (slot) => slot !== NEWEST;
      outcomes = [
        { status: "lost" },
        { status: "cancelled" },
        { status: "reverted", error: undefined, reason: "" },
        { status: "refused", error: "InsufficientFunds", reason: "" },
        { status: "mined", hash: HASH },
      ];
      await keeper.step();
      for (let i = 0; i < 4; i++) expect(await lookedAt(keeper)).to.deep.equal([NEWEST]);
      expect(await lookedAt(keeper)).to.deep.equal([]);
      expect(sent).to.deep.equal(Array.from({ length: 5 }, () => `reconcile ${NEWEST}`));
    });

    it("again when a node failed, but not when the contract refuses", async () => {
      const keeper = newKeeper();
      answer = (slot) => (slot === NEWEST ? refusal(-32603, "out of memory") : noFeeder());
      await keeper.step();
      expect(await lookedAt(keeper)).to.deep.equal([NEWEST]);
      answer = noFeeder;
      expect(await lookedAt(keeper)).to.deep.equal([NEWEST]);
      expect(await lookedAt(keeper)).to.deep.equal([]);
      expect(sent).to.deep.equal([]);
    });

    it("spends nothing on what is on record, however long ago, but on what a reorg has taken away", async () => {
      const keeper = newKeeper();
      chain.mismatch(NEWEST - 1, 100n);
      chain.mismatch(NEWEST, 4_995n);
      answer = (slot) => (slot < NEWEST ? slot < NEWEST - 1 : refusal(-32603, "out of memory"));
      await keeper.step();
      answer = (slot) => slot < NEWEST - 1;
      chain.events.pop();
      await keeper.step();
      expect(sent).to.deep.equal([`reconcile ${NEWEST}`]);
    });

    it("sees what another keeper has put on record while it was busy", async () => {
      hasAuction();
      const newest = SLOT - 3;
      answer = (slot) => slot !== newest;
      const { auctionOf } = chain.answers;
      chain.answers.auctionOf = (...args: never[]) => {
        chain.head += 1n;
        chain.mismatch(newest, chain.head);
        return auctionOf!(...args);
      };
      await newKeeper().step();
      expect(sent).to.deep.equal([`clear ${SLOT}`]);
    });
  });
});
