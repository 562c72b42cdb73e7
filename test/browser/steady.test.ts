/// <reference lib="dom" />
import { expect } from "chai";
import type { Page } from "playwright-core";
import { QUICK_ZONE, until } from "../system/world.ts";
import { Dapp, type Visitor } from "./dapp.ts";
import { watchRequests } from "./requests.ts";
import { type ShiftWindow, watchShifts } from "./shifts.ts";
import { connect, expectClean, on, PAGES } from "./steps.ts";

const BLOCKS = 20;
const [BUYER, SELLER] = [1, 2];
const MOST_SHIFT = 0.05;
/** A call of the newest block, as JSON-RPC names it. */
const LATEST = '"latest"';

/** A page that stays open while the chain goes on. */
describe("a page that stays open for twenty blocks", () => {
  let dapp: Dapp;
  let visitor: Visitor;
  let page: Page;

  before(async () => {
    dapp = await Dapp.start({ households: 2, oracles: false });
    await dapp.world.deposit(BUYER, 20_000_000n);
    visitor = await dapp.visit(BUYER);
    page = visitor.page;
    await page.addInitScript(watchShifts);
    await connect(page);
    // A delivery that runs all the while: nobody is there to switch a relay for it.
    const { market } = await dapp.world.contracts();
    const ids = Array.from({ length: Number(await market.listingCount()) }, (_, i) => BigInt(i + 1));
    const offers = await Promise.all(ids.map(async (id) => ({ id, offer: await market.listingOf(id) })));
    const offer = offers.find((each) => Number(each.offer.meterId) === SELLER)!;
    await dapp.world.buy(offer.id, BUYER, 100n, QUICK_ZONE.maxDelivery - QUICK_ZONE.slotDuration);
  });

  after(() => dapp?.stop());

  it("asks whether a delivery is really to end, in a dialog that everybody can use", async () => {
    const { at, go } = on(page);
    await go("deliveries");
    await at("delivery-close").click();
    await at("end-dialog").waitFor();
    await expectClean(page, "the dialog to end a delivery");
    await page.keyboard.press("Escape");
    await at("end-dialog").waitFor({ state: "detached" });
  });

  for (const name of PAGES) {
    it(`${name} reads at most once in a block, in one multicall, and does not jump`, async () => {
      const { provider } = dapp.world.ethers;
      await page.goto(new URL(name === "market" ? "/" : `/${name}`, dapp.url).href);
      await page.locator("h1").first().waitFor();
      await page.waitForTimeout(3_000); // what never changes has been read then
      const first = await provider.getBlockNumber();
      const firstSlot = Math.floor((await dapp.world.now()) / QUICK_ZONE.slotDuration);
      const watch = watchRequests(page, dapp.world.rpcUrl);
      await until("the blocks", async () => (await provider.getBlockNumber()) >= first + BLOCKS);
      const reads = watch.stop();
      const blocks = (await provider.getBlockNumber()) - first;
      const slots = Math.floor((await dapp.world.now()) / QUICK_ZONE.slotDuration) - firstSlot;
      // With every block, and when a slot begins: between two blocks, or in the moment of one.
      const most = blocks + slots + 1;
      expect(reads.length, JSON.stringify(reads.map(({ methods }) => methods))).to.be.at.most(most);
      expect(reads.length).to.be.greaterThan(BLOCKS / 2);
      const calls = reads.flatMap(({ calledAt }) => calledAt);
      expect(calls.filter((at) => at === LATEST).length).to.be.at.most(most);
      // Figures as of an earlier block are a call of their own.
      for (const { calledAt } of reads) {
        const earlier = calledAt.filter((at) => at !== LATEST);
        expect(earlier).to.deep.equal([...new Set(earlier)]);
      }
      const { total, jumps } = await page.evaluate(() => (window as never as ShiftWindow).shifts);
      expect(total, jumps.join("; ")).to.be.below(MOST_SHIFT);
      expect(await page.locator("tbody tr").count()).to.be.at.most(100);
    });
  }

  it("has thrown no error in the page", () => expect(visitor.problems).to.deep.equal([]));
});
