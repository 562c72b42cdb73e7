/** The worked examples of docs/contracts.md: every figure there comes out of the contracts here. */
import { readdirSync, readFileSync } from "node:fs";
import { join, resolve } from "node:path";
import { expect } from "chai";
import { ask, bid, deployAuctionZone, eventsOf, orderId } from "./auction-zone.ts";
import { D, deployZone, Kind, PARAMETERS, startDelivery } from "./fixture.ts";

const ROOT = resolve(import.meta.dirname, "../..");
const DOCUMENT = readFileSync(join(ROOT, "docs/contracts.md"), "utf8").replace(/ +/g, " ");

/** The document has this row of a table, whatever the width of its columns. */
function expectRow(...cells: unknown[]): void {
  expect(DOCUMENT).to.include(`| ${cells.map(String).join(" | ")} |`);
}

describe("worked examples in docs/contracts.md", () => {
  for (const [ratio, supply] of [
    ["0.8", 80n],
    ["0.6", 60n],
  ] as const) {
    it(`index price: ${supply} Wh of supply for 100 Wh of demand`, async () => {
      const zone = await deployZone();
      const [pv, load] = [await zone.addMeter(zone.alice, Kind.Solar), await zone.addMeter(zone.bob, Kind.Load)];
      const slot = await zone.nextSlot();
      await zone.at(slot, 1);
      await zone.report(pv.restart(slot * D), load.restart(slot * D));
      await zone.at(slot + 1, 1);
      await zone.report(pv.step((slot + 1) * D, supply), load.step((slot + 1) * D, 0n, 100n));
      const { sell, buy } = await zone.tariff.indexPrice(slot + 2);
      expectRow(PARAMETERS.retail, PARAMETERS.feedIn, ratio, sell, buy);
    });
  }

  it("auction: partial fills at the margin, the fee inside the clearing, and a seller who delivers half", async () => {
    const zone = await deployAuctionZone();
    const { alice, bob, auction, gridOperator, dust, vault } = zone;
    for (const account of [alice, bob]) await zone.fund(account);
    const [s1, s2, s3] = await zone.addMeters(3);
    const buyers = [];
    for (let i = 0; i < 3; i++) buyers.push(await zone.addMeter(bob, Kind.Load));
    const [b1, b2, b3] = buyers;
    const asks = { A1: ask(s1!, 20, 300), A2: ask(s2!, 30, 400), A3: ask(s3!, 70, 600) };
    const bids = { B1: bid(b1!, 100, 400), B2: bid(b2!, 70, 400), B3: bid(b3!, 70, 200) };
    const names = Object.entries({ ...asks, ...bids });

    const slot = await zone.nextSlot();
    const placed = [
      await (await zone.place(slot, alice, ...Object.values(asks))).wait(),
      await (await zone.place(slot, bob, ...Object.values(bids))).wait(),
    ].flatMap((receipt) => eventsOf(receipt, auction, "OrderPlaced"));
    await zone.clear(slot);
    const fills = new Map<bigint, bigint>();
    for (const [, order] of names) fills.set(orderId(slot, order), await auction.fillOf(orderId(slot, order)));
    const { price, gridFee, volume } = await auction.auctionOf(slot);
    expectRow("clearing", price, price + gridFee, volume);

    await zone.measure(slot, [
      [s1!, 300],
      [s2!, 200],
    ]);
    const receipt = await (await zone.settle(slot, ...names.map(([, order]) => order))).wait();
    const bills = eventsOf(receipt, auction, "OrderSettled");
    for (const [name, order] of names) {
      const id = orderId(slot, order);
      const { locked } = placed.find((event) => event.orderId === id)!;
      const { energy, money, penalty } = bills.find((event) => event.orderId === id)!;
      const limit = PARAMETERS.minPrice + BigInt(order.tick) * PARAMETERS.tickSize;
      expectRow(name, limit, order.energy, locked, fills.get(id)!, energy, money, penalty);
    }
    const [closed] = eventsOf(receipt, auction, "SlotClosed");
    const [final] = eventsOf(receipt, auction, "SlotFinalized");
    expectRow("slot", final!.delivered, final!.penalties, final!.gridFee, closed!.dust);
    expect(await vault.free(gridOperator)).to.equal(final!.gridFee);
    expect(await vault.free(dust)).to.equal(closed!.dust);
  });

  it("direct delivery: one slot within the line-loss allowance, one beyond it", async () => {
    const { zone, seller, buyer, slot, last, deliveryId } = await startDelivery({ price: 123_457n, slots: 2 });
    const { market } = zone;
    const steps = [
      [500n, 490n],
      [400n, 380n],
    ] as const;
    let before = 0n;
    for (const [i, [exported, imported]] of steps.entries()) {
      const end = (slot + i + 1) * D;
      await zone.at(slot + i + 1, 1);
      await zone.report(seller.step(end, exported), buyer.step(end, 0n, imported));
      await market.settle(deliveryId, slot + i);
      const { delivered, paid } = await market.deliveryOf(deliveryId);
      expectRow(`slot ${i + 1}`, exported, imported, delivered - before, delivered, paid);
      before = delivered;
    }
    expect(last).to.equal(slot + 1);
    const { locked } = await market.deliveryOf(deliveryId);
    const receipt = await (await market.close(deliveryId)).wait();
    const [bill] = eventsOf(receipt, market, "DeliveryBilled");
    const { cost, sellerPaid, gridFee, refund } = bill!;
    expectRow("bill", locked, cost, sellerPaid, gridFee, cost - sellerPaid - gridFee, refund);
  });

  it("threats: every test that is named there exists", () => {
    const tests = ["test/contracts", "test/solidity"]
      .flatMap((dir) => readdirSync(resolve(ROOT, dir)).map((file) => join(ROOT, dir, file)))
      .filter((file) => file !== import.meta.filename)
      .map((file) => readFileSync(file, "utf8"))
      .join("\n");
    const table = DOCUMENT.slice(DOCUMENT.indexOf("## Threats"), DOCUMENT.indexOf("## What remains"));
    const named = [...table.matchAll(/"([^"]+)"/g)].map(([, words]) => words!);
    expect(named).to.have.lengthOf.greaterThan(30);
    for (const words of named) expect(tests.includes(words), words).to.equal(true);
    // And the other way round: no test of a threat is missing in the table.
    for (const [title] of tests.matchAll(/threat: [^"`]+/g)) {
      expect(
        named.some((words) => title.includes(words)),
        title,
      ).to.equal(true);
    }
  });
});
