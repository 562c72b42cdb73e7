import { expect } from "chai";
import { LOCAL_ACCOUNTS } from "../../deploy/zone.ts";
import { costUp, paymentDown } from "../../protocol/src/price.ts";
import { endOf, slotOf } from "../../protocol/src/slots.ts";
import { until, type World } from "../system/world.ts";

export const PRICE = 123_000n; // per kWh; a multiple of no round number on purpose
/** The tests' seller and buyer. */
export const SELLER = 2;
export const BUYER = 1;
/** A meter shows whole units, and the chain knows it as of its last reading. */
const UNITS_OFF = 4;

type Truth = Awaited<ReturnType<World["truth"]>>;

/** Two households with their oracles and money to spend. */
export async function openWorld(world: World, oracles: readonly number[] = [BUYER, SELLER]): Promise<void> {
  await Promise.all(oracles.map((n) => world.startOracle(n)));
  await world.deposit(BUYER, 100_000_000n);
}

/** Everybody's books before a purchase, and the purchase; held against the books after it by `expectBalanced`. */
export class Trade {
  readonly id: bigint;
  readonly energy: bigint;
  /** Unix ms. */
  readonly boughtAt: number;
  readonly before: Truth;
  readonly #world: World;
  readonly #money: Balances;

  private constructor(world: World, purchase: Pick<Trade, "id" | "energy" | "boughtAt" | "before">, money: Balances) {
    this.#world = world;
    this.id = purchase.id;
    this.energy = purchase.energy;
    this.boughtAt = purchase.boughtAt;
    this.before = purchase.before;
    this.#money = money;
  }

  static async make(world: World, energy: bigint, seconds = 150): Promise<Trade> {
    await newSlot(world);
    const [money, before] = [await balances(world), await world.truth()];
    const listing = await world.list(SELLER, energy, PRICE);
    const boughtAt = Date.now();
    const id = await world.buy(listing, BUYER, energy, seconds);
    return new Trade(world, { id, energy, boughtAt, before }, money);
  }

  /** Waits until so much has really left the seller, Wh. */
  async flowed(wh: number): Promise<void> {
    await until(`${wh} Wh to flow`, async () => (await this.sent()) >= wh, 90);
  }

