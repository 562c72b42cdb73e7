import { expect } from "chai";
import type { Locator, Page } from "playwright-core";
import { decodeFunctionData } from "viem";
import { directMarketAbi, vaultAbi } from "../../protocol/src/generated/abi.ts";
import { until } from "../system/world.ts";
import { Dapp, picture, type Visitor } from "./dapp.ts";
import { expectClean, on, PAGES, plain } from "./steps.ts";

/** The story of a first visit, told with the page alone; the contracts are only asked what has become of it. */
describe("a first trade in the browser", () => {
  let dapp: Dapp;
  let visitor: Visitor;
  let page: Page;

  before(async () => {
    dapp = await Dapp.start({ served: "sources" });
    visitor = await dapp.visit(1, { chainId: 1 });
    page = visitor.page;
  });

  after(() => dapp?.stop());

  const at = (id: string) => page.getByTestId(id);
  const go = (name: string) => on(page).go(name);
  const read = async (locator: Locator) => plain(await locator.innerText());
  const lastPrompt = () => visitor.wallet.prompts.at(-1)!;

  it("connects a wallet found through EIP-6963 and moves it to the right network in one click", async () => {
    await at("connect").click();
    await at("wallet-option").filter({ hasText: "Wallet under test" }).click();
    await at("wrong-network").waitFor();
    await at("switch-network").first().click();
    await at("wrong-network").waitFor({ state: "detached" });
    expect(visitor.wallet.prompts).to.deep.equal([{ kind: "connect" }, { kind: "switch-chain", chainId: 31_337 }]);
  });

  it("shows the cheapest offer first and says what to do about an empty account", async () => {
    const prices = at("offer-price");
    await prices.first().waitFor();
    const texts = await prices.allInnerTexts();
    const numbers = texts.map((text) => Number(/[\d.]+/.exec(text)![0]));
    expect(numbers)
      .to.have.length(2)
      .and.deep.equal([...numbers].sort((a, b) => a - b));
    await at("buy-cheapest").click();
    await at("buy-energy").fill("0.1");
    expect(await at("buy-confirm").innerText()).to.match(/deposit/i);
    await picture(page, "buy");
    await expectClean(page, "the dialog to buy");
    await page.keyboard.press("Escape");
    await at("buy-dialog").waitFor({ state: "detached" });
  });

  it("leaves everything as it was when the wallet refuses", async () => {
    await go("wallet");
    visitor.wallet.decide = ({ kind }) => kind !== "sign-typed-data";
    await at("deposit-amount").fill("20");
    await at("deposit-confirm").click();
    await at("failure").waitFor();
    visitor.wallet.decide = () => true;
    const { vault } = await dapp.world.contracts();
    expect(await vault.free(visitor.wallet.account.address)).to.equal(0n);
  });

  it("deposits with one signature that names amount and receiver, and allows both markets in the same call", async () => {
    const { Vault, DirectMarket, CallAuction } = dapp.world.deployment.contracts;
    await at("deposit-amount").fill("20");
    await at("deposit-confirm").click();
    await page.getByTestId("free-balance").filter({ hasText: "20.00" }).waitFor();
    const [signature, transaction] = visitor.wallet.prompts.slice(-2);
    if (signature?.kind !== "sign-typed-data" || transaction?.kind !== "transaction") throw new Error("wrong prompts");
    expect(signature.primaryType).to.equal("Permit");
    expect(String(signature.message.value)).to.equal("20000000");
    expect(String(signature.message.spender).toLowerCase()).to.equal(Vault.toLowerCase());
    const call = decodeFunctionData({ abi: vaultAbi, data: transaction.data });
    expect(call.functionName).to.equal("depositWithPermit");
    expect(call.args.at(-1)).to.deep.equal([DirectMarket, CallAuction]);
    await picture(page, "wallet");
  });

  it("buys 0.1 kWh into the battery for no more than the sentence on the button says", async () => {
    await go("market");
    await picture(page, "market");
    await at("buy-cheapest").click();
    await at("buy-energy").fill("0.1");
    const sentence = await read(at("buy-confirm"));
    expect(sentence).to.contain("0.1 kWh").and.contain("0.014");
    await at("buy-confirm").click();
    await at("delivery-card").waitFor();
    const prompt = lastPrompt();
    if (prompt.kind !== "transaction") throw new Error("wrong prompt");
    const { functionName, args } = decodeFunctionData({ abi: directMarketAbi, data: prompt.data });
    expect(functionName).to.equal("buy");
    expect(args.slice(1, 3)).to.deep.equal([1, 100]);
  });

  it("shows measured power and energy live, labelled so, while the relays are really closed", async () => {
    const power = at("delivery-power");
    const flowing = await until("measured power", async () => {
      const text = await power.innerText().catch(() => "");
      return /[1-9]/.test(text) && text;
    });
    expect(flowing).to.match(/\d/);
    expect(await at("live-badge").first().innerText()).to.match(/live/i);
    expect((await dapp.world.contact(1, "charge")).closed).to.equal(true);
    expect((await dapp.world.contact(2, "discharge")).closed).to.equal(true);
    const measured = () => at("delivery-measured").first().innerText();
    const before = await measured();
    await until("measured energy to rise", async () => (await measured()) !== before);
    await new Promise((done) => setTimeout(done, 15_000));
    await picture(page, "delivery");
  });

  it("ends complete, with both relays open, the seller paid and the bill to the last unit", async () => {
    await at("delivery-outcome").first().waitFor({ timeout: 120_000 });
    expect(await at("delivery-outcome").first().innerText()).to.match(/complete/i);
    await Promise.all([dapp.world.opened(1, "charge"), dapp.world.opened(2, "discharge")]);
    const { vault } = await dapp.world.contracts();
    expect(await vault.free(visitor.wallet.account.address)).to.equal(20_000_000n - 14_000n);
    expect(await vault.free(await dapp.world.owner(2))).to.equal(12_000n);
    await go("bills");
    await at("bill-row").first().waitFor();
    expect(await at("bill-row").count()).to.equal(1);
    expect(await read(at("bill-row").first()))
      .to.contain("0.1")
      .and.contain("0.014");
    await picture(page, "bills");
  });

  it("tells the whole story: steps, the readings of both meters behind each payment, and the transactions", async () => {
    await go("deliveries");
    await at("story-open").first().click();
    const steps = at("story-step");
    await steps.nth(2).waitFor();
    const texts = (await steps.allInnerTexts()).map(plain);
    expect(texts[0]).to.contain("0.1 kWh bought");
    expect(texts.at(-2)).to.contain("The buyer paid 0.014 $: 0.012 $ to the seller, 0.002 $ to the grid");
    expect(texts.at(-1)).to.contain("Ended: all of 0.1 kWh");
    const readings = (await at("story-reading").allInnerTexts()).map(plain);
    expect(readings.some((each) => each.includes("Meter 2") && each.includes("export register"))).to.equal(true);
    expect(readings.some((each) => each.includes("Meter 1") && each.includes("import register"))).to.equal(true);
    const [hash] = visitor.wallet.sent.slice(-1);
    const link = steps.first().getByTestId("transaction-link");
    await link.locator("summary").click();
    await link.getByTestId("transaction-facts").filter({ hasText: hash! }).waitFor();
    await link.getByTestId("transaction-facts").filter({ hasText: "Household 1" }).waitFor();
    await expectClean(page, "the story of a delivery");
    await page.keyboard.press("Escape");
    await at("story").waitFor({ state: "detached" });
  });

  it("lists energy for sale and takes the offer back", async () => {
    const { market } = await dapp.world.contracts();
    await go("market");
    await at("sell-open").click();
    await at("sell-energy").fill("0.5");
    await picture(page, "sell");
    await at("sell-index").click();
    await until("the worst case", async () => /at least 0\.04 \$/.test(await read(at("sell-dialog"))));
    await expectClean(page, "the dialog to sell");
    await at("sell-fixed").click();
    await at("sell-confirm").click();
    await at("sell-dialog").waitFor({ state: "detached" });
    const id = await market.listingCount();
    expect((await market.listingOf(id)).energy).to.equal(500n);
    await at("cancel-listing").first().click();
    await until("the offer to be gone", async () => (await market.listingOf(id)).expiresAt === 0n);
  });

  it("has no accessibility violations on any page, in light and dark, on a desktop and a phone", async () => {
    for (const name of PAGES) {
      await go(name);
      await page.locator("h1").first().waitFor();
      await expectClean(page, name, async ({ width, colorScheme }) => {
        if (width === 360) await picture(page, `${name}-phone-${colorScheme}`);
      });
    }
  });

  it("has thrown no error in the page", () => {
    expect(visitor.problems).to.deep.equal([]);
  });
});
