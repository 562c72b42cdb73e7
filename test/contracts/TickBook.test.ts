/** The crossing of a bare book against the reference, on random books: `npm run prove:books` crosses more of them. */
import { expect } from "chai";
import type { TickBookHarness } from "../../types/contracts/index.ts";
import { ethers } from "./fixture.ts";
import { CROSSED_BOOKS, draws, drawBook, KIND_NAMES, tell } from "./auction-books.ts";
import { clear, levelOf, type Order, type Outcome, type Rules, Side } from "./auction-reference.ts";
import { RULES } from "./auction-zone.ts";

const PER_CALL = 50;
type Crossing = Awaited<ReturnType<TickBookHarness["crossAll"]["staticCall"]>>[number];
const UINT32_MAX = 2n ** 32n - 1n;

describe("a tick's total in TickBook", () => {
  it("can be full to the last unit, and not one more", async () => {
    const harness = await ethers.deployContract("TickBookHarness");
    await harness.replace(127, 0, UINT32_MAX);
    expect(await harness.totalAt(127)).to.equal(UINT32_MAX);
    const overflow = harness.replace(127, 0, 1);
    await expect(overflow).to.be.revertedWithCustomError(harness, "TickFull").withArgs(127, UINT32_MAX, 1);
    await harness.replace(127, UINT32_MAX, UINT32_MAX);
  });
});

describe(`TickBook crosses ${CROSSED_BOOKS} random books`, () => {
  const times = { crossed: 0, matched: 0, rationed: 0 };
  after(() => tell(times));

  const tall: Rules = { ...RULES, feedInTick: 0, retailTick: 127, feeTicks: 0 };
  for (const rules of [RULES, tall, { ...RULES, feeTicks: 37 }]) {
    const range = `${rules.feedInTick} to ${rules.retailTick}, fee ${rules.feeTicks}`;
    it(`with ticks from ${range}`, async function () {
      this.timeout(1_200_000);
      const harness = await ethers.deployContract("TickBookHarness");
      const draw = draws(rules.feeTicks + 1);
      for (let done = 0; done < CROSSED_BOOKS / 3; done += PER_CALL) {
        const books = Array.from({ length: PER_CALL }, (_, i) => {
          const kind = KIND_NAMES[(done + i) % KIND_NAMES.length]!;
          const most = kind === "as large as can be" ? Number(UINT32_MAX) : 10 ** (2 + draw(6));
          const book = drawBook(draw, kind, { meters: 1_000, orders: 2 ** (1 + draw(7)), least: 1, most }, rules);
          return withinTotals(book, rules);
        });
        const answers = await harness.crossAll.staticCall(
          books.map((book) => packed(book, rules)),
          rules.feedInTick,
          rules.retailTick - rules.feeTicks,
        );
        for (const [i, book] of books.entries()) compare(book, clear(book, rules), answers[i]!, rules);
      }
    });
  }

  /** Leaves out what a tick total has no room for. */
  function withinTotals(book: Order[], rules: Rules): Order[] {
    const totals = new Map<string, bigint>();
    return book.filter((order) => {
      const key = `${order.side}/${levelOf(order, rules)}`;
      const total = (totals.get(key) ?? 0n) + order.energy;
      if (total <= UINT32_MAX) totals.set(key, total);
      return total <= UINT32_MAX;
    });
  }

  function packed(book: Order[], rules: Rules) {
    const sides = [Side.Bid, Side.Ask].map((side) => {
      const words = Array.from({ length: 16 }, () => 0n);
      for (const order of book.filter((each) => each.side === side)) {
        const level = levelOf(order, rules);
        words[level >> 3]! += order.energy << BigInt(32 * (level & 7));
      }
      return { words };
    });
    return { bids: sides[0]!, asks: sides[1]! };
  }

  function compare(book: Order[], { volume, priceTick, fills }: Outcome, crossing: Crossing, rules: Rules): void {
    times.crossed++;
    expect([crossing.volume, crossing.priceTick]).to.deep.equal([volume, BigInt(priceTick)]);
    if (volume === 0n) return;
    times.matched++;
    if (crossing.askFilled < crossing.askTotal || crossing.bidFilled < crossing.bidTotal) times.rationed++;
    let bought = 0n;
    for (const order of book) {
      const isBid = order.side === Side.Bid;
      const margin = isBid ? crossing.bidTick : crossing.askTick;
      const level = BigInt(levelOf(order, rules));
      const better = isBid ? level > margin : level < margin;
      const [part, whole] = isBid ? [crossing.bidFilled, crossing.bidTotal] : [crossing.askFilled, crossing.askTotal];
      const filled = level === margin ? (order.energy * part) / whole : better ? order.energy : 0n;
      expect(filled).to.equal(fills.get(order)!.down());
      if (isBid) bought += filled;
      // No better-priced order is left out, and nobody trades beyond his limit.
      if (isBid ? level > BigInt(priceTick) : level < BigInt(priceTick)) expect(filled).to.equal(order.energy);
      if (filled > 0n) expect(isBid ? level >= BigInt(priceTick) : level <= BigInt(priceTick)).to.equal(true);
    }
    expect(bought <= volume).to.equal(true);
  }
});
