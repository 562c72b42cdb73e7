import { execFile } from "node:child_process";
import { randomBytes } from "node:crypto";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import type { Page } from "playwright-core";
import { ROLES } from "../../deploy/modules/Zone.ts";
import { METER_KINDS } from "../../protocol/src/registration.ts";
import { registryDomain, TYPES } from "../../protocol/src/typedData.ts";
import { ROOT } from "../../tools/cli.ts";
import { QUICK_ZONE, until, type World } from "../system/world.ts";
import { filmCode } from "./camera.ts";
import { Dapp, picture, type Visitor } from "./dapp.ts";
import { connect, expectClean, on, plain } from "./steps.ts";

const HOUSEHOLDS = 2;
const [FIRST, SECOND, OPERATOR] = [1, 2, HOUSEHOLDS + 1];
/** Seconds an operator with a waiting time waits. */
const DELAY = 20;

const run = promisify(execFile);

/** A key for a new device, in a file as the oracle wants it. */
async function newKey(world: World, name: string): Promise<string> {
  const path = join(world.dir, `${name}.key`);
  await writeFile(path, `0x${randomBytes(32).toString("hex")}\n`, { mode: 0o600 });
  return path;
}

/** What `ioe keys qr` says for a household's oracle. */
async function codeOf(world: World, n: number, kind: string, label: string): Promise<string> {
  const owner = world.deployment.demoAccounts![n - 1]!.address;
  const args = ["keys", "qr", "--text", "--config", world.configOf(n), "--owner", owner, "--kind", kind];
  const { stdout } = await run(process.execPath, ["oracle/bin/ioe.mjs", ...args, "--label", label], { cwd: ROOT });
  return stdout.trim();
}

