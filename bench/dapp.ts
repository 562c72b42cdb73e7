/// <reference lib="dom" />
/**
 * `npm run bench:dapp`: how the published page copes with a thousand offers and ten thousand past trades. Rows and blocks
 * are counted and must hold; times depend on the machine and are only written down.
 */
import type { Page } from "playwright-core";
import { DEMO_ZONE } from "../deploy/zone.ts";
import { Dapp } from "../test/browser/dapp.ts";
import { type Asked, watchRequests } from "../test/browser/requests.ts";
import { connect, on, PAGES } from "../test/browser/steps.ts";
import { until } from "../test/system/world.ts";
import { build } from "../tools/build.ts";
import { die } from "../tools/cli.ts";
import { OFFERS, TRADES, TRADES_EACH, tradeALot } from "./crowd.ts";
import { type Figure, publish } from "./report.ts";

const VISITOR = 2;
const MOST_ROWS = 100;
const MOST_MS = 1_000;
/** As `KEEP_EVERY` in the page's log cache, and the blocks near the head. */
const MOST_BLOCKS = 600;
/** Longest that a first visit may take to read the past, ms. */
const PATIENCE_MS = 300_000;
/** So long after a page's figures its charts and further tables are there as well, and what they ask the node for. */
const SETTLE_MS = 2_000;

const pathOf = (name: string) => (name === "market" ? "/" : `/${name}`);

/** Parts that are waited for: a selector, and what the element must say. */
const PARTS = {
  title: ["main h1"],
  prices: ['[data-testid="price-sell"]', "[0-9]"],
  progress: ['[data-testid="history-progress"]', "of [0-9,]+ blocks"],
  history: ['[data-testid="history-status"]', "complete"],
  market: ['[data-testid="listing-row"]'],
  auction: ['[data-testid="auction-price"]', "[0-9–]"],
  results: ['[data-testid="auction-result"]', "[0-9]"],
  deliveries: ['[data-testid="ended-row"]'],
  energy: ['[data-testid="energy-flow"]'],
  wallet: ['[data-testid="history-row"]'],
  bills: ['[data-testid="bill-row"]'],
} satisfies Record<string, [string, string?]>;
type Part = keyof typeof PARTS;

interface PartsWindow {
  /** When each part came into the page, ms after it was opened. */
  seen: Partial<Record<Part, number>>;
}

/** Runs in the page. */
function watchParts(parts: Record<string, [string, string?]>): void {
  const seen: Record<string, number> = ((window as never as PartsWindow).seen = {});
  const look = () => {
    for (const [name, [selector, words = ""]] of Object.entries(parts)) {
      const text = name in seen ? undefined : document.querySelector(selector)?.textContent;
      if (typeof text === "string" && new RegExp(words).test(text)) seen[name] = performance.now();
    }
  };
  new MutationObserver(look).observe(document, { childList: true, subtree: true, characterData: true });
}

const prepare = (page: Page) => page.addInitScript(watchParts, PARTS);

async function times<Name extends Part>(page: Page, ...names: Name[]): Promise<Record<Name, number>> {
  const wanted: readonly Part[] = names;
  const seen = await page.waitForFunction(
    (parts) => {
      const times = (window as never as PartsWindow).seen;
      return parts.every((name) => name in times) && times;
    },
    wanted,
    { timeout: PATIENCE_MS },
  );
  return (await seen.jsonValue()) as Record<Name, number>;
}

/** Blocks from the first to the last one whose logs were asked for. */
function reach(asked: readonly Asked[]): number {
  const ranges = asked.flatMap((each) => each.ranges);
  if (ranges.length === 0) return 0;
  return Math.max(...ranges.map(({ to }) => to)) - Math.min(...ranges.map(({ from }) => from)) + 1;
}

/** Somebody who has never been there: nothing is kept, not even the page itself. */
async function firstVisit<Name extends Part>(dapp: Dapp, page: Part, ...names: Name[]): Promise<Record<Name, number>> {
  const visitor = await dapp.visit(VISITOR, { path: pathOf(page), prepare });
  const seen = await times(visitor.page, ...names);
  await visitor.page.close();
  return seen;
}

