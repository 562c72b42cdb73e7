/// <reference lib="dom" />
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { unpackOrderId } from "../../protocol/src/order.ts";
import { encodeRegistration } from "../../protocol/src/registration.ts";
import { slotOf } from "../../protocol/src/slots.ts";
import { registryDomain, TYPES } from "../../protocol/src/typedData.ts";
import { ROOT } from "../../tools/cli.ts";
import { QUICK_ZONE, until } from "../system/world.ts";
import { Dapp, picture, type Visitor } from "./dapp.ts";
import { connect, expectClean, on, PAGES, plain, sidewaysPx, SIZES, violations } from "./steps.ts";

/** Slots long enough for a converter's ramp and two closings. */
const ZONE = { ...QUICK_ZONE, slotDuration: 20, gateClosure: 5 };
const HOUSEHOLDS = 2;
const [BUYER, SELLER, OPERATOR] = [1, 2, HOUSEHOLDS + 1];

/** What a household, a German one and the operator do with the page; oracles and keeper do their part. */
describe("a household's days in the browser", () => {
  let dapp: Dapp;
  let visitor: Visitor;
  let page: Page;

  const lastTransaction = (where: Page) => where.getByTestId("transaction").last();

  before(async () => {
    dapp = await Dapp.start({ households: HOUSEHOLDS, zone: ZONE, keeper: true });
    const { auction, vault } = await dapp.world.contracts();
    for (const n of [BUYER, SELLER]) {
      await dapp.world.deposit(n, 20_000_000n);
      await (await vault.connect(await dapp.world.owner(n)).setAllowed(await auction.getAddress(), true)).wait();
    }
    visitor = await dapp.visit(BUYER);
    page = visitor.page;
    await connect(page);
  });

  after(() => dapp?.stop());

  it("changes the price of an order, and has one order open and its money set aside once", async () => {
    const { at, go } = on(page);
    const { auction, vault } = await dapp.world.contracts();
    const placed = () => auction.queryFilter(auction.filters.OrderPlaced());
    const free = async () => vault.free(await dapp.world.owner(BUYER));
    const before = await free();
    await go("auction");
    // One with time enough to change the order in.
    await at("auction-slot").nth(4).click();
    await at("auction-energy").fill("0.02");
    await at("auction-confirm").filter({ hasText: "Bid for 0.02" }).click();
    await at("auction-amend").click();
    await at("auction-amended").waitFor();
    expect(await page.evaluate(() => document.activeElement?.getAttribute("data-testid"))).to.equal("auction-energy");
    await page.getByRole("button", { name: "One step lower" }).click();
    await at("auction-amended").filter({ hasText: "Two confirmations" }).waitFor();
    await at("auction-confirm").filter({ hasText: "Change to a bid for 0.02" }).click();
    await until("the new order", async () => (await placed()).length === 2);
    await at("auction-amended").waitFor({ state: "detached" });
    const [first, second] = await placed();
    expect((await auction.orderOf(first!.args.orderId)).energy, "the old order").to.equal(0n);
    expect((await auction.orderOf(second!.args.orderId)).energy, "the new one").to.equal(20n);
    expect(second!.args.locked < first!.args.locked).to.equal(true);
    expect(await free()).to.equal(before - second!.args.locked);
    await until("one order in the list", async () => (await at("auction-order").count()) === 1);

    // Changing the same order again fills in the form again.
    await at("auction-amend").click();
    await at("auction-leave").click();
    await at("auction-amended").waitFor({ state: "detached" });
    await at("auction-amend").click();
    await at("auction-amended").waitFor();
    await at("auction-cancel").click();
    await at("auction-order").waitFor({ state: "detached" });
    await at("auction-amended").waitFor({ state: "detached" });
    expect(await free()).to.equal(before);
  });

  it("bids for many slots with one signature; what is cleared and measured stands in the month's bill", async () => {
    const { at, go } = on(page);
    const { auction } = await dapp.world.contracts();
    const sent = () => visitor.wallet.prompts.filter(({ kind }) => kind === "transaction").length;
    const before = sent();
    await go("auction");
    await at("curve-open").click();
    await at("curve-all").fill("0.02");
    await at("curve-fill").click();
    await until("the orders to be ready", async () =>
      /Place \d+ orders/.test(plain(await at("curve-confirm").innerText())),
    );
    // A day of slots, page by page.
    expect(await at("curve-slots").locator("input").count()).to.be.at.most(24);
    await at("curve-dialog").getByTestId("pager-next").click();
    expect(await at("curve-slots").locator("input").first().inputValue()).to.equal("0.02");
    await at("curve-dialog").getByTestId("pager-back").click();
    await picture(page, "curve");
    await expectClean(page, "the dialog for many slots");
    await at("curve-confirm").click();
    await at("curve-dialog").waitFor({ state: "detached" });
    expect(sent() - before).to.equal(1);
    await at("auction-order").nth(5).waitFor();

    // A neighbour offers as much in one of the slots.
    const neighbour = await dapp.world.owner(SELLER);
    const slotIn = async (ahead: number) => slotOf((await dapp.world.now()) + 1, ZONE.slotDuration) + ahead;
    const offerIn = async (slot: number) => {
      const ask = { slot, meterId: SELLER, side: 1, tick: 20, energy: 20n };
      await (await auction.connect(neighbour).placeOrders([ask])).wait();
    };
    await offerIn(await slotIn(3));
    const { slot: withoutBid } = unpackOrderId(BigInt((await at("auction-order").last().getAttribute("data-row"))!));
    await at("auction-cancel").last().click();
    await until(
      "the last order to be taken back",
      async () => (await lastTransaction(page).getAttribute("data-state")) === "confirmed",
    );

    await at("auction-result").filter({ hasText: "Bought 0.02" }).waitFor({ timeout: 200_000 });
    // What a second offer would come to is shown before its slot closes; then the neighbour takes it back.
    const fifth = await slotIn(5);
    const later = fifth === withoutBid ? fifth - 1 : fifth;
    await offerIn(later);
    await page.locator(`[data-testid="auction-slot"][data-slot="${later}"]`).click();
    await at("auction-price").filter({ hasText: /\d/ }).waitFor();
    await picture(page, "auction");
    await (await auction.connect(neighbour).cancelOrders([await auction.orderId(later, SELLER, 1, 20)])).wait();
    await at("auction-result").filter({ hasText: "Bought 0.02" }).getByTestId("story-open").first().click();
    await at("story-step").first().waitFor();
    await expectClean(page, "the story of an order");
    await page.keyboard.press("Escape");
    await at("story").waitFor({ state: "detached" });
    await until("the news", async () => Number(await at("news").getAttribute("data-unread")) > 0);
    await go("bills");
    await at("bill-row").first().waitFor();
    expect(plain(await at("bill-row").first().innerText())).to.contain("0.020 kWh");
    expect(plain(await at("bill-month").innerText())).to.contain("bought from neighbours");
    await picture(page, "bills-month");
  });

  it("hands out the month as files whose slots add up to the bill, for the utility to net", async () => {
    const { at } = on(page);
    const file = async (id: string) => {
      const [download] = await Promise.all([page.waitForEvent("download"), at(id).click()]);
      return { name: download.suggestedFilename(), text: await readFile(await download.path(), "utf8") };
    };
    const slots = await file("bills-slots");
    expect(slots.name).to.match(/^energy-slots-\d{4}-\d\d\.csv$/);
    const [head, ...rows] = slots.text
      .trim()
      .split("\r\n")
      .map((line) => line.split(","));
    const column = (name: string) => head!.indexOf(name);
    const wattHours = (name: string) =>
      rows.reduce((sum, cells) => sum + Math.round(Number(cells[column(name)]) * 1_000), 0);
    expect(wattHours("bought locally (kWh)"), "what arrived of 0.02 kWh").to.be.within(18, 20);
    expect(wattHours("imported (kWh)")).to.equal(
      wattHours("bought locally (kWh)") + wattHours("from the utility (kWh)"),
    );

    const json = await file("bills-json");
    const { month, trades } = JSON.parse(json.text) as {
      month: Record<string, string>;
      trades: { side: string; cost: string }[];
    };
    expect(month.taken).to.equal(String(wattHours("imported (kWh)")));
    expect(trades.map(({ side }) => side)).to.deep.equal(["bought"]);
    expect(BigInt(month.total!)).to.equal(
      BigInt(month.localCost!) + BigInt(month.restCost!) - BigInt(month.localEarned!) - BigInt(month.surplusEarned!),
    );
    const trade = await file("bills-csv");
    expect(trade.text.trim().split("\r\n")).to.have.length(2);
  });

  it("prints the month as a document of its own, whose lines add up to its total", async () => {
    const { at } = on(page);
    await page.emulateMedia({ media: "print", colorScheme: "dark" });
    const paper = at("paper");
    await paper.waitFor();
    expect(await at("nav-market").filter({ visible: true }).count(), "navigation on paper").to.equal(0);
    expect(await page.locator("h1").filter({ visible: true }).count()).to.equal(1);
    const text = plain(await paper.innerText());
    for (const fact of [
      visitor.wallet.account.address,
      "Household 1",
      "Meter 1",
      "Meter readings",
      "Bought from neighbours",
    ])
      expect(text).to.contain(fact);
    const figure = (cell: string) => BigInt(cell.replace("\u2212", "-").replace(/[^\d-]/g, ""));
    for (const section of await paper.locator("section:has(tfoot)").all()) {
      const last = async (rows: string) => section.locator(`${rows} td:last-child`).allInnerTexts();
      const lines = (await last("tbody tr")).filter((cell) => cell.trim() !== "").map(figure);
      const [total] = (await last("tfoot tr")).map(figure);
      expect(lines.reduce((a, b) => a + b)).to.equal(total);
    }
    const pdf = await page.pdf({ preferCSSPageSize: true, printBackground: true });
    expect(pdf.subarray(0, 5).toString()).to.equal("%PDF-");
    if (process.env.IOE_SCREENSHOTS) {
      // A sheet of A4 at 96 dpi, with the margins that @page gives it.
      const [width, height] = [794, 1_123];
      await page.setViewportSize({ width, height });
      const sheet = `[data-testid=paper] { padding: 18mm 16mm 20mm; min-height: ${height}px }`;
      await paper.screenshot({ path: resolve(ROOT, "docs/images/bill-on-paper.png"), style: sheet });
      await page.setViewportSize({ width: SIZES[0][0], height: SIZES[0][1] });
    }
    await page.emulateMedia({ media: null, colorScheme: "light" });
  });

  it("has the paper in the page only while it is printed", async () => {
    await on(page).at("paper").waitFor({ state: "detached" });
  });

  it("shows where the meter's energy came from, and the certificate for it", async () => {
    const { at, go } = on(page);
    await go("energy");
    await at("energy-flow").waitFor();
    await until("the month's energy", async () => /[1-9]/.test(plain(await at("self-sufficiency").innerText())));
    await at("energy-chart").locator("canvas").waitFor();
    await at("certificate-row").first().waitFor();
    expect(plain(await at("battery-charge").innerText())).to.match(/^\d+ %$/);
    await picture(page, "energy");
    expect(await violations(page)).to.deep.equal([]);
  });

  it("uses up a certificate for a purpose that everybody can read", async () => {
    const { at } = on(page);
    const { energyToken } = await dapp.world.contracts();
    await at("retire").first().click();
    await at("retire-energy").fill("0.01");
    expect(await at("retire-confirm").getAttribute("data-reason")).to.equal("purposeMissing");
    await expectClean(page, "the dialog to use up a certificate");
    await at("retire-purpose").fill("Heat pump, November");
    await at("retire-confirm").click();
    await at("retire-dialog").waitFor({ state: "detached" });
    const [retired] = await energyToken.queryFilter(energyToken.filters.Retired());
    expect(retired!.args.amount).to.equal(10n);
    expect(retired!.args.purpose).to.contain("Heat pump, November");
    const left = await energyToken.balanceOf(visitor.wallet.account.address, retired!.args.id);
    await at("certificate-row")
      .filter({ hasText: (Number(left) / 1_000).toFixed(3) })
      .first()
      .waitFor();
  });

  it("sends nothing when the wallet says no, and says so", async () => {
    const { at, go } = on(page);
    await go("wallet");
    visitor.wallet.decide = ({ kind }) => kind !== "transaction";
    await at("faucet").click();
    await until(
      "the no to arrive",
      async () => (await lastTransaction(page).getAttribute("data-state")) === "rejected",
    );
    visitor.wallet.decide = () => true;
  });

  it("explains a refusal of the contract that nobody could foresee", async () => {
    const { at } = on(page);
    const { vault } = await dapp.world.contracts();
    const owner = await dapp.world.owner(BUYER);
    const free = await vault.free(owner);
    await at("withdraw-amount").fill("1");
    // Between the check and the signature the money goes elsewhere.
    visitor.wallet.decide = async ({ kind }) => {
      if (kind === "transaction") await (await vault.connect(owner).withdraw(free, owner)).wait();
      return true;
    };
    await at("withdraw-confirm").click();
    const failure = at("withdraw-card").getByTestId("failure");
    await failure.waitFor();
    visitor.wallet.decide = () => true;
    expect(plain(await failure.innerText())).to.match(/1\.00 \$ is needed, but only 0\.\d+ \$ is free/);
  });

  it("watches a transaction on after a reload", async () => {
    const { at } = on(page);
    const { provider } = dapp.world.ethers;
    await provider.send("evm_setAutomine", [false]);
    await provider.send("evm_setIntervalMining", [0]);
    try {
      await at("faucet").click();
      await until(
        "it to be on its way",
        async () => (await lastTransaction(page).getAttribute("data-state")) === "pending",
      );
      await page.reload();
      await lastTransaction(page).waitFor();
      expect(await lastTransaction(page).getAttribute("data-state")).to.equal("pending");
    } finally {
      await provider.send("evm_setAutomine", [true]);
      await provider.send("evm_setIntervalMining", [1_000]);
    }
    await until("it to be done", async () => (await lastTransaction(page).getAttribute("data-state")) === "confirmed");
  });

  it("says since when nothing was heard of the chain, and forgets it when the chain is back", async () => {
    const { at } = on(page);
    const rpc = `${dapp.world.rpcUrl}/**`;
    await page.route(rpc, (route) => route.abort());
    await at("rpc-lost").waitFor({ timeout: 30_000 });
    expect(plain(await at("rpc-lost").innerText())).to.match(/No answer from the blockchain for .+ Figures are from/);
    await page.unroute(rpc);
    await at("rpc-lost").waitFor({ state: "detached", timeout: 30_000 });
  });

  it("speaks German to a German browser, with German figures, and English when asked", async () => {
    const german = await dapp.visit(SELLER, { locale: "de-DE", width: 360, height: 740 });
    const { at, go } = on(german.page);
    await connect(german.page);
    await at("offer-price").first().waitFor();
    expect(await german.page.locator("html").getAttribute("lang")).to.equal("de");
    expect(plain(await at("price-card").innerText()))
      .to.contain("Verkäufer erhalten")
      .and.match(/\d,\d\d/);
    for (const name of PAGES) {
      await go(name);
      await german.page.locator("h1").first().waitFor();
      await new Promise((done) => setTimeout(done, 1_500));
      expect(await violations(german.page), name).to.deep.equal([]);
      expect(await sidewaysPx(german.page), `${name} scrolls sideways`).to.be.at.most(0);
      await picture(german.page, `${name}-phone-german`);
    }
    await at("language").click();
    await german.page.reload();
    await at("nav-market").filter({ visible: true }).waitFor();
    expect(await german.page.locator("html").getAttribute("lang")).to.equal("en");
    expect(german.problems).to.deep.equal([]);
    await german.page.close();
  });

  it("lets the operator, and nobody else, register a meter from the text of its QR code", async () => {
    expect(await on(page).at("nav-operator").count()).to.equal(0);
    const { deployment } = dapp.world;
    const { registry } = await dapp.world.contracts();
    const device = privateKeyToAccount(generatePrivateKey());
    const owner = deployment.demoAccounts![0]!.address;
    const { salt } = await registry.eip712Domain();
    const domain = registryDomain(deployment.chainId, deployment.contracts.MeterRegistry, salt as `0x${string}`);
    const possession = await device.signTypedData({
      domain,
      types: { Possession: TYPES.Possession },
      primaryType: "Possession",
      message: { owner },
    });
    const code = encodeRegistration({
      chainId: deployment.chainId,
      registry: deployment.contracts.MeterRegistry,
      owner,
      signer: device.address,
      possession,
      kind: "Solar",
      maxPowerW: 8_000,
      resolution: 1,
      label: "Roof",
    });

    const operator = await dapp.visit(OPERATOR);
    const { at, go } = on(operator.page);
    await connect(operator.page);
    await go("operator");
    await at("register-code").fill(code.replace("power=8000", "power=9000000000"));
    expect(await at("register-confirm").getAttribute("data-reason")).to.equal("codeInvalid");
    await at("register-code").fill(code);
    expect(plain(await at("register-figures").innerText()))
      .to.contain("Roof")
      .and.contain("8,000 W");
    await at("register-confirm").click();
    await at("register-done").waitFor();
    expect(await registry.meterCount()).to.equal(BigInt(HOUSEHOLDS + 1));
    expect(await registry.ownerOf(HOUSEHOLDS + 1)).to.equal(owner);
    await at("operator-meter").filter({ hasText: "Meter 3" }).waitFor();
    expect(await violations(operator.page)).to.deep.equal([]);

    await at("pauseMarket").click();
    await go("market");
    await at("sell-open").click();
    await operator.page.locator('[data-reason="marketPaused"]').waitFor();
    await operator.page.keyboard.press("Escape");
    await at("nav-debug").click();
    await at("debug-run").click();
    await at("debug-answer").waitFor();
    await picture(operator.page, "debug");
    await expectClean(operator.page, "the debug page");
    expect(operator.problems).to.deep.equal([]);
  });

  it("has thrown no error in the page", () => expect(visitor.problems).to.deep.equal([]));
});
