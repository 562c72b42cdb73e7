/// <reference lib="dom" />
import { expect } from "chai";
import type { Page } from "playwright-core";
import { until } from "../system/world.ts";
import { Dapp, picture, type Visitor } from "./dapp.ts";
import { connect, expectClean, on, plain } from "./steps.ts";

const [BUYER, SELLER] = [1, 2];
/** Blocks in which nothing happens. */
const LONG = 30_000;
const PROGRESS = /^Reading the history: ([\d,]+) of ([\d,]+) blocks$/;

/** The chain is long, and its node slow with logs: until the test lets them through. */
describe("a first visit to a chain with a long history", () => {
  let dapp: Dapp;
  let visitor: Visitor;
  let page: Page;
  let letThrough: () => void;

  before(async () => {
    dapp = await Dapp.start({ households: 2, oracles: false });
    await dapp.world.deposit(BUYER, 20_000_000n);
    await dapp.world.list(SELLER, 500n, 150_000n);
    await dapp.world.ethers.provider.send("hardhat_mine", [`0x${LONG.toString(16)}`, "0x0"]);
    const open = new Promise<void>((done) => (letThrough = done));
    visitor = await dapp.visit(BUYER, {
      prepare: (each) =>
        each.route(`${dapp.world.rpcUrl}/**`, async (route) => {
          if (route.request().postData()?.includes("eth_getLogs")) await open;
          await route.continue();
        }),
    });
    page = visitor.page;
  });

  after(() => dapp?.stop());

  const progress = () => on(page).at("history-progress").first();

  it("shows prices and offers at once, out of the contracts' state", async () => {
    const { at } = on(page);
    const { market } = await dapp.world.contracts();
    await at("price-sell").getByText(/\d/).waitFor();
    await at("listing-row").first().waitFor();
    expect(await at("listing-row").count()).to.equal(Number(await market.listingCount()));
    expect(plain(await at("listing-row").first().innerText())).to.contain("Meter ");
  });

  it("says how far the history is where it is needed, and tells a screen reader politely", async () => {
    const { at, go } = on(page);
    await connect(page);
    await go("deliveries");
    await progress().waitFor();
    const [, read, of] = PROGRESS.exec(plain(await progress().locator("p").innerText()))!;
    expect(read).to.equal("0");
    expect(Number(of!.replace(",", ""))).to.be.greaterThan(LONG);
    expect(plain(await at("history-status").innerText())).to.equal("Reading the history: 0 %");
    expect(await at("history-status").getAttribute("role")).to.equal("status");
    await picture(page, "history");
    for (const name of ["auction", "energy", "wallet", "bills"]) {
      await go(name);
      await progress().waitFor();
    }
    await expectClean(page, "while the history is read");
  });

  it("lets somebody buy meanwhile", async () => {
    const { at, go } = on(page);
    const { market } = await dapp.world.contracts();
    await go("market");
    await at("buy-cheapest").click();
    await at("buy-dialog").waitFor();
    await at("buy-confirm").and(page.locator(":not([data-reason])")).click();
    await at("buy-dialog").waitFor({ state: "detached" });
    expect(await market.deliveryCount()).to.equal(1n);
    await progress().waitFor();
  });

  it("is there in full as soon as the node answers", async () => {
    const { at, go } = on(page);
    await go("wallet");
    letThrough();
    await at("history-row").first().waitFor();
    await at("history-progress").first().waitFor({ state: "detached" });
    // That of the energy page was asked for as well.
    await until(
      "all of it to be read",
      async () => (await at("history-status").innerText()) === "The history is complete.",
    );
  });

  it("has thrown no error in the page", () => expect(visitor.problems).to.deep.equal([]));
});
