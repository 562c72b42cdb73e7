/// <reference lib="dom" />
/** The dApp of a world in a real Chromium. */
import { mkdir, readFile } from "node:fs/promises";
import { resolve } from "node:path";
import chromium from "@sparticuz/chromium";
import { type Browser, type BrowserContextOptions, chromium as playwright, type Page } from "playwright-core";
import { type PrivateKeyAccount, privateKeyToAccount } from "viem/accounts";
import { ROOT } from "../../tools/cli.ts";
import { Processes } from "../../tools/processes.ts";
import type { ZoneParameters } from "../../deploy/zone.ts";
import { freePorts, QUICK_ZONE, World } from "../system/world.ts";
import { type Abilities, TestWallet } from "./wallet.ts";

export class Dapp {
  readonly world: World;
  readonly url: string;
  readonly #processes: Processes;
  readonly #browser: Browser;

  private constructor(world: World, url: string, processes: Processes, browser: Browser) {
    this.world = world;
    this.url = url;
    this.#processes = processes;
    this.#browser = browser;
  }

  /**
   * Households with their oracles (unless they are not needed), a keeper when asked for, the page's server and a browser.
   * @param film makes a file for the fake camera (YUV4MPEG2), and says where it is.
   */
  static async start(options: Options = {}): Promise<Dapp> {
    const { households = 3, zone = QUICK_ZONE, oracles = true, keeper = false, served = "built", film } = options;
    const port = await freePorts(1);
    const world = await World.start(households, zone, port);
    const all = Array.from({ length: oracles ? households : 0 }, (_, i) => world.startOracle(i + 1));
    await Promise.all([...all, ...(keeper ? [world.startKeeper()] : [])]);
    const processes = new Processes();
    await processes.start("dapp", "tools/dapp.ts", served === "built" ? ["--built"] : [], /The dApp is at/, {
      IOE_DAPP_PORT: String(port),
      IOE_DAPP_FILES: resolve(world.dir, "page"),
      IOE_DEPLOYMENT: resolve(world.dir, "deployment.json"),
    });
    const video = await film?.(world);
    const browser = await playwright.launch({
      executablePath: await chromium.executablePath(),
      args: [
        ...chromium.args,
        "--disable-background-networking",
        "--disable-component-update",
        "--disable-sync",
        ...cameraOf(video),
      ],
      headless: true,
    });
    return new Dapp(world, `http://127.0.0.1:${port}`, processes, browser);
  }

  async stop(): Promise<void> {
    await this.#browser.close();
    await this.#processes.endAll();
    await this.world.stop();
  }

  /** A household's account; the one after the last is the operator's. */
  account(household: number): PrivateKeyAccount {
    return privateKeyToAccount(this.world.deployment.demoAccounts![household - 1]!.privateKey);
  }

  /**
   * A new visitor; what the page logs as an error fails the test that looks at `problems`.
   * @param household owner of the wallet's account; the one after the last is the operator.
   * @param chainId network the wallet is on.
   * @param path of the first page.
   * @param prepare does something to the browser's page before the first one is opened.
   */
  async visit(
    household: number,
    { chainId = 31_337, width = 1_280, height = 900, path = "/", prepare, signs, atomic, ...rest }: VisitOptions = {},
  ): Promise<Visitor> {
    const context = await this.#browser.newContext({
      viewport: { width, height },
      colorScheme: "light",
      locale: "en-GB",
      // Two visitors with one each are more than a browser of a single process bears.
      serviceWorkers: "block",
      ...rest,
    });
    const page = await context.newPage();
    const problems: string[] = [];
    page.on("pageerror", (error) => problems.push(error.message));
    const { rpcUrl } = this.world;
    const wallet = await TestWallet.install(page, this.account(household), rpcUrl, chainId, { signs, atomic });
    await prepare?.(page);
    await page.goto(new URL(path, this.url).href);
    return { page, wallet, problems };
  }
}

interface VisitOptions extends Pick<BrowserContextOptions, "locale" | "permissions" | "serviceWorkers">, Abilities {
  chainId?: number;
  width?: number;
  height?: number;
  path?: string;
  prepare?: (page: Page) => Promise<unknown>;
}

interface Options {
  households?: number;
  zone?: ZoneParameters;
  oracles?: boolean;
  keeper?: boolean;
  /** The page as it is published, or from its sources, as `npm start` and those who develop it have it. */
  served?: "built" | "sources";
  film?: (world: World) => Promise<string>;
}

/** A camera that plays a file, and a person who lets the page have it. */
function cameraOf(video: string | undefined): string[] {
  if (video === undefined) return [];
  const fake = ["--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream"];
  return [...fake, `--use-file-for-fake-video-capture=${video}`];
}

export interface Visitor {
  page: Page;
  wallet: TestWallet;
  problems: string[];
}

/** Tallest picture, px: the whole of most pages. */
const TALLEST = 1_700;

/**
 * Keeps a picture when asked to (IOE_SCREENSHOTS=1): one that docs/dapp.md or the README shows in docs/images, any other in
 * cache/images, for a look at how the page has become. Of a page it shows all down to `TALLEST`, of a dialog the screen.
 */
export async function picture(page: Page, name: string): Promise<void> {
  if (!process.env.IOE_SCREENSHOTS) return;
  const texts = await Promise.all(["README.md", "docs/dapp.md"].map((file) => readFile(resolve(ROOT, file), "utf8")));
  const shown = texts.some((text) => text.includes(`images/${name}.png`));
  const folder = resolve(ROOT, shown ? "docs/images" : "cache/images");
  await mkdir(folder, { recursive: true });
  const size = page.viewportSize()!;
  await settled(page);
  // A dialog is as tall as the screen lets it. Below a page's last card is room for the navigation of a phone.
  const height = await page.evaluate(() => {
    if (document.querySelector("dialog[open]")) return 0;
    const cards = [...document.querySelectorAll("#content section")];
    return Math.ceil(Math.max(0, ...cards.map((each) => each.getBoundingClientRect().bottom)) + window.scrollY) + 90;
  });
  if (height > size.height) {
    await page.setViewportSize({ width: size.width, height: Math.min(height, TALLEST) });
    await page.evaluate(() => window.scrollTo(0, 0));
    await settled(page);
  }
  await page.screenshot({ path: resolve(folder, `${name}.png`) });
  await page.setViewportSize(size);
}

/**
 * Nothing is still to come or about to go: no place is held for a figure, no message lies above the page, the price history
 * has its line. A page that is being fetched has none of it either: it has to stay so for a moment.
 */
async function settled(page: Page): Promise<void> {
  const passing = 'span.breathe, [data-testid="transaction"], [data-testid="price-history"]:empty';
  // What is folded away is in nobody's picture.
  const gone = () =>
    page.waitForFunction(
      (each) => [...document.querySelectorAll(each)].every((left) => !left.checkVisibility()),
      passing,
    );
  for (let still = 0; still < 2; still++) {
    await gone();
    await page.waitForTimeout(500);
  }
  await gone();
}
