import { expect } from "chai";
import { LOCAL_ACCOUNTS } from "../../deploy/zone.ts";
import { costUp, paymentDown } from "../../protocol/src/price.ts";
import { endOf, slotOf } from "../../protocol/src/slots.ts";
import { until, type World } from "../system/world.ts";

export const PRICE = 123_000n; // per kWh; a multiple of no round number on purpose
/** The tests' seller and buyer. */
export const SELLER = 2;
export const BUYER = 1;
/** The contacts between them. */
export const PATH = [
  [SELLER, "discharge"],
  [BUYER, "charge"],
] as const;
/** A meter shows whole units, and the chain knows it as of its last reading. */
const UNITS_OFF = 4;

type Truth = Awaited<ReturnType<World["truth"]>>;

/** Two households with their oracles and money to spend. */
export async function openWorld(world: World, oracles: readonly number[] = [BUYER, SELLER]): Promise<void> {
  await Promise.all(oracles.map((n) => world.startOracle(n)));
  await world.deposit(BUYER, 100_000_000n);
}

/** Everybody's books at one moment; later ones are held against them. */
export class Books {
  /** The physics of then. */
  readonly truth: Truth;
  readonly #world: World;
  readonly #money: Balances;
  readonly #deliveries: bigint;
  readonly #slot: number;

  private constructor(world: World, then: { truth: Truth; money: Balances; deliveries: bigint; slot: number }) {
    this.#world = world;
    this.truth = then.truth;
    this.#money = then.money;
    this.#deliveries = then.deliveries;
    this.#slot = then.slot;
  }

  static async open(world: World): Promise<Books> {
    const { market } = await world.contracts();
    const [money, truth, deliveries] = [await balances(world), await world.truth(), await market.deliveryCount()];
    return new Books(world, { truth, money, deliveries, slot: slotAt(world, (await world.now()) * 1_000) });
  }

