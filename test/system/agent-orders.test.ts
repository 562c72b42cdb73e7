import { once } from "node:events";
import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { json } from "node:stream/consumers";
import { expect } from "chai";
import { network } from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";
import { createPublicClient, custom, type EIP1193Provider, parseEther, type PublicClient } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { stringify } from "yaml";
import { DEMO_ZONE, deployLocalZone } from "../../deploy/zone.ts";
import { Agent, type AgentPreferences, askHousehold, Market } from "../../oracle/src/agent/index.ts";
import { BlockLoop, Outbox, worldOf, Zone } from "../../oracle/src/chain/index.ts";
import { systemClock as clock } from "../../oracle/src/clock.ts";
import { Journal } from "../../oracle/src/journal/index.ts";
import { LiveServer } from "../../oracle/src/live/index.ts";
import { createLogger } from "../../oracle/src/log.ts";
import { MeterKey, signPossession } from "../../oracle/src/metering/index.ts";
import { type Deployment, endOf, packOrderId, slotOf } from "../../protocol/src/index.ts";
import { runNode } from "../../tools/cli.ts";
import { partsOf } from "./local-zone.ts";

const D = DEMO_ZONE.slotDuration;
const PROSUMER = 6;
const METER = 1;
const SURPLUS = 40n;
const LIMIT = 100_000n;
/** Tick of the limit: (100,000 − 60,000) / 2,000. */
const TICK = 20;

/** Behind a meter at a house's connection, without relays. */
const METERED = { meter: { id: METER, scope: "connection" }, relays: {}, battery: null };
/** Behind the relays of a branch: a battery of 10 kWh that is full to 52.5 %. */
const SWITCHED = {
  meter: { id: METER, scope: "branch" },
  relays: { discharge: "open", charge: "open" },
  battery: { stateOfCharge: 525, capacityWh: 10_000 },
};

