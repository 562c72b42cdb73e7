/** The auction at the limits of its types: the dearest prices, the largest meters, more energy than a word of ticks has. */
import { expect } from "chai";
import { registryDomain, slotOf } from "@ioe/protocol";
import { as, ethers, Kind, Meter, networkHelpers, signPossession } from "./fixture.ts";
import { clear, lockOf, type Rules, settle } from "./auction-reference.ts";
import { ask, bid, deployAuctionZone, orderId } from "./auction-zone.ts";

const DAY = 86_400;
/** What moves nearly 2³² units in a day of a slot. */
const LARGEST_POWER_W = 162_000_000;
const ENERGY = 3_888_000_000n;
const TICK = (2n ** 48n - 1n) / 127n;
const RULES: Rules = { minPrice: 0n, tickSize: TICK, feedInTick: 1, retailTick: 127, feeTicks: 5, unitsPerKWh: 1_000n };

describe("CallAuction, limits of the types", () => {
  it("settles the largest energy at the highest prices to the last base unit", async () => {
    const { alice, gridOperator, dust, deployer } = await deployAuctionZone();
    const salt = ethers.ZeroHash as `0x${string}`;
    const manager = await ethers.deployContract("AccessManager", [alice]);
    const registry = await ethers.deployContract("MeterRegistry", [manager, DAY, DAY, 5 * DAY, 1_000, salt]);
    // A token with enough money for it.
    const money = await ethers.deployContract("ReentrantToken");
    const vault = await ethers.deployContract("Vault", [money]);
    const prices = [0n, TICK, 1, TICK, 127n * TICK, 5n * TICK] as const;
    const tariff = await ethers.deployContract("Tariff", [manager, registry, ...prices]);
    const energyToken = await ethers.deployContract("EnergyToken", [registry]);
    const parts = [manager, registry, vault, tariff, energyToken, gridOperator, dust] as const;
    const auction = await ethers.deployContract("CallAuction", [...parts, 300, 3, 1]);
    await as(registry, alice).addMarket(auction);
    await as(money, deployer).transfer(alice, 10n ** 24n);
    await as(money, alice).approve(vault, 10n ** 24n);
    await as(vault, alice).deposit(10n ** 24n);
    await as(vault, alice).setAllowed(auction, true);

    const domain = registryDomain(31_337, (await registry.getAddress()) as `0x${string}`, salt);
    const meters: Meter[] = [];
    for (let i = 0; i < 30; i++) {
      const key = ethers.Wallet.createRandom();
      const possession = await signPossession(key, alice, domain);
      await as(registry, alice).register(alice, Kind.Prosumer, LARGEST_POWER_W, 1, key.address, possession);
      meters.push(new Meter(i + 1, alice, key, domain));
    }
    // Each fills nine tenths of its tick.
    const asks = meters.map((meter, i) => ask(meter, 1 + 2 * i, ENERGY - BigInt(i)));
    const bids = meters.map((meter, i) => bid(meter, 127 - 2 * i, ENERGY - BigInt(7 * i)));
    const orders = [...asks, ...bids];
    const slot = slotOf(await networkHelpers.time.latest(), DAY) + 2;
    await as(auction, alice).placeOrders(orders.map((order) => ({ slot, ...order })));
    const errors = await ethers.getContractAt("TickBook", auction);
    const overflow = as(auction, alice).placeOrders([{ slot, ...ask(meters[1]!, 1, ENERGY) }]);
    await expect(overflow).to.be.revertedWithCustomError(errors, "TickFull").withArgs(1, ENERGY, ENERGY);

    await networkHelpers.time.setNextBlockTimestamp(slot * DAY);
    await auction.clear(slot);
    const outcome = clear(orders, RULES);
    expect((await auction.auctionOf(slot)).volume).to.equal(outcome.volume);
    expect(outcome.volume > 2n ** 36n).to.equal(true);

    const exports = new Map(meters.map(({ id }) => [id, id % 3 === 0 ? ENERGY / BigInt(id) : ENERGY]));
    const readings = [];
    for (const meter of meters) readings.push(await meter.restart(slot * DAY));
    for (const meter of meters) readings.push(await meter.step((slot + 1) * DAY, exports.get(meter.id)));
    await networkHelpers.time.setNextBlockTimestamp((slot + 1) * DAY);
    await registry.report(
      readings.map(({ reading }) => reading),
      readings.map(({ signature }) => signature),
    );
    await auction.settle(orders.map((order) => orderId(slot, order)));
    await auction.settle(orders.map((order) => orderId(slot, order)));

    const expected = settle(orders, outcome, exports, RULES);
    const gain = orders.reduce((sum, order) => sum + expected.orders.get(order)!.credited - lockOf(order, RULES), 0n);
    expect(await vault.free(alice)).to.equal(10n ** 24n + gain);
    expect(await vault.free(gridOperator)).to.equal(expected.gridFee);
    expect(await vault.free(dust)).to.equal(expected.dust);
    expect(await vault.pot(auction)).to.equal(0n);
  });
});
