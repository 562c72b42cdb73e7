import type { ChildProcess } from "node:child_process";
import { expect } from "chai";
import { network } from "hardhat";
import {
  type Abi,
  createPublicClient,
  custom,
  encodeFunctionData,
  type Hex,
  http,
  parseAbi,
  parseEther,
  type PublicClient,
  parseGwei,
  toHex,
  type TransactionReceipt,
} from "viem";
import { generatePrivateKey, type PrivateKeyAccount, privateKeyToAccount } from "viem/accounts";
import { Outbox, type Outcome } from "../../oracle/src/chain/index.ts";
import { systemClock as clock } from "../../oracle/src/clock.ts";
import { Journal } from "../../oracle/src/journal/index.ts";
import { createLogger } from "../../oracle/src/log.ts";
import { notRun } from "../hardware/needs.ts";
import { NO_ANVIL, startAnvil } from "./anvil.ts";
import { freePorts, until } from "./world.ts";

const CHAIN_ID = 31_337;
const PATIENCE_MS = 150;
const TOKEN: Abi = parseAbi([
  "function faucet(uint256 amount)",
  "function transfer(address to, uint256 value) returns (bool)",
  "function transferFrom(address from, address to, uint256 value) returns (bool)",
  "function approve(address spender, uint256 value) returns (bool)",
  "error ERC20InsufficientBalance(address sender, uint256 balance, uint256 needed)",
]);

type Meddle = (method: string, ask: () => Promise<unknown>) => Promise<unknown>;
interface Line {
  event: string;
  [key: string]: unknown;
}

