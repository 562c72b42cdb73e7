import { type Deployment, type Reading, slotOf } from "@ioe/protocol";
import { meterRegistryAbi } from "@ioe/protocol/abi";
import { expect } from "chai";
import { network } from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";
import { type EIP1193Provider, type PublicClient, createPublicClient, custom, parseEther } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { DEMO_ZONE, LOCAL_ACCOUNTS, deployLocalZone } from "../../deploy/zone.ts";
import { systemClock } from "../../oracle/src/clock.ts";
import { Journal } from "../../oracle/src/journal/index.ts";
import { createLogger } from "../../oracle/src/log.ts";
import { MeterKey, signPossession } from "../../oracle/src/metering/index.ts";
import {
  BlockLoop,
  ChainError,
  type ChainEvent,
  ChainUnreachable,
  Outbox,
  Zone,
  checkChain,
  createChainClient,
  worldOf,
} from "../../oracle/src/chain/index.ts";

const D = DEMO_ZONE.slotDuration;

/** The real contracts on a chain inside this process. */
describe("chain", function () {
  this.timeout(240_000);

  let connection: NetworkConnection;
  let client: PublicClient;
  let deployment: Deployment;
  let zone: Zone;
  let key: MeterKey;
  let journal: Journal;
  let outbox: Outbox;
  let snapshot: unknown;
  const meterAccount = privateKeyToAccount(generatePrivateKey());
  const sender = privateKeyToAccount(generatePrivateKey());
  const identity = { meterId: 1, meterKey: meterAccount.address, sender: sender.address };
  const log = createLogger({ write: () => undefined });
  const stop = new AbortController();

  const rpc = (method: string, ...params: unknown[]): Promise<unknown> =>
    connection.provider.request({ method, params });
  const now = async () => Number((await client.getBlock()).timestamp);
  const travelTo = async (timestamp: number) => {
    await rpc("evm_setNextBlockTimestamp", timestamp);
    await rpc("evm_mine");
  };

  before(async () => {
    connection = await network.create<"generic">();
    client = createPublicClient({
      cacheTime: 0,
      transport: custom(connection.provider as unknown as EIP1193Provider, { retryCount: 0 }),
    });
    deployment = await deployLocalZone(connection, "http://127.0.0.1:1");
    const signers = await connection.ethers.getSigners();
    const operator = signers[LOCAL_ACCOUNTS.operator]!;
    const owner = signers[LOCAL_ACCOUNTS.firstHousehold]!;
    const reader = new Zone(client, deployment);
    const { domain } = await reader.constants();
    const registry = await connection.ethers.getContractAt(
      [...meterRegistryAbi] as never[],
      deployment.contracts.MeterRegistry,
      operator,
    );
    const possession = await signPossession(meterAccount, domain, owner.address as `0x${string}`);
    await registry.getFunction("register")(owner.address, 4, 8_000, 1, meterAccount.address, possession);
    await operator.sendTransaction({ to: sender.address, value: parseEther("1") });
    key = new MeterKey(meterAccount, domain);
    snapshot = await rpc("evm_snapshot");
  });

  beforeEach(() => {
    journal = new Journal(":memory:", worldOf(deployment));
    const options = { client, account: sender, chainId: deployment.chainId, store: journal, clock: systemClock, log };
    outbox = new Outbox({ ...options, pollMs: 10, patienceMs: 60 }, stop.signal);
    zone = new Zone(client, deployment, outbox);
  });

  afterEach(async () => {
    journal.close();
    await rpc("evm_setAutomine", true);
    await rpc("evm_revert", snapshot);
    snapshot = await rpc("evm_snapshot");
  });

  after(async () => {
    stop.abort();
    await connection.close();
  });

  async function signed(reading: Omit<Reading, "meterId" | "epoch">) {
    const full = { meterId: 1, epoch: 0, ...reading };
    return { ...full, signature: await key.reading(full) };
  }

  function loop(events: ChainEvent[] = [], confirmations = 0, through = client, heads: bigint[] = []) {
    return new BlockLoop({
      client: through,
      store: journal,
      clock: systemClock,
      log,
      addresses: [deployment.contracts.MeterRegistry, deployment.contracts.DirectMarket],
      deploymentBlock: { number: BigInt(deployment.deploymentBlock), hash: deployment.deploymentBlockHash },
      confirmations,
      pollMs: 10,
      apply: (fresh) => {
        events.push(...fresh);
        for (const event of fresh) {
          if (event.type === "ReadingAccepted") journal.acceptReading(event.meterId, event.takenAt, event.block);
        }
      },
      onHead: ({ number }) => heads.push(number),
    });
  }

  describe("at the start", () => {
    const check = (changed: Partial<Deployment>, who = identity) =>
      checkChain(
        client,
        new Zone(client, { ...deployment, ...changed }),
        { ...deployment, ...changed },
        who,
        ["http://memory"],
        () => client,
      );
    const rejection = (work: Promise<unknown>) =>
      work.then(
        () => undefined,
        (error: unknown) => error as Error,
      );

    it("is content when everything fits, but warns of a sender that may not end deliveries", async () => {
      const warnings = await check({});
      expect(warnings).to.have.length(1);
      expect(warnings[0]).to.match(/neither owner nor trader of meter 1/);
    });

    const strangers = { address: privateKeyToAccount(generatePrivateKey()).address };
    const table: [string, () => Promise<unknown>, RegExp][] = [
      ["another chain id", () => check({ chainId: 1 }), /on chain 31337, the deployment file is for chain 1/],
      [
        "a deployment block that is not on this chain",
        () => check({ deploymentBlockHash: `0x${"1".repeat(64)}` }),
        /belongs to another chain; redeploy or fix chain\.deployment/,
      ],
      [
        "a deployment block that is not there yet",
        () => check({ deploymentBlock: 99_999 }),
        /belongs to another chain/,
      ],
      [
        "an address without a contract",
        () => check({ contracts: { ...deployment.contracts, DirectMarket: strangers.address } }),
        /no contract at 0x.* \(DirectMarket\)/,
      ],
      ["an unknown meter", () => check({}, { ...identity, meterId: 9 }), /meter 9 is not registered/],
      [
        "another meter's key",
        () => check({}, { ...identity, meterKey: strangers.address }),
        /is the key of .* but meter 1 signs with/,
      ],
    ];
    for (const [what, work, message] of table) {
      it(`refuses ${what}`, async () => {
        const error = await rejection(work());
        expect(error).to.be.instanceOf(ChainError);
        expect(error!.message).to.match(message);
      });
    }

    it("goes on with an empty purse: what is measured waits for coin", async () => {
      const warnings = await check({}, { ...identity, sender: strangers.address });
      expect(warnings.join("\n")).to.match(/has no coin: readings are signed and kept, and wait until it has some/);
    });

    it("tells a node that does not answer from one that does not fit", async () => {
      const nowhere = createChainClient(["http://127.0.0.1:9"]);
      const error = await rejection(checkChain(nowhere, zone, deployment, identity, ["http://127.0.0.1:9"]));
      expect(error).to.be.instanceOf(ChainUnreachable);
      expect(error!.message).to.match(/no Ethereum node answers at http:\/\/127\.0\.0\.1:9/);
    });
  });

  describe("readings", () => {
    it("are accepted with our signature: the typed data is the contract's", async () => {
      const first = await now();
      const outcome = await zone.report([
        await signed({ since: 0, takenAt: first - 1, imported: 5n, exported: 7n }),
        await signed({ since: first - 1, takenAt: first, imported: 6n, exported: 9n }),
      ]);
      expect(outcome.status).to.equal("mined");
      expect((await zone.meter(1)).lastTakenAt).to.equal(first);
    });

    it("are not sent when the chain would take none of them", async () => {
      const before = await client.getTransactionCount({ address: sender.address });
      const stale = await signed({ since: 77, takenAt: await now(), imported: 5n, exported: 7n });
      expect(await zone.report([stale])).to.deep.equal({ status: "skipped" });
      expect(await client.getTransactionCount({ address: sender.address })).to.equal(before);
    });
  });

  describe("transactions", () => {
    const report = async () =>
      zone.report([await signed({ since: 0, takenAt: await now(), imported: 5n, exported: 7n })]);

    it("explain a refusal with the contract's error and send nothing", async () => {
      expect(await zone.settle(99n, 1)).to.deep.equal({
        status: "refused",
        error: "DeliveryUnknown",
        reason: "DeliveryUnknown(deliveryId: 99)",
      });
      expect(journal.openOutbox(sender.address)).to.deep.equal([]);
    });

    it("are stored before they are sent, and their fees are raised until one is mined", async () => {
      await rpc("evm_setAutomine", false);
      const outcome = report();
      while (journal.openOutbox(sender.address).length === 0) await systemClock.sleep(5);
      const [entry] = journal.openOutbox(sender.address);
      while (journal.attempts(entry!.id).length < 3) await systemClock.sleep(5);
      await rpc("evm_mine");
      expect((await outcome).status).to.equal("mined");
      const attempts = journal.attempts(entry!.id);
      for (const [i, { maxFeePerGas, maxPriorityFeePerGas }] of attempts.slice(1).entries()) {
        expect(maxFeePerGas * 8n >= attempts[i]!.maxFeePerGas * 9n).to.equal(true);
        expect(maxPriorityFeePerGas * 8n >= attempts[i]!.maxPriorityFeePerGas * 9n).to.equal(true);
      }
    });

    it("give up after a while and free their nonce", async () => {
      await rpc("evm_setAutomine", false);
      const outcome = report();
      while (journal.openOutbox(sender.address).length === 0) await systemClock.sleep(5);
      const [entry] = journal.openOutbox(sender.address);
      while (!journal.attempts(entry!.id).at(-1)?.cancels) await systemClock.sleep(5);
      await systemClock.sleep(20);
      await rpc("evm_mine");
      expect(await outcome).to.deep.equal({ status: "cancelled" });
      expect((await zone.meter(1)).lastTakenAt).to.equal(0);
    });

    it("that a reorg has left without the one before them are given up, and the next ones go on", async () => {
      const before = await rpc("evm_snapshot");
      expect((await report()).status).to.equal("mined");
      await rpc("evm_setAutomine", false);
      const outcome = report();
      while (journal.openOutbox(sender.address).length === 0) await systemClock.sleep(5);
      await rpc("evm_revert", before);
      await rpc("evm_setAutomine", true);
      expect(await outcome).to.deep.equal({ status: "lost" });
      expect((await report()).status).to.equal("mined");
    });

    it("are taken up again after a restart", async () => {
      await rpc("evm_setAutomine", false);
      const first = new AbortController();
      const options = {
        client,
        account: sender,
        chainId: deployment.chainId,
        store: journal,
        clock: systemClock,
        log,
        pollMs: 10,
      };
      const before = new Zone(client, deployment, new Outbox(options, first.signal));
      const reading = await signed({ since: 0, takenAt: await now(), imported: 5n, exported: 7n });
      const lost = before.report([reading]).catch(() => "stopped");
      while (journal.openOutbox(sender.address).length === 0) await systemClock.sleep(5);
      first.abort(new Error("stopped"));
      expect(await lost).to.equal("stopped");
      await rpc("evm_mine");
      await outbox.recover();
      expect(journal.openOutbox(sender.address)).to.deep.equal([]);
      expect((await zone.meter(1)).lastTakenAt).to.equal(reading.takenAt);
    });
  });

  describe("block loop", () => {
    const accepted = (events: ChainEvent[]) =>
      events.flatMap((event) => (event.type === "ReadingAccepted" ? [event.takenAt] : []));

    async function reportAt(takenAt: number, since: number) {
      await travelTo(takenAt);
      const reading = await signed({ since, takenAt, imported: 5n, exported: 7n });
      if (journal.readingUntil(1, takenAt)?.takenAt !== takenAt) journal.addReading(reading);
      expect((await zone.report([reading])).status).to.equal("mined");
    }

    it("takes every event in once, block by block and in ranges", async () => {
      const events: ChainEvent[] = [];
      const blocks = loop(events);
      const first = (await now()) + 10;
      await reportAt(first, 0);
      await blocks.step(); // the range from the deployment on
      await reportAt(first + 10, first);
      await blocks.step();
      await blocks.step();
      await loop(events).step();
      expect(accepted(events)).to.deep.equal([first, first + 10]);
      expect(events.find(({ type }) => type === "ReadingAccepted")).to.include({ meterId: 1, slot: slotOf(first, D) });
      expect(journal.pendingReadings(1)).to.deep.equal([]);
    });

    it("catches up over many blocks", async () => {
      const events: ChainEvent[] = [];
      await loop(events).step();
      const first = (await now()) + 10;
      await reportAt(first, 0);
      // One by one: blocks of hardhat_mine are made up when they are asked for and are not each other's children.
      for (let i = 0; i < 1_100; i++) await rpc("evm_mine");
      await loop(events).step();
      expect(accepted(events)).to.deep.equal([first]);
      expect(journal.cursor()!.number).to.equal(await client.getBlockNumber());
    });

    it("waits for confirmations", async () => {
      const events: ChainEvent[] = [];
      const blocks = loop(events, 2);
      const first = (await now()) + 10;
      await reportAt(first, 0);
      await rpc("evm_mine");
      await blocks.step();
      expect(accepted(events)).to.deep.equal([]);
      await rpc("evm_mine");
      await blocks.step();
      expect(accepted(events)).to.deep.equal([first]);
    });

    it("takes back what a reorg has undone, and sees what the new chain holds", async () => {
      const events: ChainEvent[] = [];
      const blocks = loop(events);
      const first = (await now()) + 10;
      await reportAt(first, 0);
      await blocks.step();
      const fork = await rpc("evm_snapshot");
      await reportAt(first + 10, first);
      await blocks.step();
      expect(journal.pendingReadings(1)).to.deep.equal([]);

      await rpc("evm_revert", fork);
      await travelTo(first + 11);
      await travelTo(first + 12);
      await travelTo(first + 13);
      await blocks.step();
      expect(journal.pendingReadings(1).map(({ takenAt }) => takenAt)).to.deep.equal([first + 10]);
      expect(journal.cursor()).to.include({ number: await client.getBlockNumber() });

      expect((await zone.report(journal.pendingReadings(1))).status).to.equal("mined");
      await blocks.step();
      expect(journal.pendingReadings(1)).to.deep.equal([]);
    });

    it("takes back what a shorter chain has undone", async () => {
      const blocks = loop();
      const first = (await now()) + 10;
      await reportAt(first, 0);
      await blocks.step();
      const fork = await rpc("evm_snapshot");
      await reportAt(first + 10, first);
      await blocks.step();
      await rpc("evm_revert", fork);
      await travelTo(first + 11);
      await blocks.step();
      expect(journal.pendingReadings(1).map(({ takenAt }) => takenAt)).to.deep.equal([first + 10]);
      expect(journal.cursor()).to.include({ number: await client.getBlockNumber() });
    });

    /** The same node, with answers changed on their way. */
    function changed(change: (method: string, params: unknown[], answer: unknown) => unknown): PublicClient {
      const request = async ({ method, params }: { method: string; params?: unknown[] }) =>
        change(method, params ?? [], await rpc(method, ...(params ?? [])));
      return createPublicClient({ cacheTime: 0, transport: custom({ request }, { retryCount: 0 }) });
    }

    it("finds logs that the node knew later than their block, and takes them in once", async () => {
      let blind = true;
      const late = changed((method, _params, answer) => (method === "eth_getLogs" && blind ? [] : answer));
      const events: ChainEvent[] = [];
      const blocks = loop(events, 0, late);
      await blocks.step();
      const first = (await now()) + 10;
      await reportAt(first, 0);
      await blocks.step();
      expect(accepted(events)).to.deep.equal([]);
      blind = false;
      for (let i = 0; i < 8; i++) {
        await rpc("evm_mine");
        await blocks.step();
      }
      expect(accepted(events)).to.deep.equal([first]);
      expect(journal.pendingReadings(1)).to.deep.equal([]);
      expect(journal.cursor()!.number).to.equal(await client.getBlockNumber());
    });

    it("does not go back with a node that lags behind", async () => {
      let lag = 0n;
      const lagging = changed(async (method, params, answer) => {
        if (method !== "eth_getBlockByNumber" || params[0] !== "latest" || lag === 0n) return answer;
        const { number } = answer as { number: string };
        return rpc("eth_getBlockByNumber", `0x${(BigInt(number) - lag).toString(16)}`, false);
      });
      const heads: bigint[] = [];
      const events: ChainEvent[] = [];
      const blocks = loop(events, 0, lagging, heads);
      const first = (await now()) + 10;
      await reportAt(first, 0);
      await rpc("evm_mine");
      await rpc("evm_mine");
      await blocks.step();
      const { number } = journal.cursor()!;
      lag = 2n;
      await blocks.step();
      expect(journal.cursor()!.number).to.equal(number);
      expect(heads).to.deep.equal([number]);
      await rpc("evm_mine");
      lag = 0n;
      await blocks.step();
      expect(heads).to.deep.equal([number, number + 1n]);
      expect(accepted(events)).to.deep.equal([first]);
    });

    it("asks a node that refuses large ranges for smaller ones", async () => {
      const asked: bigint[] = [];
      const small = changed((method, params, answer) => {
        if (method !== "eth_getLogs") return answer;
        const { fromBlock, toBlock } = params[0] as { fromBlock?: string; toBlock?: string };
        if (fromBlock === undefined || toBlock === undefined) return answer;
        asked.push(BigInt(toBlock) - BigInt(fromBlock) + 1n);
        if (asked.at(-1)! > 100n) throw new Error("query returned more than 100 blocks");
        return answer;
      });
      const first = (await now()) + 10;
      await reportAt(first, 0);
      for (let i = 0; i < 300; i++) await rpc("evm_mine");
      const events: ChainEvent[] = [];
      await loop(events, 0, small).step();
      expect(accepted(events)).to.deep.equal([first]);
      expect(journal.cursor()!.number).to.equal(await client.getBlockNumber());
      expect(asked.some((blocks) => blocks > 100n) && asked.some((blocks) => blocks <= 100n)).to.equal(true);
    });

    it("ends when the chain has been replaced", async () => {
      const other = { ...deployment, deploymentBlockHash: `0x${"2".repeat(64)}` as const };
      const events: ChainEvent[] = [];
      const replaced = new BlockLoop({
        client,
        store: journal,
        clock: systemClock,
        log,
        addresses: [other.contracts.MeterRegistry],
        deploymentBlock: { number: BigInt(other.deploymentBlock), hash: other.deploymentBlockHash },
        confirmations: 0,
        pollMs: 10,
        apply: (fresh) => events.push(...fresh),
        onHead: () => undefined,
      });
      const error: unknown = await replaced.run(stop.signal).catch((reason: unknown) => reason);
      expect(error).to.be.instanceOf(ChainError);
      expect((error as Error).message).to.match(/the chain was replaced; deploy again/);
    });
  });
});