  /** As if nothing had been bought since: relays are open, nobody has paid, and what the meters have counted is booked. */
  async expectNoTrade(): Promise<void> {
    const world = this.#world;
    const { market } = await world.contracts();
    await this.expectOpen();
    await this.expectMoney({ earned: 0n, spent: 0n });
    expect(await market.deliveryCount(), "deliveries").to.equal(this.#deliveries);
    await this.expectRegisters();
    await this.expectBooked(this.#slot, slotAt(world, (await world.now()) * 1_000));
  }

  /** @param welded a household whose contact cannot open. */
  async expectOpen(welded?: number): Promise<void> {
    for (const [n, name] of PATH) if (n !== welded) await this.#world.opened(n, name);
  }

  /** Seller and buyer have so much more and less since then, nothing is held back, and the sum is what it was. */
  async expectMoney({ earned, spent }: { earned: bigint; spent: bigint }): Promise<void> {
    const { market, vault } = await this.#world.contracts();
    const money = await balances(this.#world);
    expect(money.seller - this.#money.seller, "the seller's gain").to.equal(earned);
    expect(this.#money.buyer - money.buyer, "the buyer's cost").to.equal(spent);
    expect(await vault.pot(await market.getAddress()), "held back by the market").to.equal(0n);
    expect(money.held, "money in the vault").to.equal(this.#money.held);
    expect(money.sum, "money of everybody").to.equal(money.held);
  }

  /**
   * Registers on chain are the meters'.
   * @param ahead what the seller's register of export on chain shows more than its meter, Wh.
   */
  async expectRegisters(ahead = 0): Promise<void> {
    const world = this.#world;
    const { registry } = await world.contracts();
    for (const n of [SELLER, BUYER]) {
      const more = n === SELLER ? ahead : 0;
      await until(`meter ${n} on chain to show what flowed`, async () => {
        const { meter } = (await world.truth()).households[n - 1]!;
        const { imported, exported } = await registry.meterOf(n);
        return near(Number(exported), meter.exportedWh + more) && near(Number(imported), meter.importedWh);
      });
    }
  }

  /**
   * Readings are in order, none is there twice. In every slot, from the first to the one before the last, energy is booked
   * that signed registers prove, all of it and no more; what is not booked came after the grace or lies in a gap with a name.
   */
  async expectBooked(first: number, last: number): Promise<void> {
    const { registry } = await this.#world.contracts();
    const upTo = endOf(last - 1, this.#world.zone.slotDuration);
    for (const n of [SELLER, BUYER]) {
      await until(`readings of meter ${n}`, async () => (await registry.meterOf(n)).lastTakenAt >= upTo);
      const { proven, gaps } = await provenEnergy(this.#world, n, first, last);
      for (let slot = first; slot < last; slot++) {
        const { exported, imported, complete } = await registry.energyIn(n, slot);
        const energy = proven.get(slot) ?? { exported: 0n, imported: 0n };
        expect({ exported, imported }, `booked in slot ${slot} of meter ${n}`).to.deep.equal(energy);
        if (!gaps.has(slot)) expect(complete, `slot ${slot} of meter ${n} is complete`).to.equal(true);
      }
    }
  }
}

/** A purchase, and everybody's books before it. */
export class Trade {
  readonly id: bigint;
  readonly energy: bigint;
  /** Unix ms. */
  readonly boughtAt: number;
  readonly #world: World;
  readonly #books: Books;

  private constructor(world: World, books: Books, purchase: Pick<Trade, "id" | "energy" | "boughtAt">) {
    this.#world = world;
    this.#books = books;
    this.id = purchase.id;
    this.energy = purchase.energy;
    this.boughtAt = purchase.boughtAt;
  }

  static async make(world: World, energy: bigint, seconds = 150): Promise<Trade> {
    await newSlot(world);
    const books = await Books.open(world);
    const listing = await world.list(SELLER, energy, PRICE);
    const boughtAt = Date.now();
    const id = await world.buy(listing, BUYER, energy, seconds);
    return new Trade(world, books, { id, energy, boughtAt });
  }

  /** Waits until so much has really left the seller, Wh. */
  async flowed(wh: number): Promise<void> {
    await until(`${wh} Wh to flow`, async () => (await this.sent()) >= wh, 90);
  }

  /** What has really left the seller since the purchase, Wh. */
  async sent(): Promise<number> {
    const sentWh = ({ households }: Truth) => households[SELLER - 1]!.sentWh;
    return sentWh(await this.#world.truth()) - sentWh(this.#books.truth);
  }

  closed(seconds = 260) {
    return this.#world.closed(this.id, seconds);
  }

  /** Movements of a contact since the purchase. */
  async moves(n: number, name: "charge" | "discharge") {
    return (await this.#world.contact(n, name)).history.filter(({ at }) => at >= this.boughtAt);
  }

  /** As `expectPaid` and `expectCovered`; and registers on chain are the meters', see `Books.expectRegisters`. */
  async expectBalanced({ ahead, ...options }: { welded?: number; ahead?: number } = {}): Promise<bigint> {
    const delivered = await this.expectPaid(options);
    await this.#books.expectRegisters(ahead);
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
    const { market } = await this.#world.contracts();
    const { delivered, price, gridFee } = await this.closed();
    expect(delivered <= this.energy, `${delivered} of ${this.energy} units`).to.equal(true);
    expect(Number(delivered), "no more than what flowed").to.be.at.most(Math.ceil(await this.sent()) + this.#rounded());
    await this.#books.expectOpen(welded);
    const closings = () => market.queryFilter(market.filters.DeliveryClosed(this.id));
    // A busy node may show the state before the event that tells of it.
    await until("the event of the closing", async () => (await closings()).length > 0, 10);
    expect(await closings(), "closed once").to.have.length(1);
    await this.#books.expectMoney({
      earned: paymentDown(delivered, price, 1_000n),
      spent: costUp(delivered, price + gridFee, 1_000n),
    });
    return delivered;
  }

  /**
   * Whole units that may be counted too much. Registers are cut to whole units, so the difference of two exceeds what flowed
   * by less than one. Differences of one chain of readings add up to a single one; each restart begins another chain.
   */
  #rounded(): number {
    const restarts = this.#world.logged(SELLER, "readings.restart");
    return restarts.filter(({ takenAt }) => Number(takenAt) * 1_000 >= this.boughtAt).length;
  }

  /** Every slot of the delivery is booked, see `Books.expectBooked`. */
  async expectCovered(): Promise<void> {
    const { market } = await this.#world.contracts();
    const { startSlot, deadlineSlot } = await this.closed();
    // A keeper closes what is complete before its deadline, and leaves the deadline as it is.
    const [closing] = await market.queryFilter(market.filters.DeliveryClosed(this.id));
    const closedIn = slotAt(this.#world, (await closing!.getBlock()).timestamp * 1_000);
    await this.#books.expectBooked(Number(startSlot), Math.min(Number(deadlineSlot), closedIn));
  }
}

/** What flowed too much in the slot of a purchase may be sold with it: a trade's own books begin with a slot. */
async function newSlot(world: World): Promise<void> {
  const { households } = await world.truth();
  const movements = households.flatMap(({ contacts }) => Object.values(contacts).flatMap(({ history }) => history));
  const last = Math.max(0, ...movements.map(({ at }) => at));
  await until("a new slot", async () => slotAt(world, (await world.now()) * 1_000) > slotAt(world, last + 1_000));
}

interface Energy {
  exported: bigint;
  imported: bigint;
}

/**
 * What a meter's readings on chain prove for each slot, and the slots they do not cover. Where the chain of readings begins
 * anew, its oracle has said so; a reading that came after the grace moves registers, and proves nothing.
 */
async function provenEnergy(
  world: World,
  n: number,
  first: number,
  last: number,
): Promise<{ proven: Map<number, Energy>; gaps: Set<number> }> {
  const { registry } = await world.contracts();
  const { slotDuration, grace } = world.zone;
  const readings = await registry.queryFilter(registry.filters.ReadingAccepted(n));
  const rebased = await registry.queryFilter(registry.filters.Rebased(n));
  const times = readings.map(({ args }) => args.takenAt);
  const inOrder = [...new Set(times)].sort((a, b) => Number(a - b));
  expect(times, `meter ${n}'s readings in order, none twice`).to.deep.equal(inOrder);
  const begunAnew = new Set(rebased.map(({ args }) => args.takenAt));
  const named = new Set(world.logged(n, "readings.restart").map(({ takenAt }) => BigInt(takenAt as number)));

  const proven = new Map<number, Energy>();
  const gaps = new Set<number>();
  for (const [i, reading] of readings.entries()) {
    const { takenAt, exported, imported } = reading.args;
    const slot = Number(reading.args.slot);
    const before = readings[i - 1]?.args;
    const slotBefore = before ? slotAt(world, Number(before.takenAt) * 1_000) : -Infinity;
    if (slot < first || slotBefore >= last) continue;
    if (begunAnew.has(takenAt)) {
      expect(named.has(takenAt), `a name for the gap before ${takenAt} at meter ${n}`).to.equal(true);
      for (let unread = Math.max(first, slotBefore); unread <= slot; unread++) gaps.add(unread);
    } else if ((await reading.getBlock()).timestamp > endOf(slot, slotDuration) + grace) {
      gaps.add(slot);
    } else {
      const since = Number(before!.takenAt);
      expect(since, `the reading before ${takenAt} at meter ${n}`).to.be.at.least(endOf(slot - 1, slotDuration));
      const sum = proven.get(slot) ?? { exported: 0n, imported: 0n };
      sum.exported += exported - before!.exported;
      sum.imported += imported - before!.imported;
      proven.set(slot, sum);
    }
  }
  return { proven, gaps };
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