/** The real contracts on a chain inside this process, and an oracle's server. */
describe("an agent's orders", function () {
  this.timeout(240_000);

  let connection: NetworkConnection;
  let client: PublicClient;
  let deployment: Deployment;
  let key: MeterKey;
  let snapshot: unknown;
  let oracle: LiveServer;
  let oracleUrl: string;
  let status: object = METERED;
  const traderKey = generatePrivateKey();
  const trader = privateKeyToAccount(traderKey);
  const stop = new AbortController();
  const journals: Journal[] = [];
  let last = { since: 0, exported: 0n, imported: 0n };

  const world = () => partsOf(connection, deployment);
  const rpc = (method: string, ...params: unknown[]): Promise<unknown> =>
    connection.provider.request({ method, params });
  const travelTo = async (timestamp: number) => {
    await rpc("evm_setNextBlockTimestamp", timestamp);
    await rpc("evm_mine");
  };
  const now = async () => Number((await client.getBlock()).timestamp);

  before(async () => {
    connection = await network.create({ override: { allowBlocksWithSameTimestamp: true } });
    const transport = custom(connection.provider as unknown as EIP1193Provider, { retryCount: 0 });
    client = createPublicClient({ cacheTime: 0, transport });
    deployment = await deployLocalZone(connection, "http://127.0.0.1:1");
    const { registry, vault, money, operator, owner } = await world();
    const { domain } = await new Zone(client, deployment).constants();
    const account = privateKeyToAccount(generatePrivateKey());
    key = new MeterKey(account, domain);
    const proof = await signPossession(account, domain, owner.address as `0x${string}`);
    await registry.connect(operator).register(owner.address, PROSUMER, 10_000, 1, account.address, proof);
    await registry.connect(owner).setTrader(METER, trader.address);
    await operator.sendTransaction({ to: trader.address, value: parseEther("10") });
    await money.connect(owner).faucet(1_000_000_000n);
    await money.connect(owner).approve(vault, 1_000_000_000n);
    await vault.connect(owner).deposit(1_000_000n);
    await vault.connect(owner).setAllowed(deployment.contracts.CallAuction, true);
    oracle = new LiveServer({
      host: "127.0.0.1",
      port: 0,
      allowOrigins: [],
      clock,
      log: createLogger({ write: () => undefined }),
      source: {
        meterId: METER,
        telemetry: () => undefined,
        sign: (telemetry) => key.telemetry(telemetry),
        relays: () => ({}),
        deliveryId: () => undefined,
        battery: () => undefined,
        status: () => status,
        troubles: () => [],
      },
    });
    oracleUrl = `http://127.0.0.1:${await oracle.start()}`;
    snapshot = await rpc("evm_snapshot");
  });

  afterEach(async () => {
    for (const journal of journals.splice(0)) journal.close();
    last = { since: 0, exported: 0n, imported: 0n };
    status = METERED;
    await rpc("evm_revert", snapshot);
    snapshot = await rpc("evm_snapshot");
  });

  after(async () => {
    stop.abort();
    await oracle.stop();
    await connection.close();
  });

  /** A meter's reading at a boundary that has passed. */
  async function report(takenAt: number, exported: bigint, imported = 0n) {
    const { registry } = await world();
    const reading = {
      ...{ meterId: METER, epoch: 0, since: last.since, takenAt },
      imported: last.imported + imported,
      exported: last.exported + exported,
    };
    last = { since: takenAt, exported: reading.exported, imported: reading.imported };
    await registry.report([reading], [await key.reading(reading)]);
  }

  /** Lives through the next slot, in which the household has so much left, or needs it; then it has just ended. */
  async function liveThrough(surplus: bigint): Promise<number> {
    if (last.since === 0) {
      const start = endOf(slotOf(await now(), D), D);
      await travelTo(start + 1);
      await report(start, 0n);
    }
    const slot = slotOf(last.since, D) + 1;
    await travelTo(endOf(slot, D) + 1);
    await report(endOf(slot, D), surplus > 0n ? surplus : 0n, surplus < 0n ? -surplus : 0n);
    return slot;
  }

  function newJournal() {
    const journal = new Journal(":memory:", worldOf(deployment));
    journals.push(journal);
    return journal;
  }

  function newAgent(change: Partial<AgentPreferences> = {}, journal = newJournal()) {
    const lines: Record<string, unknown>[] = [];
    const log = createLogger({ write: (line) => lines.push(JSON.parse(line) as Record<string, unknown>) });
    const parts = { client, clock, log, pollMs: 10 };
    const outbox = new Outbox({ ...parts, account: trader, chainId: deployment.chainId, store: journal }, stop.signal);
    const agent = new Agent({
      market: new Market(client, deployment, METER, journal),
      book: journal,
      household: () => askHousehold(oracleUrl, METER),
      trader: trader.address,
      preferences: { lowestSellPrice: LIMIT, slotsAhead: 2, ...change },
      outbox,
      log,
      signal: stop.signal,
    });
    const blocks = new BlockLoop({
      ...parts,
      store: journal,
      addresses: [deployment.contracts.CallAuction],
      deploymentBlock: { number: BigInt(deployment.deploymentBlock), hash: deployment.deploymentBlockHash },
      confirmations: 0,
      apply: (events) => {
        for (const event of events)
          if (event.type === "OrderPlaced") journal.placeOrder(event.orderId, event.order.slot, event.block);
      },
      onHead: (head) => agent.onHead(head),
    });
    return {
      lines,
      /** Looks at the newest head and ends what it begins. */
      step: async () => {
        await blocks.step();
        await agent.idle();
      },
      said: (event: string) => lines.filter((line) => line.event === event),
    };
  }

  const sent = () => client.getTransactionCount({ address: trader.address });
  const sizeOf = async (slot: number, side: "bid" | "ask", tick: number) => {
    const { auction } = await world();
    return (await auction.orderOf(packOrderId({ slot, meterId: METER, side, tick }))).energy;
  };

  it("offer what was left over, at its price, in the next slots, and are decided once per slot", async () => {
    const agent = newAgent();
    const slot = await liveThrough(SURPLUS);
    await agent.step();
    expect([await sizeOf(slot + 2, "ask", TICK), await sizeOf(slot + 3, "ask", TICK)]).to.deep.equal([
      SURPLUS,
      SURPLUS,
    ]);
    expect(await sent()).to.equal(1);
    await travelTo(endOf(slot, D) + 20);
    await agent.step();
    expect(await sent(), "nothing more until the gate has closed").to.equal(1);
  });

  it("wait for the readings of the newest slot, and come without them when the gate is about to close", async () => {
    const agent = newAgent();
    await liveThrough(SURPLUS);
    const slot = await liveThrough(SURPLUS);
    await travelTo(endOf(slot + 1, D) + 1); // nobody has read the meter since
    await agent.step();
    expect(await sent()).to.equal(0);
    await travelTo(endOf(slot + 2, D) - DEMO_ZONE.gateClosure - D / 4);
    await agent.step();
    expect(await sizeOf(slot + 3, "ask", TICK)).to.equal(SURPLUS);
  });

  it("stay as they are after a restart, and follow what the household needs", async () => {
    const slot = await liveThrough(SURPLUS);
    await newAgent().step();
    const restarted = newAgent();
    await restarted.step();
    expect(await sent()).to.equal(1);
    // The mean of 40 more and 140 less.
    await liveThrough(-140n);
    await restarted.step();
    expect(await sizeOf(slot + 3, "ask", TICK)).to.equal(0n);
    expect(await sizeOf(slot + 3, "bid", 120), "at the utility's price").to.equal(50n);
  });

  it("leave a person's orders alone", async () => {
    const { auction, owner } = await world();
    const agent = newAgent();
    const slot = await liveThrough(SURPLUS);
    const order = { slot: slot + 2, meterId: METER, side: 1, tick: TICK + 7, energy: 15 };
    await auction.connect(owner).placeOrders([order]);
    await agent.step();
    expect([await sizeOf(slot + 2, "ask", TICK), await sizeOf(slot + 2, "ask", TICK + 7)]).to.deep.equal([0n, 15n]);
    expect(await sizeOf(slot + 3, "ask", TICK)).to.equal(SURPLUS);
  });

  it("are placed anew at other prices after a restart, and what a person has made of one stays", async () => {
    const { auction, owner } = await world();
    const journal = newJournal();
    const slot = await liveThrough(SURPLUS);
    await newAgent({ slotsAhead: 3 }, journal).step();
    const byHand = { slot: slot + 4, meterId: METER, side: 1, tick: TICK, energy: 15 };
    await auction.connect(owner).placeOrders([byHand]);
    const raised = { slotsAhead: 3, lowestSellPrice: LIMIT + 20_000n };
    await newAgent(raised, journal).step();
    const sizes = async (tick: number) => Promise.all([2, 3, 4].map((ahead) => sizeOf(slot + ahead, "ask", tick)));
    expect(await sizes(TICK)).to.deep.equal([0n, 0n, 15n]);
    expect(await sizes(TICK + 10)).to.deep.equal([SURPLUS, SURPLUS, 0n]);
    const count = await sent();
    await newAgent(raised, journal).step();
    expect(await sent(), "another restart").to.equal(count);
  });

  it("keep out of a slot with an order of who owned the meter before, and are placed in the others", async () => {
    const { auction, registry, vault, money, owner, operator } = await world();
    const slot = await liveThrough(SURPLUS);
    await auction.connect(owner).placeOrders([{ slot: slot + 2, meterId: METER, side: 1, tick: TICK, energy: 15 }]);
    await registry.connect(owner).transferMeter(METER, operator);
    await registry.connect(operator).acceptMeter(METER);
    await registry.connect(operator).setTrader(METER, trader.address);
    await money.connect(operator).faucet(1_000_000n);
    await money.connect(operator).approve(vault, 1_000_000n);
    await vault.connect(operator).deposit(1_000_000n);
    await vault.connect(operator).setAllowed(deployment.contracts.CallAuction, true);
    const agent = newAgent();
    await agent.step();
    expect(agent.said("agent.not-placed")).to.deep.equal([]);
    expect([await sizeOf(slot + 2, "ask", TICK), await sizeOf(slot + 3, "ask", TICK)]).to.deep.equal([15n, SURPLUS]);
  });

  it("lock no more than the budget, and no more than there is", async () => {
    const { vault, owner } = await world();
    await liveThrough(-160n);
    const slot = await liveThrough(-160n);
    // At 30 ct: 0.02 buy 66 units, and 0.01 of it is left over by the first 33 units.
    await newAgent({ budget: 20_000n }).step();
    expect([await sizeOf(slot + 2, "bid", 120), await sizeOf(slot + 3, "bid", 120)]).to.deep.equal([66n, 0n]);
    await vault.connect(owner).withdraw(await vault.free(owner), owner);
    await liveThrough(-160n);
    const agent = newAgent();
    await agent.step();
    expect(agent.said("agent.not-placed")).to.deep.equal([]);
    expect(await vault.free(owner)).to.equal(0n);
  });

  it("sell a battery down to its reserve, the earliest slots first, and buy what lacks", async () => {
    status = SWITCHED;
    const slot = await liveThrough(0n);
    // 250 Wh are above the reserve; the meter's 10 kW move 166 Wh in a slot.
    await newAgent({ battery: { reservePercent: 50, powerW: 12_000 } }).step();
    expect([await sizeOf(slot + 2, "ask", TICK), await sizeOf(slot + 3, "ask", TICK)]).to.deep.equal([166n, 84n]);
    status = { ...SWITCHED, battery: { stateOfCharge: 490, capacityWh: 10_000 } };
    await liveThrough(0n);
    await newAgent({ battery: { reservePercent: 50, powerW: 12_000 } }).step();
    expect([await sizeOf(slot + 3, "ask", TICK), await sizeOf(slot + 3, "bid", 120)]).to.deep.equal([0n, 100n]);
  });

  it("are not placed for relays whose battery nobody knows", async () => {
    status = { ...SWITCHED, battery: null };
    const agent = newAgent({ battery: { reservePercent: 50, powerW: 12_000 } });
    await liveThrough(SURPLUS);
    await agent.step();
    expect(agent.said("agent.not-trading")[0]!.reason).to.match(/does not tell how full the battery is/);
    expect(await sent()).to.equal(0);
  });

  it("are told and placed by the command, which then ends", async () => {
    const dir = await mkdtemp(join(tmpdir(), "ioe-agent-"));
    const node = createServer((request, response) => void answer(request, response)).listen(0, "127.0.0.1");
    await once(node, "listening");
    const answer = async (request: IncomingMessage, response: ServerResponse) => {
      const { id, method, params } = (await json(request)) as { id: number; method: string; params: unknown[] };
      const result = await rpc(method, ...(params ?? [])).then(
        (value) => ({ result: value }),
        ({ message, code, data }: Error & { code: number; data?: unknown }) => ({ error: { code, message, data } }),
      );
      response.end(JSON.stringify({ jsonrpc: "2.0", id, ...result }));
    };
    try {
      await writeFile(join(dir, "deployment.json"), JSON.stringify(deployment));
      await writeFile(join(dir, "trader.key"), traderKey, { mode: 0o600 });
      const config = join(dir, "agent.yaml");
      const settings = {
        chain: {
          rpcUrls: [`http://127.0.0.1:${(node.address() as AddressInfo).port}`],
          deployment: "./deployment.json",
          pollMs: 50,
        },
        journal: "./agent.sqlite",
        keys: { trader: "./trader.key" },
        meter: { id: METER },
        oracle: oracleUrl,
        preferences: { lowestSellPrice: Number(LIMIT), slotsAhead: 2 },
      };
      await writeFile(config, stringify(settings));
      const ioe = (...args: string[]) =>
        runNode("oracle/bin/ioe.mjs", ["agent", "--config", config, "--once", ...args]);
      const slot = await liveThrough(SURPLUS);

      const dry = await ioe("--dry-run");
      const start = new Date(endOf(slot + 1, D) * 1_000).toISOString();
      expect(dry.output.split("\n")[0]).to.equal(
        `${start}  expects to have 0.04 kWh left, would sell 0.04 kWh at 100000 base units per kWh or more`,
      );
      expect([dry.code, await sent()]).to.deep.equal([0, 0]);

      // The chain's time goes on with the clock, and the gate is about to close.
      await travelTo((await now()) + 1);
      const real = await ioe();
      expect(real.output).to.match(/"event":"agent.placed"/);
      expect(real.code).to.equal(0);
      expect(await sizeOf(slot + 2, "ask", TICK)).to.equal(SURPLUS);
      expect((await ioe("--dry-run")).output).to.match(/would keep its order/);
    } finally {
      node.close();
      await rm(dir, { recursive: true });
    }
  });

  const obstacles: [string, (zone: Awaited<ReturnType<typeof world>>) => Promise<unknown>, RegExp][] = [
    [
      "its right",
      ({ registry, owner }) => registry.connect(owner).setTrader(METER, owner),
      /is not the trader of meter 1/,
    ],
    [
      "the vault's consent",
      ({ vault, owner }) => vault.connect(owner).setAllowed(deployment.contracts.CallAuction, false),
      /does not let the auction lock money/,
    ],
    [
      "an active meter",
      ({ registry, operator }) => registry.connect(operator).setActive(METER, false),
      /meter 1 inactive/,
    ],
    [
      "an auction that is not paused",
      ({ auction, operator }) => auction.connect(operator).pause(),
      /paused the auction/,
    ],
  ];
  for (const [what, takeAway, reason] of obstacles) {
    it(`are not placed without ${what}, and the log says once what is missing`, async () => {
      const agent = newAgent();
      await takeAway(await world());
      for (let i = 0; i < 2; i++) {
        await liveThrough(SURPLUS);
        await agent.step();
      }
      expect(await sent()).to.equal(0);
      expect(agent.said("agent.not-trading").length).to.equal(1);
      expect(agent.said("agent.not-trading")[0]!.reason).to.match(reason);
    });
  }
});