  /** What has really left the seller since the purchase, Wh. */
  async sent(): Promise<number> {
    return (await this.#world.truth()).households[SELLER - 1]!.sentWh - this.before.households[SELLER - 1]!.sentWh;
  }

  closed(seconds = 260) {
    return this.#world.closed(this.id, seconds);
  }

  /** Movements of a contact since the purchase. */
  async moves(n: number, name: "charge" | "discharge") {
    return (await this.#world.contact(n, name)).history.filter(({ at }) => at >= this.boughtAt);
  }

  /**
   * As `expectPaid` and `expectCovered`; and registers on chain are the meters'.
   * @param ahead what the seller's register of export on chain shows more than its meter, Wh.
   */
  async expectBalanced({ ahead = 0, ...options }: { welded?: number; ahead?: number } = {}): Promise<bigint> {
    const delivered = await this.expectPaid(options);
    await this.#expectRegisters(ahead);
    await this.expectCovered();
    return delivered;
  }

  /**
   * The delivery is closed, once; relays are open, no more than what flowed is paid, and all money is accounted for, to
   * the unit.
   * @param welded a household whose contact cannot open.
   * @returns units that were delivered.
   */
  async expectPaid({ welded }: { welded?: number } = {}): Promise<bigint> {
    const world = this.#world;
    const { market, vault } = await world.contracts();
    const { delivered, price, gridFee } = await this.closed();
    expect(delivered <= this.energy, `${delivered} of ${this.energy} units`).to.equal(true);
    expect(Number(delivered), "no more than what flowed").to.be.at.most(Math.ceil(await this.sent()));
    if (welded !== SELLER) await world.opened(SELLER, "discharge");
    if (welded !== BUYER) await world.opened(BUYER, "charge");
    expect(await market.queryFilter(market.filters.DeliveryClosed(this.id)), "closed once").to.have.length(1);

    const money = await balances(world);
    expect(money.seller - this.#money.seller, "the seller's gain").to.equal(paymentDown(delivered, price, 1_000n));
    expect(this.#money.buyer - money.buyer, "the buyer's cost").to.equal(costUp(delivered, price + gridFee, 1_000n));
    expect(await vault.pot(await market.getAddress())).to.equal(0n);
    expect(money.held, "money in the vault").to.equal(this.#money.held);
    expect(money.sum, "money of everybody").to.equal(money.held);
    return delivered;
  }

  async #expectRegisters(ahead: number): Promise<void> {
    const world = this.#world;
    const { registry } = await world.contracts();
    for (const n of [SELLER, BUYER]) {
      const { meter } = (await world.truth()).households[n - 1]!;
      const more = n === SELLER ? ahead : 0;
      await until(`meter ${n} on chain to show what flowed`, async () => {
        const { imported, exported } = await registry.meterOf(n);
        return near(Number(exported), meter.exportedWh + more) && near(Number(imported), meter.importedWh);
      });
    }
  }

  /** Readings are in order, none is there twice, and every slot is covered by them or in a gap that has a name. */
  async expectCovered(): Promise<void> {
    const world = this.#world;
    const { registry, market } = await world.contracts();
    const { startSlot, deadlineSlot } = await this.closed();
    // A keeper closes what is complete before its deadline, and leaves the deadline as it is.
    const [closing] = await market.queryFilter(market.filters.DeliveryClosed(this.id));
    const closedIn = slotAt(world, (await closing!.getBlock()).timestamp * 1_000);
    const end = Math.min(Number(deadlineSlot), closedIn);
    for (const n of [SELLER, BUYER]) {
      const readings = await registry.queryFilter(registry.filters.ReadingAccepted(n));
      const times = readings.map(({ args }) => args.takenAt);
      expect(times, `meter ${n}'s readings in order, none twice`).to.deep.equal(
        [...new Set(times)].sort((a, b) => Number(a - b)),
      );
      const named = namedGaps(world, n, times.map(Number));
      for (let slot = Number(startSlot) + 1; slot < end; slot++) {
        if (named.has(slot) || (await isLate(world, readings, slot))) continue;
        expect((await registry.energyIn(n, slot)).complete, `slot ${slot} of meter ${n}`).to.equal(true);
      }
    }
  }
}

/** What flowed too much in the slot of a purchase may be sold with it: a trade's own books begin with a slot. */
async function newSlot(world: World): Promise<void> {
  const { households } = await world.truth();
  const movements = households.flatMap(({ contacts }) => Object.values(contacts).flatMap(({ history }) => history));
  const last = Math.max(0, ...movements.map(({ at }) => at));
  await until("a new slot", async () => slotAt(world, (await world.now()) * 1_000) > slotAt(world, last + 1_000));
}

/** Slots that an oracle has named as not covered: from the reading before each restart of the chain of readings to it. */
function namedGaps(world: World, n: number, accepted: readonly number[]): Set<number> {
  const slots = new Set<number>();
  for (const { takenAt } of world.logged(n, "readings.restart")) {
    const to = Number(takenAt);
    const from = accepted.filter((time) => time < to).at(-1) ?? to;
    for (let slot = slotAt(world, from * 1_000); slot <= slotAt(world, to * 1_000); slot++) slots.add(slot);
  }
  return slots;
}

/** Whether readings of a slot are on chain, but came after the grace: they move registers, and book nothing. */
async function isLate(
  world: World,
  readings: readonly { args: { slot: bigint }; getBlock(): Promise<{ timestamp: number }> }[],
  slot: number,
): Promise<boolean> {
  const { slotDuration, grace } = world.zone;
  const own = readings.filter(({ args }) => Number(args.slot) === slot);
  const blocks = await Promise.all(own.map((reading) => reading.getBlock()));
  return blocks.some(({ timestamp }) => timestamp > endOf(slot, slotDuration) + grace);
}

/** Slot of an instant, Unix ms. */
export function slotAt(world: World, unixMs: number): number {
  return slotOf(Math.floor(unixMs / 1_000), world.zone.slotDuration);
}

interface Balances {
  seller: bigint;
  buyer: bigint;
  /** What the vault holds of the token, and what it owes to all accounts. */
  held: bigint;
  sum: bigint;
}

async function balances(world: World): Promise<Balances> {
  const { vault, money, market, auction } = await world.contracts();
  const signers = await world.ethers.getSigners();
  const free = await Promise.all(signers.slice(0, 10).map((account) => vault.free(account)));
  const pots = await Promise.all([market, auction].map(async (each) => vault.pot(await each.getAddress())));
  return {
    seller: free[LOCAL_ACCOUNTS.firstHousehold + SELLER - 1]!,
    buyer: free[LOCAL_ACCOUNTS.firstHousehold + BUYER - 1]!,
    held: await money.balanceOf(await vault.getAddress()),
    sum: [...free, ...pots].reduce((a, b) => a + b, 0n),
  };
}

function near(shown: number, counted: number): boolean {
  return shown <= counted && shown >= counted - UNITS_OFF;
}
