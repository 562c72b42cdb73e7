import { directMarketAbi } from "@ioe/protocol/abi";
import { expect } from "chai";
import { createClient, custom, encodeEventTopics, fromHex, numberToHex, padHex } from "viem";
import { createLogCache } from "./logCache.ts";
import type { HistoryProgress, Tell } from "./history.ts";
import type { Kept } from "./logs.ts";
import type { Ledger } from "./ledger.ts";
import type { Shelf } from "./shelf.ts";
import type { Zone } from "./zone.ts";

const MARKET = "0x00000000000000000000000000000000000000a1";
const hash = (block: number, fork: number) => padHex(numberToHex(block * 16 + fork), { size: 32 });

interface Known {
  block: number;
  fork: number;
  listingId: bigint;
}

/**
 * A node that knows some listings and their blocks; `fork` tells a block's versions apart.
 * @param most logs it gives at once
 */
function node(logs: Known[] = [], most = Infinity) {
  const asked: [number, number][] = [];
  const found = (params: [{ fromBlock: `0x${string}`; toBlock: `0x${string}` }]) => {
    const from = fromHex(params[0].fromBlock, "number");
    const to = fromHex(params[0].toBlock, "number");
    asked.push([from, to]);
    const within = logs.filter(({ block }) => block >= from && block <= to);
    if (within.length > most) throw Object.assign(new Error("too many results"), { code: -32005 });
    return within.map(({ block, fork, listingId }) => ({
      address: MARKET,
      topics: encodeEventTopics({
        abi: directMarketAbi,
        eventName: "Listed",
        args: { listingId, meterId: 1, account: MARKET },
      }),
      data: `0x${"00".repeat(5 * 32)}`,
      blockNumber: numberToHex(block),
      blockHash: hash(block, fork),
      transactionHash: hash(block, fork),
      transactionIndex: "0x0",
      logIndex: "0x0",
      removed: false,
    }));
  };
  const request = ({ method, params }: { method: string; params: never }) => {
    if (method === "eth_getLogs") return Promise.resolve(params).then(found);
    if (method !== "eth_getBlockByNumber") throw new Error(method);
    const number = fromHex(params[0], "number");
    const fork = logs.find(({ block }) => block === number)?.fork ?? 0;
    return Promise.resolve({ number: params[0], hash: hash(number, fork), transactions: [] });
  };
  const client = createClient({ transport: custom({ request } as never, { retryCount: 0 }) });
  const zone = {
    client,
    longReads: client,
    deployment: { deploymentBlock: 5 },
    contracts: {
      MeterRegistry: MARKET,
      DirectMarket: MARKET,
      CallAuction: MARKET,
      EnergyToken: MARKET,
      Vault: MARKET,
    },
  } as unknown as Zone;
  return {
    logs,
    asked,
    open: (shelf: Shelf<Kept<Ledger>> = emptyShelf(), tell?: Tell) => createLogCache(zone, tell, shelf),
  };
}

/** What a browser keeps; `kept` is what was saved. */
function emptyShelf() {
  const shelf = {
    kept: undefined as Kept<Ledger> | undefined,
    load: () => Promise.resolve(shelf.kept),
    save: (value: Kept<Ledger>) => Promise.resolve(void (shelf.kept = value)),
  };
  return shelf;
}

const ids = (ledger: Ledger) => [...ledger.listings.keys()];
/** Until everything that was started in this turn is done. */
const rest = () => new Promise((done) => setTimeout(done, 10));

describe("log cache", () => {
  it("starts at the deployment, and later asks once for what is new and near the head", async () => {
    const { logs, asked, open } = node([{ block: 7, fork: 0, listingId: 1n }]);
    const cache = open();
    expect(ids(await cache.upTo(100n))).to.deep.equal([1n]);
    logs.push({ block: 101, fork: 0, listingId: 2n });
    expect(ids(await cache.upTo(101n))).to.deep.equal([1n, 2n]);
    expect(asked).to.deep.equal([
      [5, 100],
      [89, 101],
    ]);
  });
  it("asks in pieces that public nodes answer", async () => {
    const { asked, open } = node();
    await open().upTo(40_000n);
    // Larger ones as long as there is little in them, up to what nodes answer.
    expect(asked).to.deep.equal([
      [5, 1_004],
      [1_005, 3_004],
      [3_005, 7_004],
      [7_005, 15_004],
      [15_005, 25_004],
      [25_005, 35_004],
      [35_005, 40_000],
    ]);
  });
  it("asks for a smaller piece after one that held much", async () => {
    const known = Array.from({ length: 5_000 }, (_, i) => ({ block: 5 + (i % 1_000), fork: 0, listingId: BigInt(i) }));
    const { asked, open } = node(known);
    expect(ids(await open().upTo(2_004n))).to.have.length(5_000);
    expect(asked).to.deep.equal([
      [5, 1_004],
      [1_005, 1_504],
      [1_505, 2_004],
    ]);
  });
  it("tells how far a long reading is, from its beginning to its end", async () => {
    const told: HistoryProgress[] = [];
    const { open } = node();
    const cache = open(emptyShelf(), (progress) => told.push(progress));
    await cache.upTo(7_004n);
    expect(told).to.deep.equal([0n, 1_000n, 3_000n, 7_000n].map((read) => ({ read, of: 7_000n })));
    await cache.upTo(7_010n);
    expect(told).to.have.length(4);
  });
  it("asks for less when a node refuses to give so many logs at once", async () => {
    const known = Array.from({ length: 40 }, (_, i) => ({ block: 10 * (i + 1), fork: 0, listingId: BigInt(i) }));
    const { asked, open } = node(known, 15);
    expect(ids(await open().upTo(400n))).to.have.length(40);
    expect(asked.length).to.be.within(4, 8);
  });
  it("forgets what a reorganisation has removed, and takes what came instead", async () => {
    const { logs, open } = node([{ block: 98, fork: 0, listingId: 1n }]);
    const cache = open();
    expect(ids(await cache.upTo(100n))).to.deep.equal([1n]);
    logs.splice(0, 1, { block: 99, fork: 1, listingId: 2n });
    expect(ids(await cache.upTo(101n))).to.deep.equal([2n]);
  });
  it("gives the same ledger again while nothing happens", async () => {
    const { open } = node([{ block: 99, fork: 0, listingId: 1n }]);
    const cache = open();
    expect(await cache.upTo(100n)).to.equal(await cache.upTo(101n));
  });
  it("goes on at the next visit where the last one stopped", async () => {
    const { logs, asked, open } = node([{ block: 7, fork: 0, listingId: 1n }]);
    const shelf = emptyShelf();
    await open(shelf).upTo(1_000n);
    await rest();
    expect(shelf.kept?.upTo).to.equal(988n);
    logs.push({ block: 1_001, fork: 0, listingId: 2n });
    expect(ids(await open(shelf).upTo(1_001n))).to.deep.equal([1n, 2n]);
    expect(asked).to.deep.equal([
      [5, 1_000],
      [989, 1_001],
    ]);
  });
  it("reads everything again when the block the last visit ended with is no longer of the chain", async () => {
    const { logs, asked, open } = node([{ block: 988, fork: 0, listingId: 1n }]);
    const shelf = emptyShelf();
    await open(shelf).upTo(1_000n);
    await rest();
    logs.splice(0, 1, { block: 988, fork: 1, listingId: 2n });
    expect(ids(await open(shelf).upTo(1_000n))).to.deep.equal([2n]);
    expect(asked.at(-1)).to.deep.equal([5, 1_000]);
  });
});