async function firstVisits(dapp: Dapp): Promise<Figure[]> {
  const market = await firstVisit(dapp, "market", "title", "prices", "market", "history");
  const deliveries = await firstVisit(dapp, "deliveries", "progress", "deliveries");
  const figure = (name: string, value: number, what: string, budget?: number) => ({
    name: `first visit: ${name}`,
    value,
    unit: "ms",
    what,
    ...(budget === undefined ? {} : { budget }),
  });
  return [
    figure("title", market.title, "until the page is there, its figures still to come", MOST_MS),
    figure("prices", market.prices, "until the price of this moment is shown", MOST_MS),
    figure("offers", market.market, "until the newest offers are shown, the cheapest first", MOST_MS),
    figure("history", market.history, "until the whole past has been read, and all offers are shown"),
    figure("progress", deliveries.progress, "until deliveries say how far the history has been read", MOST_MS),
    figure("deliveries", deliveries.deliveries, "until past deliveries are shown"),
  ];
}

/** What is waited for on a page before its figures count as shown. */
const figuresOf = (name: (typeof PAGES)[number]): Part[] => (name === "auction" ? ["auction", "results"] : [name]);

async function laterVisit(dapp: Dapp, page: Page, name: (typeof PAGES)[number]): Promise<Figure[]> {
  const url = new URL(pathOf(name), dapp.url).href;
  await page.goto(url);
  const wanted = figuresOf(name);
  await times(page, ...wanted); // its script is there then, and what else it keeps
  await page.waitForTimeout(SETTLE_MS);
  const watch = watchRequests(page, dapp.world.rpcUrl);
  await page.goto(url);
  const opened = await times(page, "title", ...wanted);
  const shown = Math.max(...wanted.map((part) => opened[part]));
  await page.waitForTimeout(SETTLE_MS);
  const rows = await page.locator("tbody tr").count();
  const asked = watch.stop();
  return [
    { name: `${name}: title`, value: opened.title, unit: "ms", budget: MOST_MS, what: "until the page is there" },
    { name: `${name}: open`, value: shown, unit: "ms", budget: MOST_MS, what: "until its figures are shown" },
    { name: `${name}: rows`, value: rows, unit: "", budget: MOST_ROWS, strict: true, what: "of tables in the page" },
    {
      name: `${name}: blocks`,
      value: reach(asked),
      unit: "",
      budget: MOST_BLOCKS,
      strict: true,
      what: "from the first to the last one whose logs were asked for",
    },
    { name: `${name}: requests`, value: asked.length, unit: "", what: "to the chain's node" },
  ];
}

/** However many rows the screen shows, the paper has the whole month. */
async function expectWholePaper(page: Page): Promise<void> {
  await page.emulateMedia({ media: "print" });
  await on(page).at("paper").waitFor();
  const rows = await on(page).at("paper-bought").locator("tbody tr").count();
  if (rows < TRADES_EACH) throw new Error(`of ${TRADES_EACH} trades only ${rows} are on paper`);
  await page.emulateMedia({ media: null });
}

const built = await build();
if (!built.ok) die(built.output);
const figures: Figure[] = [];
const dapp = await Dapp.start({ households: 2, oracles: false, zone: DEMO_ZONE });
try {
  const since = performance.now();
  await tradeALot(dapp.world, VISITOR);
  const blocks = await dapp.world.ethers.provider.getBlockNumber();
  figures.push({
    name: "blocks of the chain",
    value: blocks,
    unit: "",
    what: "with all that a first visit has to read",
  });
  console.log(`${OFFERS} offers and ${TRADES} trades made in ${Math.round((performance.now() - since) / 1_000)} s`);

  figures.push(...(await firstVisits(dapp)));
  const { page } = await dapp.visit(VISITOR, { prepare });
  await connect(page);
  await until(
    "what was read to be kept",
    () =>
      page.evaluate(async () => {
        const database = await new Promise<IDBDatabase>((done) => {
          const request = indexedDB.open("ioe", 1);
          request.onsuccess = () => done(request.result);
        });
        const keys = database.transaction("sums").objectStore("sums").getAllKeys();
        return new Promise<boolean>((done) => (keys.onsuccess = () => done(keys.result.length > 0)));
      }),
    PATIENCE_MS / 1_000,
  );
  for (const name of PAGES) figures.push(...(await laterVisit(dapp, page, name)));
  await expectWholePaper(page);
} finally {
  await dapp.stop();
}
const broken = await publish(
  "dapp",
  `The published page in Chromium beside a chain with ${OFFERS.toLocaleString("en")} offers, ${TRADES.toLocaleString("en")} settled deliveries, one in a hundred of them the visitor's, and an auction with orders at every price; chain, page and browser share the machine. First visits have nothing to start from; those below them come later, in the same browser. \`npm run bench:dapp\` writes this file; rows and blocks above their budgets fail it.`,
  figures,
);
process.exit(broken.length === 0 ? 0 : 1);
