import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "chai";
import { Wallet } from "ethers";
import { householdDir } from "../../tools/world.ts";
import { until, World } from "../system/world.ts";
import { Books, BUYER, openWorld, SELLER, slotAt, Trade } from "./books.ts";
import { lagging, NodeError, RpcProxy } from "./rpc-proxy.ts";

const AUTHORITY_S = 8;
/** Calls of an idle oracle in a minute, with a poll of 250 ms, blocks of 1 s and slots of 10 s. */
const IDLE_CALLS_PER_MINUTE = 600;

describe("faults of the chain and of what is between", () => {
  let world: World;
  let node: RpcProxy;
  let behind: RpcProxy;
  let sender: Wallet;

  before(async () => {
    world = await World.start(2);
    node = await RpcProxy.to(world.rpcUrl);
    behind = await RpcProxy.to(world.rpcUrl);
    behind.meddle = lagging(3n);
    behind.cut();
    sender = new Wallet((await readFile(join(householdDir(world.dir, SELLER), "sender.key"), "utf8")).trim());
    for (const n of [SELLER, BUYER]) await world.configure(n, (config) => (config.delivery = { noFlowTimeoutS: 30 }));
    await world.configure(SELLER, (config) => {
      config.chain.rpcUrls = [node.url, behind.url];
      config.safety = { authorityLeaseS: AUTHORITY_S };
      config.metrics = { port: 0 };
    });
    await openWorld(world, [BUYER]);
  });

  afterEach(() => {
    node.meddle = undefined;
    node.mend();
  });

  after(async () => {
    await world?.stop();
    await node?.close();
    await behind?.close();
  });

  const pause = (ms: number) => new Promise((done) => setTimeout(done, ms));
  const lastTakenAt = async () => Number((await (await world.contracts()).registry.meterOf(SELLER)).lastTakenAt);
  const setBalance = (wei: bigint) =>
    world.ethers.provider.send("hardhat_setBalance", [sender.address, `0x${wei.toString(16)}`]);

  /** Waits until the chain has readings of the seller up to now, and sees that slots since then are complete. */
  async function caughtUp(sinceUnixMs: number): Promise<void> {
    const { registry } = await world.contracts();
    const upTo = slotAt(world, Date.now());
    await until("the readings to have caught up", async () => slotAt(world, (await lastTakenAt()) * 1_000) >= upTo);
    for (let slot = slotAt(world, sinceUnixMs) + 1; slot < upTo; slot++) {
      expect((await registry.energyIn(SELLER, slot)).complete, `slot ${slot}`).to.equal(true);
    }
  }

  /** No reading is lost, however late: a slot older than the grace is on record, though no longer booked. */
  async function expectEverySlotRead(sinceUnixMs: number): Promise<void> {
    const { registry } = await world.contracts();
    const upTo = slotAt(world, Date.now());
    await until("the readings", async () => slotAt(world, (await lastTakenAt()) * 1_000) >= upTo, 120);
    const accepted = await registry.queryFilter(registry.filters.ReadingAccepted(SELLER));
    const slots = new Set(accepted.map(({ args }) => Number(args.slot)));
    for (let slot = slotAt(world, sinceUnixMs) + 1; slot < upTo; slot++)
      expect(slots.has(slot), `a reading of slot ${slot}`).to.equal(true);
  }

  const refusal = () =>
    world.startOracle(SELLER).then(
      () => "started",
      (error: Error) => error.message,
    );

  it("the wrong chain, or no code where the contracts should be: refuses to start and says what to mend; then a trade made meanwhile is carried out", async () => {
    node.meddle = async (call, ask) => (call.method === "eth_chainId" ? "0x1" : ask(call));
    expect(await refusal()).to.match(
      /the node is on chain 1, the deployment file is for chain 31337; fix chain\.rpcUrls/,
    );
    const trade = await Trade.make(world, 20n);
    node.meddle = async (call, ask) => (call.method === "eth_getCode" ? "0x" : ask(call));
    expect(await refusal()).to.match(
      /there is no contract at 0x\w+ \(MeterRegistry\); redeploy or fix chain\.deployment/,
    );
    expect(await trade.moves(SELLER, "discharge")).to.deep.equal([]);
    expect(await world.ethers.provider.getTransactionCount(sender.address), "nothing sent").to.equal(0);
    node.meddle = undefined;
    await world.startOracle(SELLER);
    expect(await trade.expectBalanced()).to.equal(20n);
  });

  it("no node at the start, then one that goes away half-way: waits with open relays; a trade made meanwhile is carried out, once", async () => {
    await world.stopOracle(SELLER);
    node.cut();
    const unreachable = world.nextLog(SELLER, "chain.unreachable");
    const ready = world.startOracle(SELLER);
    expect((await unreachable).reason).to.match(/no Ethereum node answers at .*; start it or fix chain\.rpcUrls/);
    const gone = new Promise<void>((done) => {
      node.meddle = (call, ask) => {
        if (call.method === "eth_call") {
          node.cut();
          done();
        }
        return ask(call);
      };
    });
    node.mend();
    await gone;
    const trade = await Trade.make(world, 20n);
    expect(await trade.moves(SELLER, "discharge")).to.deep.equal([]);
    node.meddle = undefined;
    node.mend();
    await ready;
    expect(await trade.expectBalanced()).to.equal(20n);
  });

  it("no node when the Pi comes back from a loss of power: what flows is measured and signed with open relays, and booked once a node is there", async () => {
    await world.stopOracle(SELLER);
    node.cut();
    const asked = world.nextLog(SELLER, "chain.not-asked");
    await world.startOracle(SELLER);
    await asked;
    // The slot that runs, and the next one where the first sample comes late, are not read from their beginning.
    const slotMs = world.zone.slotDuration * 1_000;
    const since = Date.now() + slotMs;
    const trade = await Trade.make(world, 20n);
    await pause(2.5 * slotMs);
    expect(await trade.moves(SELLER, "discharge")).to.deep.equal([]);
    node.mend();
    await caughtUp(since);
    expect(await trade.expectBalanced()).to.equal(20n);
  });

  it("idle: a bounded number of calls, and no transaction but the readings", async () => {
    await caughtUp(Date.now());
    const books = await Books.open(world);
    const [calls, sent] = [node.calls.length, node.count("eth_sendRawTransaction")];
    await pause(30_000);
    const perMinute = (node.calls.length - calls) * 2;
    expect(perMinute, "calls per minute").to.be.below(IDLE_CALLS_PER_MINUTE);
    expect(node.count("eth_sendRawTransaction") - sent, "transactions in three slots").to.be.within(2, 4);
    const contacts = ({ households }: Books["truth"]) => households.map((household) => household.contacts);
    expect(contacts(await world.truth()), "no relay has moved").to.deep.equal(contacts(books.truth));
    await books.expectNoTrade();
  });

  it("the node is gone while energy flows: relays open with the authority, the readings come late, in order and complete", async () => {
    const trade = await Trade.make(world, 100n);
    await trade.flowed(5);
    node.cut();
    const cutAt = Date.now();
    const opened = await until("the relay to open", async () => {
      const state = await world.contact(SELLER, "discharge");
      return !state.closed && state.history.at(-1);
    });
    expect(opened).to.include({ cause: "command" });
    expect(opened.at - cutAt).to.be.within((AUTHORITY_S - 3) * 1_000, 2 * AUTHORITY_S * 1_000);
    expect(world.logged(SELLER, "delivery.authority-expired")).to.have.length(1);
    await pause(8_000);
    node.mend();
    const delivered = await trade.expectBalanced();
    expect(Number(delivered)).to.be.within((await trade.sent()) - 4, await trade.sent());
  });

  it("logs that come empty once, and then twice: the trade is found and carried out once", async () => {
    let emptied = 0;
    // An oracle looks at its blocks twice: what empties is the first look at the new ones.
    const before = await world.ethers.provider.getBlockNumber();
    node.meddle = async (call, ask) => {
      const answer = await ask(call);
      if (call.method !== "eth_getLogs") return answer;
      const logs = answer as { address: string; blockNumber: string }[];
      const market = world.deployment.contracts.DirectMarket.toLowerCase();
      const isNew = logs.some((log) => log.address.toLowerCase() === market && Number(log.blockNumber) > before);
      if (isNew && emptied++ === 0) return [];
      return [...logs, ...logs];
    };
    const trade = await Trade.make(world, 30n);
    expect(await trade.expectBalanced()).to.equal(30n);
    expect(emptied).to.be.above(1);
    expect(world.logged(SELLER, "chain.logs-late").length).to.be.at.least(1);
    expect((await trade.moves(SELLER, "discharge")).filter(({ closed }) => closed)).to.have.length(1);
    expect(
      world.logged(SELLER, "delivery.started").filter(({ deliveryId }) => deliveryId === String(trade.id)),
    ).to.have.length(1);
  });

  it("a second node that lags by three blocks takes over: the delivery goes on, nothing happens twice", async () => {
    const trade = await Trade.make(world, 40n);
    await trade.flowed(8);
    behind.mend();
    node.cut();
    expect(await trade.expectBalanced()).to.equal(40n);
    expect((await trade.moves(SELLER, "discharge")).map(({ closed }) => closed)).to.deep.equal([true, false]);
    expect(behind.count("eth_sendRawTransaction"), "transactions through the second node").to.be.above(0);
    expect(world.logged(SELLER, "chain.reorg")).to.have.length(0);
    behind.cut();
  });

  it("no coin for gas while energy flows: the node's refusal is in the log, attempts stay rare, and with coin every stored reading is sent", async () => {
    const balance = await world.ethers.provider.getBalance(sender.address);
    const since = Date.now();
    const trade = await Trade.make(world, 40n);
    await trade.flowed(5);
    // The second node is as good as the first from now on.
    behind.meddle = undefined;
    behind.mend();
    const failed = world.nextLog(SELLER, "transaction.broadcast-failed");
    await setBalance(0n);
    const sent = node.count("eth_sendRawTransaction");
    expect((await failed).reason).to.match(/funds/);
    const calls = node.calls.length;
    await pause(10_000);
    // Two more with every poll: the nonce and the receipt.
    expect((node.calls.length - calls) * 6, "calls per minute").to.be.below(2 * IDLE_CALLS_PER_MINUTE);
    expect(node.count("eth_sendRawTransaction") - sent).to.be.within(1, 3);
    await setBalance(balance);
    await expectEverySlotRead(since);
    await trade.expectBalanced();
  });

  it("somebody else uses the sender's key while energy flows: the lost transaction is noticed and its readings are sent again", async () => {
    const since = Date.now();
    const trade = await Trade.make(world, 30n);
    await trade.flowed(3);
    const stranger = sender.connect(world.ethers.provider);
    let stolen = false;
    node.meddle = async (call, ask) => {
      if (call.method === "eth_sendRawTransaction" && !stolen) {
        stolen = true;
        await (await stranger.sendTransaction({ to: sender.address })).wait();
      }
      return ask(call);
    };
    const lost = world.nextLog(SELLER, "transaction.lost");
    expect((await lost).label).to.be.a("string");
    await caughtUp(since);
    expect(await trade.expectBalanced()).to.equal(30n);
  });

  it("underpriced while energy flows: the transaction is sent again with higher fees; no reading is lost", async () => {
    const trade = await Trade.make(world, 30n);
    await trade.flowed(3);
    const raised = world.nextLog(SELLER, "transaction.fees-raised");
    const failed = world.nextLog(SELLER, "transaction.broadcast-failed");
    const since = Date.now();
    let refused = false;
    node.meddle = (call, ask) => {
      if (call.method !== "eth_sendRawTransaction" || refused) return ask(call);
      refused = true;
      throw new NodeError("transaction underpriced");
    };
    expect((await failed).reason).to.match(/underpriced/);
    await raised;
    node.meddle = undefined;
    await expectEverySlotRead(since);
    await trade.expectBalanced();
  });

  it("an absurd price for gas while energy flows: nothing is paid, log, health and metrics say why; at a sane price every stored reading is sent", async () => {
    const trade = await Trade.make(world, 40n);
    await trade.flowed(3);
    const since = Date.now();
    const tooDear = world.nextLog(SELLER, "transaction.too-dear");
    // What the market asks for is not a matter of the transaction: both nodes have to say it.
    const nodes = [node, behind];
    for (const each of nodes)
      each.meddle = async (call, ask) => (call.method === "eth_maxPriorityFeePerGas" ? "0x38d7ea4c68000" : ask(call));
    const { reason } = await tooDear;
    expect(reason).to.match(/^transactions wait: a gas costs 100000\d\S* gwei, and chain\.maxFeeGwei allows 500$/);
    const sent = await world.ethers.provider.getTransactionCount(sender.address);
    await pause(12_000);
    expect(await world.ethers.provider.getTransactionCount(sender.address), "sent meanwhile").to.equal(sent);
    const own = `http://127.0.0.1:${String(world.logged(SELLER, "ready").at(-1)!.metricsPort)}`;
    expect(await (await fetch(`${own}/metrics`)).text()).to.match(/^ioe_transactions_too_dear 1$/m);
    const health = await fetch(`${own}/healthz`);
    expect(health.status).to.equal(503);
    expect(await health.text()).to.include(reason);
    for (const each of nodes) each.meddle = undefined;
    await expectEverySlotRead(since);
    await trade.expectBalanced();
    expect(await (await fetch(`${own}/metrics`)).text()).to.match(/^ioe_transactions_too_dear 0$/m);
  });

  it("a contract that says no: its error is in the log by name, asked again ever more rarely, and nothing is sent", async () => {
    const { registry } = await world.contracts();
    for (const n of [SELLER, BUYER])
      await (await registry.connect(await world.owner(n)).setTrader(n, world.ethers.ZeroAddress)).wait();
    const trade = await Trade.make(world, 60n, 110);
    await trade.flowed(10);
    await world.physics(SELLER, { battery: { connected: false } });
    const first = await world.nextLog(SELLER, "delivery.close-refused");
    expect(first.reason).to.match(/DeliveryNotDue\(.*\): the sender is not a party of it/);
    await trade.expectBalanced();
    // After 5, 10, 20, 40 s: the fifth is the last before the deadline.
    const refusals = world.logged(SELLER, "delivery.close-refused");
    expect(refusals.filter(({ deliveryId }) => deliveryId === String(trade.id)).length).to.be.within(2, 5);
    expect(world.logged(SELLER, "transaction.reverted")).to.have.length(0);
    await world.physics(SELLER, { battery: { connected: true } });
  });
});
