import { expect } from "chai";
import { systemClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import { BlockLoop, type BlockStore } from "./blocks.ts";
import { createChainClient } from "./client.ts";
import type { Block, ChainEvent } from "./events.ts";
import { type Fault, FakeChain, MARKET } from "./testing/fake-chain.ts";
import { Refusal } from "./testing/rpc-node.ts";

type BlockId = ReturnType<BlockStore["recentBlocks"]>[number];

/** Deployed in block 1. */
class MemoryStore implements BlockStore {
  events: ChainEvent[] = [];
  #blocks: BlockId[] = [];

  cursor = () => this.#blocks[0];
  recentBlocks = () => this.#blocks;
  advance = (block: BlockId) => void this.#blocks.unshift({ number: block.number, hash: block.hash });
  atomically = <T>(work: () => T) => work();

  rewind(ancestor: BlockId): void {
    this.#blocks = this.#blocks.filter(({ number }) => number <= ancestor.number);
    this.events = this.events.filter(({ block }) => block <= ancestor.number);
  }
}

describe("the block loop", () => {
  let chain: FakeChain;
  let store: MemoryStore;
  let heads: bigint[];
  beforeEach(() => {
    store = new MemoryStore();
    heads = [];
  });
  afterEach(() => chain.close());

  async function loop(...faults: Fault[]): Promise<BlockLoop> {
    const urls = [];
    for (const fault of faults) urls.push(await chain.node(fault));
    return new BlockLoop({
      client: createChainClient(urls),
      store,
      clock: systemClock,
      log: createLogger({ write: () => undefined }),
      addresses: [MARKET],
      deploymentBlock: { number: 1n, hash: chain.hashOf(1n) },
      confirmations: 0,
      pollMs: 10,
      apply: (events) => store.events.push(...events),
      onHead: ({ number }: Block) => heads.push(number),
    });
  }

  /** Block of every purchase that was taken in, with its time. */
  const taken = () =>
    store.events.map((event) => event.type === "DeliveryRequested" && [event.block, event.purchasedAt]);
  const onChain = () => chain.purchases.map((number) => [number, chain.timeOf(number)]);
  const reason = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: Error) => error.message,
    );
  const gone = () => {
    throw new Error("gone");
  };

  describe("with a second node that is behind", () => {
    const behind = { head: 10n };

    it("does not take that one's logs for those the first refuses to give at once", async () => {
      chain = new FakeChain(100n, [5n, 40n, 99n]);
      const blocks = await loop({ mostBlocks: 20n }, behind);
      await blocks.step();
      expect(taken()).to.deep.equal(onChain());
      expect(heads).to.deep.equal([100n]);
    });

    it("does not take that one's logs for those the first does not answer with", async () => {
      chain = new FakeChain(100n, [5n, 40n, 99n]);
      let silent = true;
      const meddle = (method: string) => (silent && method === "eth_getLogs" ? gone() : undefined);
      const blocks = await loop({ meddle }, behind);
      await blocks.step();
      expect(store.cursor()?.number).to.equal(behind.head);
      silent = false;
      await blocks.step();
      expect(taken()).to.deep.equal(onChain());
      expect(store.cursor()?.number).to.equal(100n);
    });

    it("goes on where that one is when the first goes away, and back to the first", async () => {
      chain = new FakeChain(8n, [2n]);
      let cut = false;
      const blocks = await loop({ meddle: () => (cut ? gone() : undefined) }, behind);
      await blocks.step();
      cut = true;
      chain.head = 12n;
      chain.purchases.push(9n, 11n);
      await blocks.step();
      expect(taken()).to.deep.equal(onChain().slice(0, 2));
      cut = false;
      await blocks.step();
      expect(taken()).to.deep.equal(onChain());
      expect(heads).to.deep.equal([8n, 10n, 12n]);
    });
  });

  it("asks the next node when one has nothing but errors for an answer", async () => {
    chain = new FakeChain(100n, [40n]);
    const meddle = (method: string) => (method === "eth_getLogs" ? new Refusal("missing trie node") : undefined);
    await (await loop({ meddle }, {})).step();
    expect(taken()).to.deep.equal(onChain());
  });

  it("takes no purchase in without its time: the step is repeated", async () => {
    chain = new FakeChain(100n, [40n]);
    const fault: Fault = { missing: 40n };
    const blocks = await loop(fault);
    expect(await reason(blocks.step())).to.equal("the node shows logs of block 40, but not the block");
    expect(taken()).to.deep.equal([]);
    delete fault.missing;
    await blocks.step();
    expect(taken()).to.deep.equal(onChain());
  });

  for (const mostBlocks of [1n, 2n, 3n, 5n, 7n]) {
    it(`takes everything in from a node that allows ${mostBlocks} blocks at once`, async () => {
      chain = new FakeChain(60n, [1n, 33n, 34n, 58n]);
      const blocks = await loop({ mostBlocks });
      await blocks.step();
      for (let i = 0; i < 12; i++) {
        chain.head++;
        if (i % 5 === 0) chain.purchases.push(chain.head);
        await blocks.step();
      }
      expect(taken()).to.deep.equal(onChain());
      expect(store.cursor()?.number).to.equal(72n);
      expect(heads).to.have.length(13);
    });
  }

  it("takes ranges again once a node no longer refuses them", async () => {
    chain = new FakeChain(100n);
    const fault: Fault = { mostBlocks: 1n };
    let asked = 0;
    fault.meddle = (method) => void (method === "eth_getLogs" && asked++);
    const blocks = await loop(fault);
    await blocks.step();
    expect(asked).to.be.above(100);
    delete fault.mostBlocks;
    chain.head = 1_100n;
    asked = 0;
    await blocks.step();
    expect(store.cursor()?.number).to.equal(1_100n);
    expect(asked).to.be.below(30);
  });

  it("takes in logs that came later than their block, though the node goes away meanwhile, without a new block", async () => {
    chain = new FakeChain(20n, [20n]);
    let blind = true;
    let cut = false;
    const blocks = await loop({
      meddle: (method) => (cut ? gone() : method === "eth_getLogs" && blind ? [] : undefined),
    });
    await blocks.step();
    expect(taken()).to.deep.equal([]);
    blind = false;
    chain.head = 24n;
    const rewind = store.rewind.bind(store);
    store.rewind = (ancestor) => {
      rewind(ancestor);
      cut = true;
    };
    expect(await reason(blocks.step())).to.be.a("string");
    cut = false;
    await blocks.step();
    expect(taken()).to.deep.equal(onChain());
    expect(store.cursor()?.number).to.equal(24n);
    expect(heads).to.deep.equal([20n, 24n, 24n]);
    await blocks.step();
    expect(heads, "nothing new").to.have.length(3);
  });
});
