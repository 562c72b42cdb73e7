import { expect } from "chai";
import { network } from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";
import {
  createPublicClient,
  custom,
  type EIP1193Provider,
  parseEther,
  type PublicClient,
  type TransactionReceipt,
} from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { DEMO_ZONE, deployLocalZone } from "../../deploy/zone.ts";
import { Outbox, worldOf, Zone } from "../../oracle/src/chain/index.ts";
import { systemClock } from "../../oracle/src/clock.ts";
import { Journal } from "../../oracle/src/journal/index.ts";
import { Keeper, Ledger } from "../../oracle/src/keeper/index.ts";
import { createLogger } from "../../oracle/src/log.ts";
import { MeterKey, signPossession } from "../../oracle/src/metering/index.ts";
import { type Deployment, endOf, slotOf } from "../../protocol/src/index.ts";
import { partsOf } from "./local-zone.ts";

const D = DEMO_ZONE.slotDuration;
const GRACE = DEMO_ZONE.grace;
const KIND = { Load: 0, Prosumer: 6, Grid: 5 } as const;
/** Room for the largest contract, but not for the settlement of every order below in one transaction. */
const BLOCK_GAS = 6_000_000n;
const ORDERS = 90;

/** The real contracts on a chain inside this process. */
describe("keeper", function () {
  this.timeout(240_000);

  let connection: NetworkConnection;
  let client: PublicClient;
  let deployment: Deployment;
  let snapshot: unknown;
  /** Questions to contracts so far. */
  let asked = 0;
  const meters: { id: number; key: MeterKey; since: number; exported: bigint; imported: bigint }[] = [];
  const stop = new AbortController();
  const journals: Journal[] = [];

  const world = () => partsOf(connection, deployment);
  const rpc = (method: string, ...params: unknown[]): Promise<unknown> =>
    connection.provider.request({ method, params });
  const now = async () => Number((await client.getBlock()).timestamp);
  const travelTo = async (timestamp: number) => {
    await rpc("evm_setNextBlockTimestamp", timestamp);
    await rpc("evm_mine");
  };

  before(async () => {
    connection = await network.create({ override: { allowBlocksWithSameTimestamp: true, blockGasLimit: BLOCK_GAS } });
    const request = (args: { method: string }) => {
      if (args.method === "eth_call") asked++;
      return connection.provider.request(args);
    };
    const transport = custom({ request } as EIP1193Provider, { retryCount: 0 });
    client = createPublicClient({ cacheTime: 0, transport });
    deployment = await deployLocalZone(connection, "http://127.0.0.1:1");
    const { registry, vault, money, operator, owner } = await world();
    const { domain } = await new Zone(client, deployment).constants();
    for (const kind of [KIND.Prosumer, KIND.Load, KIND.Grid]) {
      const account = privateKeyToAccount(generatePrivateKey());
      const proof = await signPossession(account, domain, owner.address as `0x${string}`);
      await registry.connect(operator).register(owner.address, kind, 1_000_000, 1, account.address, proof);
      meters.push({
        id: meters.length + 1,
        key: new MeterKey(account, domain),
        since: 0,
        exported: 0n,
        imported: 0n,
      });
    }
    await money.connect(owner).faucet(10_000_000_000n);
    await money.connect(owner).approve(vault, 10_000_000_000n);
    await vault.connect(owner).deposit(10_000_000_000n);
    for (const market of [deployment.contracts.CallAuction, deployment.contracts.DirectMarket]) {
      await vault.connect(owner).setAllowed(market, true);
    }
    snapshot = await rpc("evm_snapshot");
  });

  afterEach(async () => {
    for (const journal of journals.splice(0)) journal.close();
    for (const meter of meters) Object.assign(meter, { since: 0, exported: 0n, imported: 0n });
    await rpc("evm_revert", snapshot);
    snapshot = await rpc("evm_snapshot");
  });

  after(async () => {
    stop.abort();
    await connection.close();
  });

  /** A keeper with an account of its own, how many transactions it has sent, and what was refused in a simulation. */
  async function newKeeper(waitS = 0) {
    const account = privateKeyToAccount(generatePrivateKey());
    const { operator } = await world();
    await operator.sendTransaction({ to: account.address, value: parseEther("10") });
    const journal = new Journal(":memory:", worldOf(deployment));
    journals.push(journal);
    const refused: string[] = [];
    const log = createLogger({ write: (line) => /"refused"/.test(line) && refused.push(line) });
    const parts = { client, clock: systemClock, log, pollMs: 10 };
    const ledger = new Ledger();
    const onPaid = (label: string, receipt: TransactionReceipt) => ledger.pay(label, receipt);
    const { chainId } = deployment;
    const outbox = new Outbox({ ...parts, account, chainId, store: journal, onPaid }, stop.signal);
    const keeper = new Keeper({ ...parts, deployment, outbox, waitS, ledger });
    const sent = () => client.getTransactionCount({ address: account.address });
    return { step: () => keeper.step(), sent, refused, ledger };
  }

  async function report(takenAt: number, energy: [exported: bigint, imported: bigint][], restart = false) {
    const { registry } = await world();
    const readings = [];
    const signatures = [];
    for (const [i, [exported, imported]] of energy.entries()) {
      const meter = meters[i]!;
      meter.exported += exported;
      meter.imported += imported;
      const reading = {
        meterId: meter.id,
        epoch: 0,
        since: restart ? 0 : meter.since,
        takenAt,
        imported: meter.imported,
        exported: meter.exported,
      };
      meter.since = takenAt;
      readings.push(reading);
      signatures.push(await meter.key.reading(reading));
    }
    await registry.report(readings, signatures);
  }

  /** A slot that all three meters cover: the seller gives, the load takes, the connection point shows the rest. */
  async function measuredSlot(given: bigint, taken: bigint, shown: bigint): Promise<number> {
    const slot = slotOf(await now(), D) + 1;
    await travelTo(endOf(slot - 1, D) + 1);
    await report(
      endOf(slot - 1, D),
      [
        [0n, 0n],
        [0n, 0n],
        [0n, 0n],
      ],
      true,
    );
    await travelTo(endOf(slot, D) + 1);
    await report(endOf(slot, D), [
      [given, 0n],
      [0n, taken],
      [0n, shown],
    ]);
    return slot;
  }

  const mismatches = async () => {
    const { registry } = await world();
    return registry.queryFilter(registry.filters.FeederMismatch());
  };

  it("puts a mismatch at the connection point on record once; the second keeper spends nothing", async () => {
    const slot = await measuredSlot(100n, 300n, 500n);
    await travelTo(endOf(slot + 1, D) + 1);
    const [first, second] = [await newKeeper(), await newKeeper()];
    for (const keeper of [first, second, first, second]) await keeper.step();
    const [event, ...more] = await mismatches();
    expect(more).to.deep.equal([]);
    expect([event!.args.slot, event!.args.expected, event!.args.measured]).to.deep.equal([BigInt(slot), 200n, 500n]);
    expect([await first.sent(), await second.sent()]).to.deep.equal([1, 0]);
  });

  it("spends nothing on a connection point that balances, or on a slot with a gap", async () => {
    const keeper = await newKeeper();
    const slot = await measuredSlot(100n, 300n, 205n);
    await travelTo(endOf(slot + 1, D) + 1);
    await keeper.step();
    await travelTo(endOf(slot + 3, D) + 1);
    await keeper.step();
    expect(await mismatches()).to.deep.equal([]);
    expect(await keeper.sent()).to.equal(0);
  });

  it("clears, settles in batches that leave room in a block, and finalizes", async () => {
    const { auction, vault, owner } = await world();
    const keeper = await newKeeper();
    const slot = slotOf(await now(), D) + 2;
    const bids = Array.from({ length: ORDERS }, (_, i) => ({ slot, meterId: 2, side: 0, tick: 25 + i, energy: 10 }));
    const asks = [{ slot, meterId: 1, side: 1, tick: 10, energy: 10 * ORDERS }];
    for (let i = 0; i < bids.length; i += 30) await auction.connect(owner).placeOrders(bids.slice(i, i + 30));
    await auction.connect(owner).placeOrders(asks);
    await travelTo(endOf(slot - 1, D) - DEMO_ZONE.gateClosure + 1);
    await keeper.step();
    expect((await auction.auctionOf(slot)).volume).to.equal(BigInt(10 * ORDERS));

    await travelTo(endOf(slot - 1, D) + 1);
    await report(endOf(slot - 1, D), [[0n, 0n]], true);
    await travelTo(endOf(slot, D) + 1);
    await report(endOf(slot, D), [[BigInt(10 * ORDERS), 0n]]);
    const before = await client.getBlockNumber();
    for (let i = 0; i < 3; i++) await keeper.step();
    const { status, openBids, balance } = await auction.auctionOf(slot);
    expect([status, openBids, balance]).to.deep.equal([3n, 0n, 0n]);
    expect(await vault.pot(auction)).to.equal(0n);
    const used: bigint[] = [];
    for (let number = before + 1n; number <= (await client.getBlockNumber()); number++) {
      used.push((await client.getBlock({ blockNumber: number })).gasUsed);
    }
    expect(used.filter((gas) => gas > 500_000n).length, "batches").to.be.greaterThan(1);
    for (const gas of used) expect(gas <= BLOCK_GAS / 3n, `${gas} gas`).to.equal(true);
  });

  it("of two keepers at work in the same blocks the one that waits longer spends nothing; both know what it was spent for", async () => {
    const { auction, market, owner } = await world();
    const [first, second] = [await newKeeper(0), await newKeeper(30)];
    /** Both look, and blocks come until both have done what they want. */
    const round = async () => {
      await rpc("evm_setAutomine", false);
      let over = false;
      const steps = Promise.all([first.step(), second.step()]).finally(() => (over = true));
      while (!over) {
        await systemClock.sleep(20);
        await rpc("evm_mine");
      }
      await steps;
      await rpc("evm_setAutomine", true);
    };
    const slot = slotOf(await now(), D) + 2;
    await auction.connect(owner).placeOrders([
      { slot, meterId: 2, side: 0, tick: 30, energy: 500 },
      { slot, meterId: 2, side: 0, tick: 40, energy: 500 },
      { slot, meterId: 1, side: 1, tick: 10, energy: 1_000 },
    ]);
    await travelTo(endOf(slot - 1, D) - DEMO_ZONE.gateClosure + 1);
    await round();
    expect((await auction.auctionOf(slot)).volume).to.equal(1_000n);

    await travelTo(endOf(slot - 1, D) + 1);
    const nothing: [bigint, bigint] = [0n, 0n];
    await report(endOf(slot - 1, D), [nothing, nothing], true);
    await market.connect(owner).list(1, 250, 0, 100_000n, 1, endOf(slot, D) + 1_000);
    await market.connect(owner).buy(1, 2, 250, 120_000n, endOf(slot, D));
    await travelTo(endOf(slot, D) + 1);
    await report(endOf(slot, D), [
      [1_250n, 0n],
      [0n, 1_250n],
    ]);
    for (let i = 0; i < 3; i++) await round();
    await travelTo(endOf(slot, D) + 61);
    await round();
    expect((await auction.auctionOf(slot)).status).to.equal(3n);
    expect((await market.deliveryOf(1)).closed).to.equal(true);
    expect(await first.sent()).to.be.within(4, 5);
    expect(await second.sent()).to.equal(0);
    expect([first.refused, second.refused]).to.deep.equal([[], []]);

    // Settlements count when no reorg is to be expected any more.
    for (let i = 0; i < 12; i++) await rpc("evm_mine");
    await round();
    for (const { ledger } of [first, second])
      expect([...ledger.settled]).to.deep.equal([
        ["auction", 1_000n],
        ["direct", 250n],
      ]);
    const { transactions, gas, wei } = first.ledger.total;
    expect([transactions, second.ledger.total.transactions]).to.deep.equal([await first.sent(), 0]);
    expect([...first.ledger.spent.keys()]).to.deep.equal(["clear", "settle", "close"]);
    expect(wei > gas, "every gas has its price").to.equal(true);
  });

  it("closes a delivery whose parties have fallen silent when nothing more can be booked, and pays what both saw", async () => {
    const { market, vault, owner } = await world();
    const keeper = await newKeeper();
    const slot = slotOf(await now(), D) + 1;
    await travelTo(endOf(slot - 1, D) + 1);
    await report(
      endOf(slot - 1, D),
      [
        [0n, 0n],
        [0n, 0n],
      ],
      true,
    );
    await market.connect(owner).list(1, 1_000, 0, 100_000n, 1, endOf(slot, D) + 1_000);
    await market.connect(owner).buy(1, 2, 1_000, 120_000n, endOf(slot, D));
    await travelTo(endOf(slot, D) - 10);
    await report(endOf(slot, D) - 20, [
      [400n, 0n],
      [0n, 400n],
    ]);
    await travelTo(endOf(slot, D) + GRACE);
    await keeper.step();
    expect((await market.deliveryOf(1)).closed).to.equal(false);
    expect(await keeper.sent()).to.equal(0);
    await travelTo(endOf(slot, D) + GRACE + 1);
    await keeper.step();
    const { closed, delivered } = await market.deliveryOf(1);
    expect([closed, delivered]).to.deep.equal([true, 400n]);
    expect(await vault.pot(market)).to.equal(0n);
  });

  describe("after a reorg", () => {
    const mine = (blocks: number) => rpc("hardhat_mine", `0x${blocks.toString(16)}`);
    /** Questions of one step. */
    const asksOf = async (keeper: { step: () => Promise<void> }) => {
      const before = asked;
      await keeper.step();
      return asked - before;
    };

    it("settles and closes again what was undone, however old it is, and forgets it once that lies deep", async () => {
      const { auction, market, owner } = await world();
      const keeper = await newKeeper();
      const slot = slotOf(await now(), D) + 2;
      await auction.connect(owner).placeOrders([
        { slot, meterId: 2, side: 0, tick: 40, energy: 1_000 },
        { slot, meterId: 1, side: 1, tick: 10, energy: 1_000 },
      ]);
      await travelTo(endOf(slot - 1, D) - DEMO_ZONE.gateClosure + 1);
      await keeper.step();
      await travelTo(endOf(slot - 1, D) + 1);
      const nothing: [bigint, bigint] = [0n, 0n];
      await report(endOf(slot - 1, D), [nothing, nothing], true);
      await market.connect(owner).list(1, 250, 0, 100_000n, 1, endOf(slot, D) + 1_000);
      await market.connect(owner).buy(1, 2, 250, 120_000n, endOf(slot, D));
      await mine(20);
      await travelTo(endOf(slot, D) + 1);
      await report(endOf(slot, D), [
        [1_250n, 0n],
        [0n, 1_250n],
      ]);
      await travelTo(endOf(slot, D) + 61);
      const isDone = async () => {
        const { status, openBids } = await auction.auctionOf(slot);
        return status === 3n && openBids === 0n && (await market.deliveryOf(1)).closed;
      };
      const steps = async () => {
        for (let i = 0; i < 4; i++) await keeper.step();
      };

      const before = await rpc("evm_snapshot");
      await steps();
      expect(await isDone()).to.equal(true);
      await rpc("evm_revert", before);
      expect(await isDone()).to.equal(false);
      await mine(5);
      await steps();
      expect(await isDone()).to.equal(true);

      expect(await asksOf(keeper)).to.be.greaterThan(0);
      await mine(12);
      await keeper.step();
      expect(await asksOf(keeper)).to.equal(0);
    });

    it("goes on without a purchase that was undone", async () => {
      const { market, owner } = await world();
      const keeper = await newKeeper();
      const slot = slotOf(await now(), D) + 1;
      await market.connect(owner).list(1, 250, 0, 100_000n, 1, endOf(slot, D) + 1_000);
      const before = await rpc("evm_snapshot");
      await market.connect(owner).buy(1, 2, 250, 120_000n, endOf(slot, D));
      await keeper.step();
      await rpc("evm_revert", before);
      await mine(5);
      await travelTo(endOf(slot, D) + 61);
      await keeper.step();
      await mine(12);
      await keeper.step();
      expect(await keeper.sent()).to.equal(0);
      expect(await asksOf(keeper)).to.equal(0);
    });
  });
});
