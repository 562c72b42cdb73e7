/// <reference lib="dom" />
import { expect } from "chai";
import type { Page } from "playwright-core";
import { until } from "../system/world.ts";
import { Dapp, type Visitor } from "./dapp.ts";
import { type ShiftWindow, watchShifts } from "./shifts.ts";
import { expectClean, on, PAGES, plain, SIZES } from "./steps.ts";

const HOUSEHOLDS = 2;
const BUYER = 1;
/** More controls than any page has. */
const MOST_TABS = 120;
/** What a page may jump while it loads: "good" is below 0.1 (web.dev/articles/cls). */
const MOST_SHIFT = 0.05;

describe("the page without a mouse, without motion, without jumps", () => {
  let dapp: Dapp;
  let visitor: Visitor;
  let page: Page;

  /** The test id of what has the keyboard, or of what it lies in. */
  const focused = () =>
    page.evaluate(() => document.activeElement?.closest("[data-testid]")?.getAttribute("data-testid") ?? null);
  /**
   * Where the keyboard is. From its last control a dialog hands it to the browser's own bar, which is the page's body
   * here, and gets it back with the next Tab: from anywhere else, or for longer, it would have escaped.
   */
  const placeIn = (id: string) =>
    page.evaluate((of) => {
      const active = document.activeElement;
      if (active === document.body) return "bar";
      const dialog = active?.closest(`[data-testid="${of}"]`);
      if (!dialog) return "page behind";
      const controls = [...dialog.querySelectorAll("button, a[href], input, select, textarea, summary")];
      return active === controls.filter((each) => !each.matches(":disabled")).at(-1) ? "last control" : "inside";
    }, id);

  async function tabTo(id: string): Promise<void> {
    for (let i = 0; i < MOST_TABS; i++) {
      await page.keyboard.press("Tab");
      if ((await focused()) === id) return;
    }
    throw new Error(`${MOST_TABS} times Tab did not lead to ${id}`);
  }

  before(async () => {
    dapp = await Dapp.start({ households: HOUSEHOLDS });
    await dapp.world.deposit(BUYER, 20_000_000n);
    visitor = await dapp.visit(BUYER);
    page = visitor.page;
  });

  after(() => dapp?.stop());

  it("lets the keyboard skip the navigation", async () => {
    await on(page).at("connect").waitFor();
    await page.keyboard.press("Tab");
    await page.keyboard.press("Enter");
    expect(await page.evaluate(() => document.activeElement?.id)).to.equal("content");
  });

  it("keeps the keyboard in an open dialog, closes it with Escape and gives the keyboard back", async () => {
    await page.reload();
    await tabTo("connect");
    await page.keyboard.press("Enter");
    await on(page).at("wallet-dialog").waitFor();
    const places = new Set<string | null>();
    let before = await placeIn("wallet-dialog");
    for (let i = 0; i < 20; i++) {
      await page.keyboard.press("Tab");
      const place = await placeIn("wallet-dialog");
      expect(place, `after ${i + 1} times Tab`).to.be.oneOf(
        before === "last control" ? ["bar", "inside", "last control"] : ["inside", "last control"],
      );
      before = place;
      places.add(await focused());
    }
    expect([...places]).to.include("wallet-option");
    await page.keyboard.press("Escape");
    await on(page).at("wallet-dialog").waitFor({ state: "detached" });
    expect(await focused()).to.equal("connect");
  });

  it("connects, buys and comes to the running delivery with the keyboard alone", async () => {
    const { at } = on(page);
    await page.keyboard.press("Enter");
    await at("wallet-dialog").waitFor();
    // Demo households come after the wallets of the browser.
    await tabTo("wallet-option");
    await page.keyboard.press("Enter");
    await at("account").waitFor();

    await at("buy-cheapest").waitFor();
    await page.evaluate(() => (document.activeElement as HTMLElement | null)?.blur());
    await tabTo("buy-cheapest");
    await page.keyboard.press("Enter");
    await at("buy-dialog").waitFor();
    if ((await focused()) !== "buy-energy") await tabTo("buy-energy");
    await page.keyboard.press("ControlOrMeta+A");
    await page.keyboard.type("0.05");
    await until("the button to say what it does", async () =>
      plain(await at("buy-confirm").innerText()).includes("0.05 kWh"),
    );
    await tabTo("buy-confirm");
    await page.keyboard.press("Enter");
    await at("delivery-card").waitFor();
    expect(visitor.wallet.prompts.map(({ kind }) => kind)).to.deep.equal(["connect", "transaction"]);
    expect(await (await dapp.world.contracts()).market.deliveryCount()).to.equal(1n);
  });

  it("moves nothing for somebody who does not want motion", async () => {
    const { at } = on(page);
    const longest = () =>
      page.evaluate(() =>
        Math.max(
          ...[...document.querySelectorAll("*")].flatMap((element) => {
            const { animationName, animationDuration, transitionDuration } = getComputedStyle(element);
            const seconds = (list: string) => list.split(",").map((each) => parseFloat(each));
            return [...(animationName === "none" ? [] : seconds(animationDuration)), ...seconds(transitionDuration)];
          }),
        ),
      );
    await at("account").click();
    await at("wallet-dialog").waitFor();
    expect(await longest(), "with motion").to.be.greaterThan(0.1);
    await page.emulateMedia({ reducedMotion: "reduce" });
    expect(await longest(), "without").to.be.below(0.001);
    await page.emulateMedia({ reducedMotion: null });
    await page.keyboard.press("Escape");
  });

  it("has no accessibility violations in its dialogs, in light and dark, on a desktop and a phone", async () => {
    const { at, go } = on(page);
    await at("account").click();
    await expectClean(page, "the account's dialog");
    await page.keyboard.press("Escape");
    await at("news").click();
    await expectClean(page, "the news");
    await page.keyboard.press("Escape");
    await go("market");
    await at("sell-open").click();
    await expectClean(page, "the dialog to sell");
    await page.keyboard.press("Escape");
  });

  for (const [width, height] of SIZES) {
    it(`hardly jumps while a page loads, at ${width} px`, async () => {
      await page.setViewportSize({ width, height });
      await page.addInitScript(watchShifts);
      for (const name of PAGES) {
        await page.goto(new URL(name === "market" ? "/" : `/${name}`, dapp.url).href);
        await page.locator("h1").first().waitFor();
        // Figures of the chain and of the oracles come in within a few of its blocks.
        await page.waitForTimeout(5_000);
        const { worst, jumps } = await page.evaluate(() => (window as never as ShiftWindow).shifts);
        expect(worst, `${name}: ${jumps.join("; ")}`).to.be.below(MOST_SHIFT);
      }
    });
  }

  it("has thrown no error in the page", () => expect(visitor.problems).to.deep.equal([]));
});
