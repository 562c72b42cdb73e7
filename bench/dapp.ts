/**
 * `npm run bench:dapp`: how the published page copes with a thousand offers and ten thousand past trades. Rows and blocks
 * are counted and must hold; times depend on the machine and are only written down.
 */
import type { Page } from "playwright-core";
import { DEMO_ZONE } from "../deploy/zone.ts";
import { Dapp } from "../test/browser/dapp.ts";
import { watchRequests } from "../test/browser/requests.ts";
import { connect, on } from "../test/browser/steps.ts";
import { until } from "../test/system/world.ts";
import { OFFERS, TRADES, tradeALot } from "./crowd.ts";
import { type Figure, publish } from "./report.ts";

const VISITOR = 2;
/** Pages and what is on them when they have read the chain. */
const PAGES = {
  market: "listing-row",
  auction: "auction-slot",
  deliveries: "ended-row",
  energy: "energy-flow",
  wallet: "history-row",
  bills: "bill-row",
} as const;
const MOST_ROWS = 100;
const MOST_MS = 1_000;
/** As `KEEP_EVERY` in the page's log cache, and the blocks near the head. */
const MOST_BLOCKS = 600;

async function open(dapp: Dapp, page: Page, name: keyof typeof PAGES) {
  const watch = watchRequests(page, dapp.world.rpcUrl);
  await page.goto(new URL(name === "market" ? "/" : `/${name}`, dapp.url).href);
  await page.locator("h1").first().waitFor();
  const title = await page.evaluate(() => performance.now());
  await on(page).at(PAGES[name]).first().waitFor({ timeout: 120_000 });
  const ready = await page.evaluate(() => performance.now());
  const rows = await page.locator("tbody tr").count();
  const asked = watch.stop();
  return { title, ready, rows, requests: asked.length, blocks: asked.reduce((sum, each) => sum + each.blocks, 0) };
}

const figures: Figure[] = [];
const dapp = await Dapp.start({ households: 2, oracles: false, zone: DEMO_ZONE });
try {
  const since = performance.now();
  await tradeALot(dapp.world, VISITOR);
  console.log(`${OFFERS} offers and ${TRADES} trades made in ${Math.round((performance.now() - since) / 1_000)} s`);

  const { page } = await dapp.visit(VISITOR);
  const first = await open(dapp, page, "market");
  figures.push(
    {
      name: "first visit: title",
      value: first.title,
      unit: "ms",
      budget: MOST_MS,
      what: "until the page is there, its figures still to come",
    },
    {
      name: "first visit: offers",
      value: first.ready,
      unit: "ms",
      what: "until the whole past was read and the cheapest offers are shown",
    },
    { name: "first visit: blocks", value: first.blocks, unit: "", what: "whose logs were asked for" },
  );
  await connect(page);
  await until("what was read to be kept", () =>
    page.evaluate(async () => {
      const database = await new Promise<IDBDatabase>((done) => {
        const request = indexedDB.open("ioe", 1);
        request.onsuccess = () => done(request.result);
      });
      const keys = database.transaction("sums").objectStore("sums").getAllKeys();
      return new Promise<boolean>((done) => (keys.onsuccess = () => done(keys.result.length > 0)));
    }),
  );
  for (const name of Object.keys(PAGES) as (keyof typeof PAGES)[]) {
    await open(dapp, page, name); // its script is there then, and what else it keeps
    await page.waitForTimeout(2_000);
    const { ready, rows, blocks, requests } = await open(dapp, page, name);
    figures.push(
      {
        name: `${name}: open`,
        value: ready,
        unit: "ms",
        budget: MOST_MS,
        what: "until its figures are shown, at a later visit",
      },
      { name: `${name}: rows`, value: rows, unit: "", budget: MOST_ROWS, strict: true, what: "of tables in the page" },
      {
        name: `${name}: blocks`,
        value: blocks,
        unit: "",
        budget: MOST_BLOCKS,
        strict: true,
        what: "whose logs were asked for",
      },
      { name: `${name}: requests`, value: requests, unit: "", what: "to the chain's node" },
    );
  }
} finally {
  await dapp.stop();
}
const broken = await publish(
  "dapp",
  `The published page in Chromium beside a chain with ${OFFERS} offers and ${TRADES} settled deliveries, one in a hundred of them the visitor's; chain, page and browser share the machine. \`npm run bench:dapp\` writes this file; rows and blocks above their budgets fail it.`,
  figures,
);
process.exit(broken.length === 0 ? 0 : 1);
