import { expect } from "chai";
import { LOCAL_ACCOUNTS } from "../../deploy/zone.ts";
import { unpackOrderId } from "../../protocol/src/order.ts";
import { costUp, paymentDown } from "../../protocol/src/price.ts";
import { endOf, slotOf } from "../../protocol/src/slots.ts";
import { runNode } from "../../tools/cli.ts";
import { agentConfig } from "../../tools/world.ts";
import { QUICK_ZONE, until, World } from "./world.ts";

/** Slots long enough for two closings and a converter's ramp. */
const ZONE = { ...QUICK_ZONE, slotDuration: 20, gateClosure: 5, grace: 40, claimWindow: 600 };
const LOWEST_SELL_PRICE = 110_000n;
const HIGHEST_BUY_PRICE = 250_000n;
/** Its battery is full to 80 %, the other one's to 20 %; both keep 50 %. */
const SELLER = 2;
const BUYER = 1;

describe("agents of two households", () => {
  let world: World;
  let initial: { seller: bigint; buyer: bigint; all: bigint };

  before(async () => {
    world = await World.start(2, ZONE, 5173, undefined, true);
    await world.configureAgent(SELLER, ({ preferences }) => {
      preferences.lowestSellPrice = Number(LOWEST_SELL_PRICE);
    });
    await world.configureAgent(BUYER, ({ preferences }) => {
      preferences.highestBuyPrice = Number(HIGHEST_BUY_PRICE);
    });
    initial = await money();
    await Promise.all([world.startOracle(1), world.startOracle(2), world.startKeeper()]);
    await Promise.all([world.startAgent(SELLER), world.startAgent(BUYER)]);
  });

  after(() => world?.stop());

  async function money() {
    const { vault } = await world.contracts();
    const accounts = await world.ethers.getSigners();
    const [seller, buyer] = await Promise.all([
      vault.free(await world.owner(SELLER)),
      vault.free(await world.owner(BUYER)),
    ]);
    const grid = await vault.free(accounts[LOCAL_ACCOUNTS.operator]!);
    const dust = await vault.free(accounts[LOCAL_ACCOUNTS.dust]!);
    return { seller, buyer, all: seller + buyer + grid + dust };
  }

  /** Every order a household's meter has placed, by slot; one that was replaced counts twice. */
  async function placed(n: number): Promise<Map<number, number>> {
    const { auction } = await world.contracts();
    const counts = new Map<number, number>();
    for (const { args } of await auction.queryFilter(auction.filters.OrderPlaced())) {
      const { meterId, slot } = unpackOrderId(args.orderId);
      if (meterId === n) counts.set(slot, (counts.get(slot) ?? 0) + 1);
    }
    return counts;
  }

  async function settled(n: number) {
    const { auction } = await world.contracts();
    const events = await auction.queryFilter(auction.filters.OrderSettled());
    return events.map(({ args }) => args).filter(({ orderId }) => unpackOrderId(orderId).meterId === n);
  }

  it("trade without a click, at a price within both preferences; the relays of the fills close in their slot", async () => {
    const { auction } = await world.contracts();
    const [closed] = await until(
      "a slot with a trade to be closed",
      async () => {
        const events = await auction.queryFilter(auction.filters.SlotClosed());
        return events.length > 0 && events;
      },
      180,
    );
    const slot = Number(closed!.args.slot);
    const { price, gridFee, volume, delivered } = await auction.auctionOf(slot);
    expect(price >= LOWEST_SELL_PRICE, `${price}`).to.equal(true);
    expect(price + gridFee <= HIGHEST_BUY_PRICE, `${price} + ${gridFee}`).to.equal(true);
    expect(volume > 0n && delivered > 0n, `${delivered} of ${volume} delivered`).to.equal(true);

    const inSlot = async (n: number) => (await settled(n)).filter((order) => Number(order.slot) === slot);
    const [[ask], [bid]] = await Promise.all([inSlot(SELLER), inSlot(BUYER)]);
    expect(unpackOrderId(ask!.orderId).side).to.equal("ask");
    expect(unpackOrderId(bid!.orderId).side).to.equal("bid");
    // One seller and one buyer: what one gave, the other got and paid, to the unit.
    expect([ask!.energy, bid!.energy]).to.deep.equal([delivered, delivered]);
    expect(ask!.money).to.equal(paymentDown(delivered, price, 1_000n));
    expect(bid!.money).to.equal(costUp(delivered, price + gridFee, 1_000n));

    const [start, end] = [endOf(slot - 1, ZONE.slotDuration), endOf(slot, ZONE.slotDuration)];
    const { households } = await world.truth();
    for (const [n, name] of [
      [SELLER, "discharge"],
      [BUYER, "charge"],
    ] as const) {
      const { history } = households[n - 1]!.contacts[name]!;
      const closing = history.findIndex(({ closed: isClosed, at }) => isClosed && at >= start * 1_000);
      expect(history[closing]?.at, name).to.be.lessThan(end * 1_000);
      expect(history[closing + 1]?.closed, name).to.equal(false);
    }
  });

  it("do not double their orders when they are killed and started again", async () => {
    const open = async () => {
      const running = slotOf((await world.now()) + ZONE.gateClosure, ZONE.slotDuration);
      return [...(await placed(SELLER)).keys()].filter((slot) => slot > running);
    };
    await until("orders in several open slots", async () => (await open()).length > 2);
    const slots = await open();
    const count = world.loggedByAgent(SELLER, "agent.placed").length;
    await world.stopAgent(SELLER, "SIGKILL");
    await world.startAgent(SELLER);
    await until("the agent to trade again", () =>
      Promise.resolve(world.loggedByAgent(SELLER, "agent.placed").length > count),
    );
    const counts = await placed(SELLER);
    expect(slots.map((slot) => counts.get(slot))).to.deep.equal(slots.map(() => 1));
    expect(
      [...counts.keys()].some((slot) => slot > Math.max(...slots)),
      "a slot further ahead",
    ).to.equal(true);
  });

  it("tell a person what they would do, also beside the ones that run", async () => {
    const args = ["agent", "--config", agentConfig(world.dir, SELLER), "--once", "--dry-run"];
    const { code, output } = await runNode("oracle/bin/ioe.mjs", args);
    expect(output).to.match(/^(\S+Z {2}(expects to have|expects to need|cannot say).*\n)+$/);
    expect(output).to.match(/would (keep its order|sell 0\.025 kWh at 110000 base units per kWh or more)/);
    expect(code).to.equal(0);
  });

  it("stop when the owner takes their right to trade, say so, and go on when they get it back", async () => {
    const { registry } = await world.contracts();
    const asOwner = registry.connect(await world.owner(SELLER));
    const { trader } = await registry.meterOf(SELLER);
    await (await asOwner.setTrader(SELLER, world.ethers.ZeroAddress)).wait();
    const line = await until("the agent to say why", () =>
      Promise.resolve(world.loggedByAgent(SELLER, "agent.not-trading").at(0)),
    );
    expect(line.reason).to.match(new RegExp(`^${trader} is not the trader of meter ${SELLER}; its owner .*setTrader$`));
    const [then, count] = [slotOf(await world.now(), ZONE.slotDuration), (await placed(SELLER)).size];
    await until("two more slots", async () => slotOf(await world.now(), ZONE.slotDuration) >= then + 2);
    expect((await placed(SELLER)).size).to.equal(count);

    await (await asOwner.setTrader(SELLER, trader)).wait();
    await until("the agent to trade again", async () => (await placed(SELLER)).size > count);
  });

  it("leave every unit of money where the settlements say, and stop cleanly", async () => {
    await Promise.all([world.stopAgent(SELLER), world.stopAgent(BUYER)]);
    for (const n of [SELLER, BUYER]) {
      expect(world.loggedByAgent(n, "stopped").length).to.equal(1);
      expect(world.loggedByAgent(n, "agent.failed")).to.deep.equal([]);
    }
    const { auction, vault, energyToken } = await world.contracts();
    await until("every order to be settled", async () => (await vault.pot(await auction.getAddress())) === 0n, 240);
    const now = await money();
    const sum = (orders: Awaited<ReturnType<typeof settled>>, of: (one: (typeof orders)[number]) => bigint) =>
      orders.reduce((total, one) => total + of(one), 0n);
    const [asks, bids] = [await settled(SELLER), await settled(BUYER)];
    expect(now.seller - initial.seller).to.equal(sum(asks, ({ money: got, penalty }) => got - penalty));
    expect(initial.buyer - now.buyer).to.equal(sum(bids, ({ money: paid, penalty }) => paid - penalty));
    expect(now.all).to.equal(initial.all);
    // Certificates of every unit the buyer got.
    const minted = await energyToken.queryFilter(energyToken.filters.TransferSingle());
    const buyer = await world.owner(BUYER);
    const got = minted
      .filter(({ args }) => args.to === buyer.address)
      .reduce((total, { args }) => total + args.value, 0n);
    expect(got).to.equal(sum(bids, ({ energy }) => energy));
  });
});
