import { expect } from "chai";
import { createClient, custom, HttpRequestError, MethodNotFoundRpcError, numberToHex, TimeoutError } from "viem";
import { type SentAs, Superseded, untilAnswered, untilMined } from "./outcome.ts";

const HASH = `0x${"ab".repeat(32)}` as const;
const BLOCK_HASH = `0x${"cd".repeat(32)}` as const;
const ACCOUNT = `0x${"11".repeat(20)}` as const;
const busy = () => new HttpRequestError({ url: "http://node", status: 429 });

const TRANSACTION = {
  hash: HASH,
  from: ACCOUNT,
  to: ACCOUNT,
  nonce: "0x1",
  value: "0x0",
  input: "0x",
  gas: "0x1",
  blockHash: BLOCK_HASH,
  blockNumber: "0x5",
  transactionIndex: "0x0",
  type: "0x2",
};
const KNOWN: SentAs = { from: ACCOUNT, nonce: 1, to: ACCOUNT, input: "0x" };
const RECEIPT = {
  transactionHash: HASH,
  status: "0x1",
  from: ACCOUNT,
  to: ACCOUNT,
  blockHash: BLOCK_HASH,
  blockNumber: "0x5",
  transactionIndex: "0x0",
  gasUsed: "0x1",
  cumulativeGasUsed: "0x1",
  effectiveGasPrice: "0x1",
  logs: [],
  type: "0x2",
};

/** A node that knows the transaction, and answers for its receipt one after the other; the last answer stays. */
function nodeWith(receipts: (() => unknown)[], { forgotten = false, nextNonce = (): number => 1 } = {}) {
  const asked: string[] = [];
  const client = createClient({
    pollingInterval: 1,
    transport: custom(
      {
        async request({ method }: { method: string }) {
          asked.push(method);
          await Promise.resolve();
          if (method === "eth_blockNumber") return `0x${asked.length.toString(16)}`;
          if (method === "eth_getTransactionByHash") return forgotten ? null : TRANSACTION;
          if (method === "eth_getTransactionCount") return numberToHex(nextNonce());
          if (method === "eth_getTransactionBySenderAndNonce") throw new MethodNotFoundRpcError(new Error());
          if (method === "eth_getBlockByNumber") return { number: numberToHex(asked.length), transactions: [] };
          if (method === "eth_getTransactionReceipt") return (receipts.length > 1 ? receipts.shift()! : receipts[0]!)();
          throw new Error(`unexpected ${method}`);
        },
      },
      { retryCount: 0 },
    ),
  });
  return { client, asked };
}

const fail = (error: Error) => () => {
  throw error;
};

describe("a transaction that is on its way", () => {
  it("is waited for while the node is busy, slow or out of reach between the block and the receipt", async () => {
    const { client, asked } = nodeWith([
      () => null,
      fail(busy()),
      fail(new TimeoutError({ body: {}, url: "http://node" })),
      fail(new HttpRequestError({ url: "http://node", details: "fetch failed" })),
      () => RECEIPT,
    ]);
    const { receipt, replaced } = await untilMined(client, HASH, { pauseMs: 1 });
    expect([receipt.status, receipt.transactionHash, replaced]).to.deep.equal(["success", HASH, false]);
    expect(asked.filter((method) => method === "eth_getTransactionReceipt").length).to.be.at.least(5);
  });
  it("ends with a receipt that says it was reverted", async () => {
    const { client } = nodeWith([fail(busy()), () => ({ ...RECEIPT, status: "0x0" })]);
    expect((await untilMined(client, HASH, { pauseMs: 1 })).receipt.status).to.equal("reverted");
  });
  it("tells what is to be kept of it, once", async () => {
    const seen: SentAs[] = [];
    const { client } = nodeWith([() => null, () => null, () => RECEIPT]);
    await untilMined(client, HASH, { pauseMs: 1, onSeen: (as) => seen.push(as) });
    expect(seen).to.deep.equal([KNOWN]);
  });
  it("is over when its number was used while nobody looked, and not before", async () => {
    let looks = 0;
    const { client } = nodeWith([() => null], { forgotten: true, nextNonce: () => (++looks > 70 ? 2 : 1) });
    const end = await untilMined(client, HASH, { known: KNOWN, pauseMs: 1 }).catch((error: unknown) => error);
    expect(end).to.be.instanceOf(Superseded);
    expect(looks, "looks while what takes its place waits").to.be.above(70);
  });
  it("is over when nobody has ever seen it, after a long while", async () => {
    const { client, asked } = nodeWith([() => null], { forgotten: true });
    const end = await untilMined(client, HASH, { pauseMs: 1 }).catch((error: unknown) => error);
    expect(end).to.be.instanceOf(Superseded);
    expect(asked.filter((method) => method === "eth_getTransactionByHash").length).to.be.at.least(60);
  });
  it("ends with an error only when that is an answer", async () => {
    const answers = [busy(), busy(), new Error("unknown")];
    const ask = () => Promise.reject(answers.shift()!);
    const isAnswer = (error: unknown) => (error as Error).message === "unknown";
    const failure = await untilAnswered(ask, { isAnswer, pauseMs: 1 }).catch((error: unknown) => error);
    expect(failure).to.have.property("message", "unknown");
    expect(answers).to.deep.equal([]);
  });
});
