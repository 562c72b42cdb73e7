/// <reference lib="dom" />
import { expect } from "chai";
import type { Page } from "playwright-core";
import { decodeFunctionData } from "viem";
import { paymentTokenAbi, vaultAbi } from "../../protocol/src/generated/abi.ts";
import { until } from "../system/world.ts";
import { Dapp } from "./dapp.ts";
import { connect, expectClean, on, plain } from "./steps.ts";

const [ATOMIC, PLAIN, THIRD] = [1, 2, 3];

/** Wallets that differ in what they can, and a person who changes accounts and traders. */
describe("wallets of different abilities in the browser", () => {
  let dapp: Dapp;

  const free = async (household: number) => {
    const { vault } = await dapp.world.contracts();
    return vault.free(await dapp.world.owner(household));
  };
  const allowances = async (household: number) => {
    const { vault, market, auction } = await dapp.world.contracts();
    const owner = await dapp.world.owner(household);
    return Promise.all([vault.allowed(owner, market), vault.allowed(owner, auction)]);
  };
  const openWallet = async (page: Page) => {
    await connect(page);
    await on(page).go("wallet");
    await on(page).at("deposit-amount").fill("20");
  };
  const lastState = (page: Page) => on(page).at("transaction").last().getAttribute("data-state");

  before(async () => (dapp = await Dapp.start({ oracles: false })));
  after(() => dapp?.stop());

  it("deposits in one confirmation where the wallet cannot sign but carries out calls as one", async () => {
    const { page, wallet, problems } = await dapp.visit(ATOMIC, { signs: false, atomic: true });
    const { at } = on(page);
    await openWallet(page);
    await at("deposit-confirm").click();
    await at("free-balance").filter({ hasText: "20.00" }).waitFor();
    await at("deposit-way").filter({ hasText: "in one step" }).waitFor();
    const [calls, ...others] = wallet.prompts.slice(1);
    if (calls?.kind !== "calls") throw new Error("wrong prompt");
    expect(others).to.deep.equal([]);
    const { PaymentToken, Vault } = dapp.world.deployment.contracts;
    expect(calls.calls.map(({ to }) => to.toLowerCase())).to.deep.equal(
      [PaymentToken, Vault, Vault, Vault].map((each) => each.toLowerCase()),
    );
    const names = calls.calls.map(
      ({ to, data }) =>
        decodeFunctionData({
          abi: to.toLowerCase() === Vault.toLowerCase() ? vaultAbi : paymentTokenAbi,
          data,
        }).functionName,
    );
    expect(names).to.deep.equal(["approve", "deposit", "setAllowed", "setAllowed"]);
    expect(await free(ATOMIC)).to.equal(20_000_000n);
    expect(await allowances(ATOMIC)).to.deep.equal([true, true]);
    expect(problems).to.deep.equal([]);
    await page.close();
  });

  it("moves nothing when such a batch is refused, and watches on after a reload once it is sent", async () => {
    const { page, wallet } = await dapp.visit(ATOMIC, { signs: false, atomic: true });
    const { at } = on(page);
    await openWallet(page);
    wallet.decide = ({ kind }) => kind !== "calls";
    await at("deposit-confirm").click();
    await until("the no to arrive", async () => (await lastState(page)) === "rejected");
    wallet.decide = () => true;
    const { provider } = dapp.world.ethers;
    await provider.send("evm_setAutomine", [false]);
    await provider.send("evm_setIntervalMining", [0]);
    try {
      await at("deposit-confirm").click();
      await until("it to be on its way", async () => (await lastState(page)) === "pending");
      await page.reload();
      await until("it to be on its way again", async () => (await lastState(page)) === "pending");
    } finally {
      await provider.send("evm_setAutomine", [true]);
      await provider.send("evm_setIntervalMining", [1_000]);
    }
    await until("it to be done", async () => (await lastState(page)) === "confirmed");
    expect(await free(ATOMIC)).to.equal(40_000_000n);
    await page.close();
  });

  it("deposits with an approval, when asked again, where the wallet can do neither", async () => {
    const { page, wallet } = await dapp.visit(PLAIN, { signs: false });
    const { at } = on(page);
    await openWallet(page);
    await at("deposit-confirm").click();
    await at("deposit-unsigned").waitFor();
    expect(await free(PLAIN)).to.equal(0n);
    await at("deposit-confirm").click();
    await until("everything to be allowed", async () => (await allowances(PLAIN)).every(Boolean));
    expect(await free(PLAIN)).to.equal(20_000_000n);
    expect(wallet.prompts.filter(({ kind }) => kind === "transaction")).to.have.length(4);
    await page.close();
  });

  it("names a trader for the meter, dismisses it, and shows what moved the money", async () => {
    const { page, wallet } = await dapp.visit(PLAIN);
    const { at, go } = on(page);
    const { registry } = await dapp.world.contracts();
    const trader = dapp.account(THIRD).address;
    await connect(page);
    await go("wallet");
    expect(await at("trader-set").getAttribute("data-reason")).to.equal("addressMissing");
    await at("trader-account").fill(trader.slice(0, -1));
    expect(await at("trader-set").getAttribute("data-reason")).to.equal("addressInvalid");
    await at("trader-account").fill(trader);
    await at("trader-set").click();
    await at("trader-now").filter({ hasText: "Household 3 may trade" }).waitFor();
    expect((await registry.meterOf(PLAIN)).trader).to.equal(trader);

    // What only the owner can mend is no button of the trader's.
    const { vault, auction } = await dapp.world.contracts();
    await (await vault.connect(await dapp.world.owner(PLAIN)).setAllowed(await auction.getAddress(), false)).wait();
    const other = await dapp.visit(THIRD);
    await connect(other.page);
    await on(other.page).go("auction");
    await on(other.page).at("auction-meter").selectOption(String(PLAIN));
    const confirm = on(other.page).at("auction-confirm");
    await confirm.filter({ hasText: "owner has to allow" }).waitFor();
    expect(await confirm.getAttribute("aria-disabled")).to.equal("true");
    await other.page.close();

    await at("trader-clear").click();
    await at("trader-now").filter({ hasText: "Nobody but you" }).waitFor();
    const row = at("history-row").first();
    expect(plain(await row.innerText())).to.match(/Deposit.*\+20\.00 \$/);
    await row.getByTestId("transaction-link").locator("summary").click();
    await row.getByTestId("transaction-facts").filter({ hasText: "Household 2" }).waitFor();
    expect(wallet.prompts.filter(({ kind }) => kind === "transaction")).to.have.length(2);

    await wallet.changeAccount(dapp.account(THIRD));
    await at("account").filter({ hasText: "Household 3" }).waitFor();
    await at("history").filter({ hasText: "Nothing yet" }).waitFor();
    expect(await at("trader-row").count()).to.equal(1);
    await page.close();
  });

  it("knows what was sped up in the wallet as done, and what was cancelled there as replaced", async () => {
    const { page, wallet } = await dapp.visit(PLAIN);
    const { at, go } = on(page);
    const { money } = await dapp.world.contracts();
    const { provider } = dapp.world.ethers;
    const balance = () => money.balanceOf(wallet.account.address);
    const before = await balance();
    await connect(page);
    await go("wallet");
    const faucetAnd = async (how: "speed up" | "cancel", { leaves = false } = {}) => {
      await provider.send("evm_setAutomine", [false]);
      await provider.send("evm_setIntervalMining", [0]);
      try {
        await at("faucet").click();
        await until("it to be on its way", async () => (await lastState(page)) === "pending");
        // The page has to have seen what is replaced.
        await new Promise((done) => setTimeout(done, 5_000));
        if (leaves) await page.goto("about:blank");
        await wallet.replaceLast(how);
      } finally {
        await provider.send("evm_setAutomine", [true]);
        await provider.send("evm_setIntervalMining", [1_000]);
      }
    };
    await faucetAnd("speed up");
    await until("it to be done", async () => (await lastState(page)) === "confirmed");
    expect((await balance()) - before).to.equal(100_000_000n);
    await faucetAnd("cancel");
    await until("it to be replaced", async () => (await lastState(page)) === "replaced");
    expect((await balance()) - before).to.equal(100_000_000n);

    // While nobody looks: no node says any more what took its place.
    await faucetAnd("cancel", { leaves: true });
    await until("blocks after the one with it", async () => {
      const receipt = await provider.getTransactionReceipt(wallet.sent.at(-1)!);
      return receipt !== null && (await receipt.confirmations()) > 3;
    });
    await page.goto(dapp.url);
    await until("it to be given up", async () => (await lastState(page)) === "lost");
    expect(await at("transaction").last().innerText()).to.contain("no longer knows it");
    await page.close();
  });

  it("hands a meter over to who accepts it, and still shows the one who had it what was measured then", async () => {
    const { registry } = await dapp.world.contracts();
    const old = await dapp.visit(PLAIN);
    const giver = on(old.page);
    await connect(old.page);
    await giver.go("wallet");
    const next = dapp.account(THIRD);
    await giver.at("hand-over-account").fill(old.wallet.account.address);
    expect(await giver.at("hand-over-set").getAttribute("data-reason")).to.equal("ownAccount");
    const offer = async () => {
      await giver.at("hand-over-account").fill(next.address);
      await giver.at("hand-over-set").click();
      await giver.at("hand-over-now").filter({ hasText: "until Household 3 accepts" }).waitFor();
    };
    await offer();
    await giver.at("hand-over-clear").click();
    await giver
      .at("hand-over-now")
      .filter({ hasText: /^Yours$/ })
      .waitFor();
    await offer();

    const other = await dapp.visit(THIRD);
    const taker = on(other.page);
    await connect(other.page);
    await taker.at("news").click();
    await other.page.getByRole("link", { name: "is offered to you" }).click();
    await taker.at("hand-over-to-me").filter({ hasText: "Household 2 hands it over to you" }).waitFor();
    await expectClean(other.page, "the wallet of who is offered a meter");
    await taker.at("hand-over-accept").click();
    await taker.at("hand-over-to-me").waitFor({ state: "detached" });
    expect(await taker.at("hand-over-row").count()).to.equal(2);
    expect(await registry.ownerOf(PLAIN)).to.equal(next.address);

    await giver.at("hand-over-card").waitFor({ state: "detached" });
    await giver.go("energy");
    await old.page.getByText("This account has no meter").waitFor();
    await giver.at("energy-figures").waitFor();
    for (const { page, problems } of [old, other]) {
      expect(problems).to.deep.equal([]);
      await page.close();
    }
  });

  it("asks a wallet on another network to change before a transaction, without a way round", async () => {
    const { page, wallet } = await dapp.visit(THIRD, { chainId: 1 });
    const { at } = on(page);
    const { market } = await dapp.world.contracts();
    await connect(page);
    const listing = at("cancel-listing").first();
    await listing.click();
    await until("the offer to be gone", async () => (await lastState(page)) === "confirmed");
    const kinds = wallet.prompts.map(({ kind }) => kind);
    expect(kinds).to.deep.equal(["connect", "switch-chain", "transaction"]);
    const mine = await Promise.all(
      Array.from({ length: Number(await market.listingCount()) }, (_, i) => market.listingOf(i + 1)),
    );
    const open = mine.filter(({ account, expiresAt }) => account === wallet.account.address && expiresAt > 0n);
    expect(open).to.deep.equal([]);
    await page.close();
  });
});