describe("an operator's days in the browser", () => {
  let dapp: Dapp;
  let visitor: Visitor;
  let page: Page;
  let at: ReturnType<typeof on>["at"];

  before(async () => {
    dapp = await Dapp.start({
      households: HOUSEHOLDS,
      zone: { ...QUICK_ZONE, noticeSlots: 1 },
      // A second device of the first household lies before the camera.
      film: async (world) => {
        const { meter } = await swapKey(world, FIRST, await newKey(world, "roof"));
        const code = await codeOf(world, FIRST, "Solar", "Roof");
        await swapKey(world, FIRST, meter);
        const file = join(world.dir, "code.y4m");
        await filmCode(code, file);
        return file;
      },
    });
    visitor = await dapp.visit(OPERATOR);
    page = visitor.page;
    ({ at } = on(page));
    await connect(page);
    await on(page).go("operator");
  });

  after(() => dapp?.stop());

  /** Gives an oracle another meter key, from its next start on. @returns the one it had. */
  async function swapKey(world: World, n: number, path: string): Promise<{ meter: string }> {
    let before = "";
    await world.configure(n, (config) => {
      before = config.keys.meter;
      config.keys.meter = path;
    });
    return { meter: before };
  }

  const contract = async () => (await dapp.world.contracts()).registry;

  it("registers a meter by holding its QR code before the camera", async () => {
    const registry = await contract();
    await at("register-code-scan").click();
    await at("register-figures").waitFor({ timeout: 30_000 });
    expect(plain(await at("register-figures").innerText()))
      .to.contain("Roof")
      .and.contain("8,000 W");
    await picture(page, "operator");
    await at("register-confirm").click();
    await at("register-done").waitFor();
    expect(await registry.meterCount()).to.equal(BigInt(HOUSEHOLDS + 1));
    expect(await registry.ownerOf(HOUSEHOLDS + 1)).to.equal(await (await dapp.world.owner(FIRST)).getAddress());
  });

  it("gives a meter the key of its new device, with which the oracle goes on", async () => {
    const registry = await contract();
    const before = await registry.meterOf(SECOND);
    await swapKey(dapp.world, SECOND, await newKey(dapp.world, "second"));
    const code = await codeOf(dapp.world, SECOND, "Solar", "Shed");
    await page.getByRole("button", { name: /New key for Meter 2/ }).click();
    await at("rotate-code").fill(code);
    await at("rotate-confirm").click();
    await at("rotate-dialog").waitFor({ state: "detached" });
    const { epoch } = await registry.meterOf(SECOND);
    expect(epoch).to.equal(before.epoch + 1n);

    await dapp.world.stopOracle(SECOND);
    await dapp.world.startOracle(SECOND);
    // The new key holds from the slot after the next one on: only its readings are taken from then on.
    const newer = before.lastTakenAt + BigInt(4 * dapp.world.zone.slotDuration);
    await until(
      "a reading signed by the new key",
      async () => (await registry.meterOf(SECOND)).lastTakenAt > newer,
      120,
    );
  });

  it("takes no code for a new key that was made for another owner", async () => {
    await page.getByRole("button", { name: /New key for Meter 2/ }).click();
    await at("rotate-code").fill(await codeOf(dapp.world, FIRST, "Battery", "Cellar"));
    expect(await at("rotate-confirm").getAttribute("data-reason")).to.equal("codeInvalid");
    expect(await at("rotate-dialog").innerText()).to.contain("another owner");
    await expectClean(page, "the dialog for a new key");
    await page.keyboard.press("Escape");
    await at("rotate-dialog").waitFor({ state: "detached" });
  });

  it("blocks a meter, which then begins nothing new, and lets it trade again", async () => {
    const registry = await contract();
    const row = at("operator-meter").filter({ hasText: "Meter 3" });
    const isActive = async () => (await registry.meterOf(HOUSEHOLDS + 1)).active;
    await row.getByTestId("meter-active-3").click();
    await row.filter({ hasText: "blocked" }).waitFor();
    expect(await isActive()).to.equal(false);
    await row.getByTestId("meter-active-3").click();
    await row.filter({ hasText: "trades" }).waitFor();
    expect(await isActive()).to.equal(true);
    // Nobody reads this meter: without it the community's slots are complete.
    await row.getByTestId("meter-active-3").click();
    await row.filter({ hasText: "blocked" }).waitFor();
  });

  it("compares the meters with the one at the connection point, and shows a slot that does not fit", async () => {
    const registry = await contract();
    const { ethers, deployment } = dapp.world;
    const { slotDuration } = dapp.world.zone;
    const operator = await ethers.getSigner(deployment.demoAccounts![OPERATOR - 1]!.address);
    const feeder = ethers.Wallet.createRandom();
    const { salt } = await registry.eip712Domain();
    const domain = registryDomain(deployment.chainId, deployment.contracts.MeterRegistry, salt as `0x${string}`);
    const sign = (type: "Possession" | "Reading", message: object) =>
      feeder.signTypedData(domain, { [type]: [...TYPES[type]] }, message);
    const possession = await sign("Possession", { owner: operator.address });
    const grid = METER_KINDS.indexOf("Grid");
    await (
      await registry.connect(operator).register(operator.address, grid, 50_000, 1, feeder.address, possession)
    ).wait();
    const meterId = Number(await registry.meterCount());
    const { epoch } = await registry.meterOf(meterId);

    // In a slot in which the households moved nothing, the connection point counts 50 Wh.
    const begin = (Number(await registry.currentSlot()) + 2) * slotDuration;
    const readings = [
      { meterId, epoch, since: 0, takenAt: begin, imported: 0, exported: 0 },
      { meterId, epoch, since: begin, takenAt: begin + slotDuration, imported: 50, exported: 0 },
    ];
    await until("the slot to end", async () => (await dapp.world.now()) > begin + slotDuration);
    const signatures = await Promise.all(readings.map((reading) => sign("Reading", reading)));
    await (await registry.connect(operator).report(readings, signatures)).wait();

    await page
      .getByRole("button", { name: /^Compare slot/ })
      .first()
      .click({ timeout: 90_000 });
    await at("mismatches").waitFor();
    expect(plain(await at("mismatches").innerText())).to.contain("the connection point measured 0.050 kWh");
  });

  it("offers nothing for sale from the meter at the connection point, and says why", async () => {
    const { go } = on(page);
    await go("auction");
    await at("auction-meter").getByText(/Grid/).waitFor({ state: "attached" });
    await at("auction-side-ask").click();
    expect(await at("auction-meter-none").innerText()).to.contain("nothing behind them is for sale");
    expect(await at("auction-meter").count()).to.equal(0);
    expect(await at("auction-confirm").getAttribute("data-reason")).to.equal("noSeller");
    await go("market");
    await at("sell-open").click();
    await at("sell-meter-none").waitFor();
    expect(await at("sell-confirm").getAttribute("data-reason")).to.equal("noSeller");
    await page.keyboard.press("Escape");
    await go("operator");
  });

  it("announces prices ahead of time, and the slot that runs keeps its own", async () => {
    const tariff = await dapp.world.ethers.getContractAt("Tariff", dapp.world.deployment.contracts.Tariff);
    const registry = await contract();
    await at("tariff-retail").fill("7");
    expect(await at("tariff-confirm").getAttribute("data-reason"), "below feed-in").to.equal("feeTooHigh");
    await at("tariff-retail").fill("32");
    expect(await at("tariff-confirm").getAttribute("data-reason"), "beyond the last step").to.equal("priceBeyond");
    await at("tariff-retail").fill("31");
    await at("tariff-confirm").click();
    await at("tariff-schedule").filter({ hasText: "31.00" }).waitFor();
    const latest = (await tariff.schedule()).at(-1)!;
    expect(latest.retail).to.equal(310_000n);
    expect(latest.fromSlot > (await registry.currentSlot())).to.equal(true);
    expect((await tariff.tariffAt(await registry.currentSlot())).retail).to.equal(300_000n);
  });

  describe("whose role has a waiting time", () => {
    before(async () => {
      const { ethers, deployment } = dapp.world;
      const manager = await ethers.getContractAt("AccessManager", deployment.contracts.AccessManager);
      const admin = await ethers.getSigner(deployment.demoAccounts![OPERATOR - 1]!.address);
      await (await manager.connect(admin).grantRole(ROLES.operator, admin.address, DELAY)).wait();
      await page
        .getByText(/waits 20\ss/)
        .first()
        .waitFor();
    });

    it("announces new prices, finds them again after a reload, and carries them out when the time has come", async () => {
      const tariff = await dapp.world.ethers.getContractAt("Tariff", dapp.world.deployment.contracts.Tariff);
      const registry = await contract();
      const before = (await tariff.schedule()).length;
      const slot = await registry.currentSlot();
      await at("tariff-retail").fill("29");
      await at("tariff-confirm").click();
      const row = at("announced-row").filter({ hasText: "29.00" });
      await row.waitFor();
      expect(plain(await row.getByTestId("announced-carry-out").innerText())).to.match(/^Possible in \d+ s$/);
      expect((await tariff.schedule()).length, "nothing has changed yet").to.equal(before);
      await picture(page, "operator-announced");
      await page.reload();
      await row.waitFor();
      await until("the next slot", async () => (await registry.currentSlot()) > slot);
      await at("tariff-retail").fill("29");
      await until(
        "the prices to be known as announced, though from another slot",
        async () => (await at("tariff-confirm").getAttribute("data-reason")) === "alreadyAnnounced",
      );
      await until(
        "the waiting time to be over",
        async () => (await row.getByTestId("announced-carry-out").innerText()) === "Carry out",
      );
      await row.getByTestId("announced-carry-out").click();
      await row.waitFor({ state: "detached" });
      expect((await tariff.schedule()).at(-1)!.retail).to.equal(290_000n);
    });

    it("takes back what was announced, and announces nothing twice", async () => {
      const button = at("operator-meter").filter({ hasText: "Meter 1" }).getByTestId("meter-active-1");
      await button.click();
      const row = at("announced-row").filter({ hasText: "Block Meter 1" });
      await row.waitFor();
      expect(await button.getAttribute("data-reason")).to.equal("alreadyAnnounced");
      await expectClean(page, "operator", async ({ width, colorScheme }) => {
        if (width === 360) await picture(page, `operator-phone-${colorScheme}`);
      });
      await row.getByTestId("announced-take-back").click();
      await row.waitFor({ state: "detached" });
      await until("the button to be free", async () => (await button.getAttribute("data-reason")) === null);
      expect((await (await contract()).meterOf(FIRST)).active).to.equal(true);
    });
  });

  it("has thrown no error in the page", () => expect(visitor.problems).to.deep.equal([]));
});