/** Transactions of one sender against a node with a real pool, which mines when it is told to. */
describe("outbox, on anvil", function () {
  this.timeout(240_000);

  let anvil: ChildProcess;
  let url: string;
  let direct: PublicClient;
  let token: Hex;
  let sender: PrivateKeyAccount;
  let journal: Journal;
  let lines: Line[];
  let paid: [label: string, receipt: TransactionReceipt][];
  /** One for each process that is played. */
  let stops: AbortController[];

  before(async function () {
    if (NO_ANVIL) notRun(this, NO_ANVIL);
    const port = await freePorts(1);
    url = `http://127.0.0.1:${port}`;
    anvil = await startAnvil(port, "--chain-id", String(CHAIN_ID));
    direct = createPublicClient({ cacheTime: 0, transport: http(url) });
    const connection = await network.create({ network: "localhost", override: { url } });
    token = (await (await connection.ethers.deployContract("TestUSD")).getAddress()) as Hex;
    await connection.close();
  });

  beforeEach(async () => {
    sender = privateKeyToAccount(generatePrivateKey());
    await rpc("anvil_setBalance", sender.address, "0xde0b6b3a7640000");
    await rpc("evm_setAutomine", false);
    journal = new Journal(":memory:", "world");
    [lines, paid, stops] = [[], [], []];
  });

  afterEach(async () => {
    for (const stop of stops) stop.abort(new Error("stopped"));
    await rpc("anvil_dropAllTransactions");
    journal.close();
  });

  after(() => void anvil?.kill());

  const rpc = (method: string, ...params: unknown[]): Promise<unknown> =>
    direct.request<never>({ method, params } as never);
  const mine = () => rpc("anvil_mine", "0x1");
  const nonce = () => direct.getTransactionCount({ address: sender.address });
  const logged = (event: string) => lines.filter((line) => line.event === event);
  const attempts = () => journal.openOutbox(sender.address).flatMap(({ id }) => journal.attempts(id));
  /** Waits for the outbox to have sent, or wanted to send, so many attempts. */
  const attempted = (count: number) =>
    until(`${count} attempts`, () => Promise.resolve(attempts().length >= count && attempts()), 20);
  /** What the node would mine next for this sender. */
  const inPool = async () => {
    const { pending } = (await rpc("txpool_content")) as { pending: Record<string, Record<string, { hash: Hex }>> };
    const own = Object.entries(pending).find(([address]) => address.toLowerCase() === sender.address.toLowerCase());
    return Object.values(own?.[1] ?? {}).map(({ hash }) => hash);
  };

  /** An outbox as a process of its own would have it; ended like one by its signal. */
  function start(
    meddle: Meddle = (_method, ask) => ask(),
    limits: { maxFeeGwei?: number } = {},
  ): { outbox: Outbox; kill: () => void } {
    const stop = new AbortController();
    stops.push(stop);
    const request = ({ method, params }: { method: string; params?: unknown }) =>
      meddle(method, () => direct.request<never>({ method, params } as never));
    const client = createPublicClient({ cacheTime: 0, transport: custom({ request }, { retryCount: 0 }) });
    const log = createLogger({ write: (line) => lines.push(JSON.parse(line) as Line) });
    const parts = { client, account: sender, chainId: CHAIN_ID, store: journal, clock, log, ...limits };
    const onPaid = (label: string, receipt: TransactionReceipt) => paid.push([label, receipt]);
    const outbox = new Outbox({ ...parts, pollMs: 10, patienceMs: PATIENCE_MS, onPaid }, stop.signal);
    return { outbox, kill: () => stop.abort(new Error("killed")) };
  }

  const faucet = (outbox: Outbox) =>
    outbox.send("faucet 1", { address: token, abi: TOKEN, functionName: "faucet", args: [1n] });
  /** A send that is allowed to be cut off by the end of its process. */
  const unattended = (work: Promise<Outcome>) => void work.catch(() => undefined);

  it("raises both fees by 12.5 % at least, so that the node takes every replacement", async () => {
    const outcome = faucet(start().outbox);
    const sent = await attempted(3);
    for (const [i, { maxFeePerGas, maxPriorityFeePerGas }] of sent.slice(1).entries()) {
      expect(maxFeePerGas * 8n >= sent[i]!.maxFeePerGas * 9n).to.equal(true);
      expect(maxPriorityFeePerGas * 8n >= sent[i]!.maxPriorityFeePerGas * 9n).to.equal(true);
    }
    expect(logged("transaction.broadcast-failed")).to.deep.equal([]);
    const newest = attempts().at(-1)!.hash;
    await until("the node to have the newest", async () => (await inPool()).includes(newest), 10);
    await mine();
    expect((await outcome).status).to.equal("mined");
    expect(paid.map(([label]) => label)).to.deep.equal(["faucet 1"]);
  });

  it("raises a tip of nothing, too", async () => {
    const outcome = faucet(
      start((method, ask) => (method === "eth_maxPriorityFeePerGas" ? Promise.resolve("0x0") : ask())).outbox,
    );
    const tips = (await attempted(3)).map(({ maxPriorityFeePerGas }) => maxPriorityFeePerGas);
    expect(tips.slice(0, 3)).to.deep.equal([0n, 1n, 2n]);
    await mine();
    expect((await outcome).status).to.equal("mined");
  });

  it("frees the nonce after a while; a chain that stands still makes the freeing no dearer", async () => {
    const outcome = faucet(start().outbox);
    await until("the freeing", () => Promise.resolve(attempts().at(-1)?.cancels), 20);
    const fees = attempts().at(-1)!;
    await clock.sleep(6 * PATIENCE_MS);
    expect(attempts().at(-1)).to.deep.equal(fees);
    await mine();
    expect(await outcome).to.deep.equal({ status: "cancelled" });
    expect(paid.map(([label]) => label)).to.deep.equal(["cancel"]);
    expect(await nonce()).to.equal(1);
  });

  it("says the freeing again to a node that has forgotten it", async () => {
    const outcome = faucet(start().outbox);
    await until("the freeing", () => Promise.resolve(attempts().at(-1)?.cancels), 20);
    await rpc("anvil_dropAllTransactions");
    await until("the pool to have it again", async () => (await inPool()).length > 0, 10);
    await mine();
    expect((await outcome).status).to.equal("cancelled");
  });

  it("notices that somebody else took its nonce", async () => {
    const outcome = faucet(
      start((method, ask) => (method === "eth_sendRawTransaction" ? refuse("busy") : ask())).outbox,
    );
    await attempted(1);
    await transferOfNothing(0);
    await mine();
    expect(await outcome).to.deep.equal({ status: "lost" });
    expect(paid).to.deep.equal([]);
  });

  it("does not take a transaction for lost whose receipt one node does not know yet", async () => {
    let hidden = 0;
    const outcome = faucet(
      start((method, ask) =>
        method === "eth_getTransactionReceipt" && mined && hidden++ === 0 ? Promise.resolve(null) : ask(),
      ).outbox,
    );
    let mined = false;
    await attempted(1);
    mined = true;
    await mine();
    expect((await outcome).status).to.equal("mined");
    expect(hidden).to.be.greaterThan(0);
  });

  it("waits for what somebody else sent with its key; when that is forgotten, its own nonce is not left behind a gap", async () => {
    await transferOfNothing(0);
    const first = faucet(start().outbox);
    await clock.sleep(PATIENCE_MS / 2);
    expect(attempts()).to.deep.equal([]);
    await mine();
    await attempted(1);
    await mine();
    expect((await first).status).to.equal("mined");

    await transferOfNothing(2);
    const second = faucet(start().outbox);
    await clock.sleep(PATIENCE_MS / 2);
    await rpc("anvil_dropAllTransactions");
    await attempted(1);
    await mine();
    expect((await second).status).to.equal("mined");
  });

  it("an empty account: the node's own words, the same transaction again at the same price, and with coin it ends", async () => {
    let emptied = false;
    const outcome = faucet(
      start(async (method, ask) => {
        if (method === "eth_sendRawTransaction" && !emptied) {
          emptied = true;
          await rpc("anvil_setBalance", sender.address, "0x0");
        }
        return ask();
      }).outbox,
    );
    await until("two refusals", () => Promise.resolve(logged("transaction.broadcast-failed").length >= 2), 20);
    expect(logged("transaction.broadcast-failed")[0]!.reason).to.match(/insufficient funds/i);
    expect(attempts()).to.have.length(1);
    // For good: the nonce is to be freed, and even then nothing becomes dearer while nobody can pay.
    await until("the freeing", () => Promise.resolve(attempts().at(-1)?.cancels), 20);
    const cheapest = attempts().at(-1)!;
    await clock.sleep(4 * PATIENCE_MS);
    expect(attempts()).to.have.length(2);
    expect(attempts().at(-1)).to.deep.equal(cheapest);
    await rpc("anvil_setBalance", sender.address, "0xde0b6b3a7640000");
    await until("the pool to have it", async () => (await inPool()).length > 0, 10);
    await mine();
    expect((await outcome).status).to.equal("cancelled");
  });

  it("explains with the contract's error why what was simulated well has reverted, and that it was paid for", async () => {
    const owner = privateKeyToAccount(generatePrivateKey());
    await rpc("anvil_setBalance", owner.address, "0xde0b6b3a7640000");
    await past(owner, "faucet", [50n], 0);
    await past(owner, "approve", [sender.address, 50n], 1);
    await mine();
    const call = {
      address: token,
      abi: TOKEN,
      functionName: "transferFrom",
      args: [owner.address, sender.address, 50n],
    };
    const outcome = start().outbox.send("pull", call);
    await attempted(1);
    // Dearer, so it comes first in the same block.
    await past(owner, "transfer", [token, 50n], 2);
    await mine();
    const end = await outcome;
    expect(end).to.include({ status: "reverted", error: "ERC20InsufficientBalance" });
    expect((end as { reason: string }).reason).to.match(
      /^ERC20InsufficientBalance\(sender: 0x.*, balance: 0, needed: 50\)$/,
    );
    expect(paid.map(([label, { status }]) => [label, status])).to.deep.equal([["pull", "reverted"]]);
  });

  describe("a limit for fees", () => {
    /** The tip a node asks for, gwei. */
    let tip: number;
    const asksForTip: Meddle = (method, ask) =>
      method === "eth_maxPriorityFeePerGas" ? Promise.resolve(toHex(parseGwei(String(tip)))) : ask();
    const warned = () => logged("transaction.too-dear").map(({ reason }) => reason);

    it("sends nothing while a node asks for more, says so once, and sends when it is cheaper", async () => {
      tip = 40_000;
      const { outbox } = start(asksForTip);
      const outcome = faucet(outbox);
      await until("the warning", () => Promise.resolve(warned().length > 0), 20);
      await clock.sleep(4 * PATIENCE_MS);
      expect(warned()).to.have.length(1);
      expect(warned()[0]).to.match(
        /^transactions wait: a gas costs 4\d{4}(\.\d+)? gwei, and chain\.maxFeeGwei allows 500$/,
      );
      expect(outbox.trouble).to.equal(warned()[0]);
      expect(attempts()).to.deep.equal([]);
      tip = 2;
      await attempted(1);
      expect(logged("transaction.affordable")).to.have.length(1);
      expect(outbox.trouble).to.equal(undefined);
      await mine();
      expect((await outcome).status).to.equal("mined");
    });

    it("forgets what has become pointless while it waited", async () => {
      tip = 40_000;
      const { outbox } = start(asksForTip);
      await past(sender, "faucet", [5n], 0);
      await mine();
      const outcome = outbox.send("give", { address: token, abi: TOKEN, functionName: "transfer", args: [token, 5n] });
      await until("the warning", () => Promise.resolve(warned().length > 0), 20);
      await past(sender, "transfer", [token, 5n], 1);
      await mine();
      expect(await outcome).to.include({ status: "refused", error: "ERC20InsufficientBalance" });
      expect(outbox.trouble).to.equal(undefined);
      expect(paid).to.deep.equal([]);
    });

    it("raises nothing above it, and says what is out again to a node that has forgotten it", async () => {
      tip = 10;
      const { outbox } = start(asksForTip, { maxFeeGwei: 15 });
      const outcome = faucet(outbox);
      await until("the warning", () => Promise.resolve(warned().length > 0), 20);
      const before = attempts();
      await rpc("anvil_dropAllTransactions");
      await until("the pool to have it again", async () => (await inPool()).includes(before.at(-1)!.hash), 10);
      // Long after the nonce would have been freed.
      await clock.sleep(6 * PATIENCE_MS);
      expect(attempts()).to.deep.equal(before);
      for (const { maxFeePerGas } of before) expect(maxFeePerGas <= parseGwei("15")).to.equal(true);
      await mine();
      expect((await outcome).status).to.equal("mined");
    });
  });

  describe("after a restart", () => {
    const recovered = () => {
      const { outbox } = start();
      const done = outbox.recover();
      return { outbox, done };
    };
    const expectOver = async (done: Promise<void>, status: string) => {
      await done;
      expect(journal.openOutbox(sender.address)).to.deep.equal([]);
      // The process that was ended may see the end as well: its last question was on its way.
      expect(logged(`transaction.${status}`).length > 0, status).to.equal(status !== "mined");
    };

    it("sends what was stored and had not left yet", async () => {
      const { outbox, kill } = start((method, ask) => (method === "eth_sendRawTransaction" ? never() : ask()));
      unattended(faucet(outbox));
      await attempted(1);
      kill();
      expect(await inPool()).to.deep.equal([]);
      const { done } = recovered();
      await until("the pool to have it", async () => (await inPool()).length === 1, 10);
      await mine();
      await expectOver(done, "mined");
      expect(paid).to.have.length(1);
    });

    it("goes on with what the node has, and raises its fees further", async () => {
      const { outbox, kill } = start();
      unattended(faucet(outbox));
      const before = (await attempted(2)).length;
      kill();
      const { done } = recovered();
      await attempted(before + 1);
      await mine();
      await expectOver(done, "mined");
      expect(await nonce()).to.equal(1);
    });

    it("sees that an earlier attempt was mined while it was away", async () => {
      const { outbox, kill } = start();
      unattended(faucet(outbox));
      await attempted(1);
      await until("the pool to have it", async () => (await inPool()).length === 1, 10);
      kill();
      await mine();
      const { done } = recovered();
      await expectOver(done, "mined");
      expect(await nonce()).to.equal(1);
    });

    it("goes on freeing the nonce", async () => {
      const { outbox, kill } = start();
      unattended(faucet(outbox));
      await until("the freeing", () => Promise.resolve(attempts().at(-1)?.cancels), 20);
      kill();
      await rpc("anvil_dropAllTransactions");
      const { done } = recovered();
      await until("the pool to have it", async () => (await inPool()).length === 1, 10);
      await mine();
      await expectOver(done, "cancelled");
    });

    it("sees that somebody else took the nonce, and what is sent next has the one after", async () => {
      const { outbox, kill } = start((method, ask) => (method === "eth_sendRawTransaction" ? never() : ask()));
      unattended(faucet(outbox));
      await attempted(1);
      kill();
      await transferOfNothing(0);
      await mine();
      const next = recovered();
      const outcome = faucet(next.outbox);
      await expectOver(next.done, "lost");
      await attempted(1);
      await mine();
      expect((await outcome).status).to.equal("mined");
      expect(await nonce()).to.equal(2);
    });
  });

  /** A call of the token by any key, past the outbox. */
  async function past(account: PrivateKeyAccount, functionName: string, args: unknown[], at: number): Promise<void> {
    const fees = { maxFeePerGas: 10n ** 12n, maxPriorityFeePerGas: 10n ** 11n, gas: 200_000n };
    const call = { to: token, data: encodeFunctionData({ abi: TOKEN, functionName, args }) };
    const own = { type: "eip1559", chainId: CHAIN_ID, nonce: at } as const;
    const raw = await account.signTransaction({ ...own, ...call, ...fees });
    await direct.sendRawTransaction({ serializedTransaction: raw });
  }

  /** By the same key, past the outbox. */
  async function transferOfNothing(at: number): Promise<void> {
    const fees = { maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 10n, gas: 21_000n };
    const own = { type: "eip1559", chainId: CHAIN_ID, nonce: at, to: sender.address, value: parseEther("0") } as const;
    await direct.sendRawTransaction({ serializedTransaction: await sender.signTransaction({ ...own, ...fees }) });
  }
});

function refuse(reason: string): Promise<never> {
  return Promise.reject(Object.assign(new Error(reason), { code: -32_000 }));
}

function never(): Promise<never> {
  return new Promise(() => undefined);
}
