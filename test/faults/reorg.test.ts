import type { ChildProcess } from "node:child_process";
import { join } from "node:path";
import { DatabaseSync } from "node:sqlite";
import { expect } from "chai";
import { HDNodeWallet, Mnemonic } from "ethers";
import { householdDir } from "../../tools/world.ts";
import { notRun } from "../hardware/needs.ts";
import { NO_ANVIL, reorganize, startLocalAnvil } from "../system/anvil.ts";
import { QUICK_ZONE, until, World } from "../system/world.ts";
import { Books, BUYER, openWorld, PATH, SELLER, Trade } from "./books.ts";

/** Blocks whose hashes an oracle remembers. */
const RING = 256;

describe("reorganizations of the chain, on anvil", () => {
  let world: World;
  let anvil: ChildProcess;

  before(async function () {
    if (NO_ANVIL) notRun(this, NO_ANVIL);
    world = await World.start(2, QUICK_ZONE, 5173, async (port) => {
      anvil = await startLocalAnvil(port, 20);
    });
    await openWorld(world);
  });

  after(async () => {
    await world?.stop();
    anvil?.kill();
  });

  const send = (method: string, params: unknown[]) => world.ethers.provider.send(method, params);
  const rpc = (method: string, ...params: unknown[]): Promise<unknown> => send(method, params);
  const height = async () => Number(await rpc("eth_blockNumber"));

  /** Number of the newest block that an oracle knows. */
  async function seenBy(n: number): Promise<number> {
    const response = await fetch(`${world.deployment.oracles[n - 1]!.url}/v1/status`);
    return Number(((await response.json()) as { head: { number: string } | null }).head?.number ?? 0);
  }

  async function purchaseOf(trade: Trade): Promise<{ hash: string; block: number }> {
    const { market } = await world.contracts();
    const [event] = await market.queryFilter(market.filters.DeliveryRequested(trade.id));
    return { hash: event!.transactionHash, block: event!.blockNumber };
  }

  /** A signed transfer of nothing, by an account of anvil's that nobody else uses. */
  async function transfer(): Promise<string> {
    const phrase = Mnemonic.fromPhrase("test test test test test test test test test test test junk");
    const account = HDNodeWallet.fromMnemonic(phrase, "m/44'/60'/0'/0/15");
    const fees = { gasLimit: 21_000, maxFeePerGas: 10n ** 11n, maxPriorityFeePerGas: 10n ** 9n };
    return account.signTransaction({ type: 2, chainId: 31_337, nonce: 0, to: account.address, ...fees });
  }

  /** What an oracle remembers of deliveries, when it runs no more. */
  function remembered(n: number, id: bigint): unknown {
    const journal = new DatabaseSync(join(householdDir(world.dir, n), "journal.sqlite"), { readOnly: true });
    try {
      return journal.prepare("SELECT id FROM deliveries WHERE id = ?").get(id);
    } finally {
      journal.close();
    }
  }

  it("the trade is gone: both relays open, nobody pays, the oracles forget it; lost readings are sent again", async () => {
    const books = await Books.open(world);
    const trade = await Trade.make(world, 100n);
    await trade.flowed(2);
    const { block } = await purchaseOf(trade);
    const depth = (await height()) - block + 1;
    expect(depth).to.be.at.least(3);
    await reorganize(send, depth);

    for (const [n, name] of PATH) {
      const opened = await until(`relay ${name} to open`, async () => {
        const state = await world.contact(n, name);
        return !state.closed && state.history.at(-1);
      });
      expect(opened).to.include({ cause: "command" });
      expect(world.logged(n, "chain.reorg").length).to.be.at.least(1);
      expect(world.logged(n, "delivery.authority-expired"), "long before the authority would expire").to.deep.equal([]);
      // The contact is there before the log's line is.
      const closed = await until("its end in the log", () =>
        Promise.resolve(world.logged(n, "delivery.closed").at(-1)),
      );
      expect(closed).to.include({ outcome: "undone by a reorg" });
    }
    const flowed = await trade.sent();
    await books.expectNoTrade();
    for (const n of [SELLER, BUYER]) {
      await world.stopOracle(n);
      expect(remembered(n, trade.id)).to.equal(undefined);
      await world.startOracle(n);
    }
    expect(await trade.sent(), "nothing has flowed since").to.equal(flowed);
  });

  it("the same trade in another block: carried out and paid once", async () => {
    const trade = await Trade.make(world, 40n);
    await trade.flowed(4);
    const { hash, block } = await purchaseOf(trade);
    const raw = await rpc("eth_getRawTransactionByHash", hash);
    const depth = (await height()) - block + 1;
    await reorganize(send, depth, [[raw as string, 1]]);
    const again = await purchaseOf(trade);
    expect(again.block).to.equal(block + 1);
    await trade.expectBalanced();
    expect(await trade.sent(), "once").to.be.within(20, 45);
    expect(
      world.logged(SELLER, "delivery.ended").filter(({ deliveryId }) => deliveryId === String(trade.id)),
    ).to.have.length(1);
  });

  it(`deeper than the ${RING} blocks an oracle remembers: it reads everything again from the deployment on`, async () => {
    await rpc("anvil_mine", `0x${(RING + 30).toString(16)}`, "0x0");
    const reached = await height();
    // What an oracle has not seen yet cannot be taken back from it.
    await until("the oracle to have seen them", async () => (await seenBy(SELLER)) >= reached, 120);
    const deployed = world.deployment.deploymentBlock;
    const reorg = world.nextLog(SELLER, "chain.reorg");
    // Empty blocks made again are the same ones: a transaction in the first makes them all others.
    await reorganize(send, RING + 20, [[await transfer(), 0]]);
    expect(Number((await reorg).to)).to.equal(deployed);
    const { registry } = await world.contracts();
    const { lastTakenAt } = await registry.meterOf(SELLER);
    await until("new readings", async () => (await registry.meterOf(SELLER)).lastTakenAt > lastTakenAt, 90);
    expect(world.logged(SELLER, "died")).to.have.length(0);
    expect(await height()).to.be.at.least(reached);
    const trade = await Trade.make(world, 20n);
    expect(await trade.expectBalanced()).to.equal(20n);
  });

  it("older than the deployment: the oracles stop with open relays and say that the chain was replaced", async () => {
    const depth = (await height()) - world.deployment.deploymentBlock + 1;
    const ends = new Map([SELLER, BUYER].map((n) => [n, world.nextLog(n, "died")]));
    await reorganize(send, depth);
    for (const n of [SELLER, BUYER]) {
      const died = await ends.get(n)!;
      expect(died.text).to.match(
        /the chain was replaced; deploy again and start the oracle with the new deployment file/,
      );
      expect(died.text).to.include("code 3");
    }
    expect((await world.contact(SELLER, "discharge")).closed).to.equal(false);
    expect((await world.contact(BUYER, "charge")).closed).to.equal(false);
  });
});
