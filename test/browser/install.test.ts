/// <reference lib="dom" />
import { gzipSync } from "node:zlib";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { until } from "../system/world.ts";
import { Dapp, type Visitor } from "./dapp.ts";
import { connect, on } from "./steps.ts";

const SELLER = 2;
const FIRST_LOAD_KB = 250;

describe("the dApp on a phone's home screen", () => {
  let dapp: Dapp;
  let visitor: Visitor;
  let page: Page;

  before(async () => {
    dapp = await Dapp.start({ households: 2 });
    visitor = await dapp.visit(SELLER, { width: 360, height: 740, serviceWorkers: "allow" });
    page = visitor.page;
  });

  after(() => dapp?.stop());

  it(`loads less than ${FIRST_LOAD_KB} kB before it shows its first page`, async () => {
    const fresh = await dapp.visit(SELLER);
    await on(fresh.page).at("offer-price").first().waitFor();
    const loaded = await fresh.page.evaluate(() => performance.getEntriesByType("resource").map(({ name }) => name));
    const own = [dapp.url, ...loaded.filter((url) => url.startsWith(dapp.url))];
    const bodies = await Promise.all(own.map(async (url) => (await fresh.page.request.get(url)).body()));
    const sizes = bodies.map((body) => gzipSync(body).length);
    expect(sizes.length).to.be.greaterThan(3);
    expect(sizes.reduce((a, b) => a + b) / 1_000).to.be.below(FIRST_LOAD_KB);
    await fresh.page.close();
  });

  it("can be installed", async () => {
    const browser = await page.context().newCDPSession(page);
    const manifest = await browser.send("Page.getAppManifest");
    expect(manifest.errors).to.deep.equal([]);
    const { icons, display, start_url: start } = JSON.parse(manifest.data!) as Record<string, unknown>;
    expect({ display, start }).to.deep.equal({ display: "standalone", start: "/" });
    for (const { src, sizes } of icons as { src: string; sizes: string }[]) {
      const response = await page.request.get(new URL(src, dapp.url).href);
      expect(response.ok(), `${src} (${sizes})`).to.equal(true);
    }
    expect(await page.evaluate(async () => (await navigator.serviceWorker.ready).active?.state)).to.match(/activat/);
  });

  it("opens without a network, says so, and goes on by itself", async () => {
    await until("the worker to have the page", () =>
      page.evaluate(() => navigator.serviceWorker.controller !== null || undefined),
    );
    await page.reload();
    await on(page).at("connect").waitFor();
    await page.context().setOffline(true);
    await page.reload();
    await page.getByText("No connection").waitFor();
    await page.context().setOffline(false);
    await on(page).at("connect").waitFor({ timeout: 30_000 });
  });

  it("says so where the browser allows no messages outside of the page", async () => {
    await connect(page);
    const { at } = on(page);
    await at("news").click();
    // The browser under test has no system to give them to.
    await at("news-system-blocked").waitFor();
    await page.keyboard.press("Escape");
  });

  it("has thrown no error in the page", () => expect(visitor.problems).to.deep.equal([]));
});
