/** The auction at its edges: first and last instants, smallest orders, batches over several slots, every guarded entry. */
import { expect } from "chai";
import { registryDomain, slotOf } from "@ioe/protocol";
import {
  as,
  D,
  deployZone,
  FUNDS,
  ethers,
  Kind,
  Meter,
  networkHelpers,
  PARAMETERS,
  signPossession,
} from "./fixture.ts";
import { lockOf, type Order } from "./auction-reference.ts";
import {
  ask,
  type AuctionZone,
  bid,
  deployAuctionZone,
  deployTraders,
  GATE,
  orderId,
  RULES,
  Status,
} from "./auction-zone.ts";

type Trade = Awaited<ReturnType<typeof deployTraders>>["trade"];
const YEAR = 365 * 86_400;

describe("CallAuction, edges", () => {
  describe("in a zone like any other", () => {
    let zone: AuctionZone;
    let seller: Meter;
    let buyer: Meter;
    let slot: number;
    let trade: Trade;

    beforeEach(async () => {
      ({ zone, seller, buyer, slot, trade } = await deployTraders());
    });

    it("settles several slots in one batch, in any order, each by its own price and progress", async () => {
      const { auction, alice, vault, gridOperator } = zone;
      const next = slot + 1;
      const trades: [number, Order, Order][] = [
        [slot, ask(seller, 20, 1_000), bid(buyer, 60, 1_000)],
        [next, ask(seller, 40, 500), bid(buyer, 80, 500)],
      ];
      for (const [s, sale, purchase] of trades) {
        await trade(s, [sale], purchase);
        if (s !== slot) continue;
        await zone.at(slot, 0);
        await zone.report(seller.restart(slot * D));
      }
      await zone.at(slot + 2, 0);
      await zone.report(seller.step((slot + 1) * D, 1_000n), seller.step((slot + 2) * D, 500n));
      const [[, firstSale, firstPurchase], [, secondSale, secondPurchase]] = trades as [
        [number, Order, Order],
        [number, Order, Order],
      ];
      await auction.settle([
        orderId(slot, firstSale),
        orderId(next, secondSale),
        orderId(slot, firstPurchase),
        orderId(next, secondPurchase),
      ]);
      for (const s of [slot, next]) {
        const { status, openBids, balance } = await auction.auctionOf(s);
        expect([status, openBids, balance]).to.deep.equal([Status.Finalized, 0n, 0n]);
      }
      const priceAt = (tick: number) => RULES.minPrice + BigInt(tick) * RULES.tickSize;
      const sold = (1_000n * priceAt(35) + 500n * priceAt(55)) / 1_000n;
      expect((await vault.free(alice)) - FUNDS).to.equal(sold);
      expect(await vault.free(gridOperator)).to.equal((1_500n * PARAMETERS.gridFee) / 1_000n);
      expect(await vault.pot(auction)).to.equal(0n);
    });

    it("counts open bids only when the sellers are done, and knows no fill of an order that is not there", async () => {
      const { auction, alice, bob } = zone;
      const [sale, purchase] = [ask(seller, 20, 1_000), bid(buyer, 60, 1_000)];
      await zone.place(slot, alice, sale);
      await as(auction, bob).placeOrders([{ slot, ...purchase }]);
      expect((await auction.auctionOf(slot)).openBids).to.equal(0n);
      await zone.clear(slot);
      expect((await auction.auctionOf(slot)).openBids).to.equal(0n);
      expect(await auction.fillOf(orderId(slot, sale))).to.equal(1_000n);
      expect(await auction.fillOf(orderId(slot, ask(seller, 21, 1)))).to.equal(0n);
      expect(await auction.fillOf(orderId(slot + 1, sale))).to.equal(0n);
    });

    it("stays open through the first instant of its slot, which still is the last one to clear it", async () => {
      const { auction, alice } = zone;
      await zone.place(slot, alice, ask(seller, 20, 1_000));
      await zone.goTo(slot, 0);
      expect((await auction.auctionOf(slot)).status).to.equal(Status.Open);
      await zone.goTo(slot, 1);
      expect((await auction.auctionOf(slot)).status).to.equal(Status.Void);
    });

    it("looks ahead from the slot of the present instant, whose end belongs to it", async () => {
      const { auction, alice } = zone;
      const last = slot + PARAMETERS.openAhead;
      const place = (s: number) => as(auction, alice).placeOrders([{ slot: s, ...ask(seller, 20, 1_000) }]);
      const refused = (s: number, latest: number) =>
        expect(place(s)).to.be.revertedWithCustomError(auction, "SlotTooFar").withArgs(s, latest);
      await zone.at(slot, D);
      await refused(last + 1, last);
      await place(last);
      await zone.at(slot, D + 1);
      await place(last + 1);
      await refused(last + 2, last + 1);
    });

    it("says when a gate has closed, also that of the first slot of all", async () => {
      const { auction, alice } = zone;
      const place = (s: number) => as(auction, alice).placeOrders([{ slot: s, ...ask(seller, 20, 1_000) }]);
      await expect(place(0)).to.be.revertedWithCustomError(auction, "GateClosed").withArgs(0, 0);
      await expect(place(1))
        .to.be.revertedWithCustomError(auction, "GateClosed")
        .withArgs(1, D - GATE);
    });

    it("takes exactly what the largest meters can move in a slot", async () => {
      const { auction, alice } = zone;
      const huge = await zone.addMeter(alice, Kind.Prosumer, { maxPowerW: 216_000_000 });
      const most = 3_600_000;
      await expect(zone.place(slot, alice, ask(huge, 20, most + 1)))
        .to.be.revertedWithCustomError(auction, "EnergyOutOfRange")
        .withArgs(most + 1, PARAMETERS.minOrder, most);
      await zone.place(slot, alice, ask(huge, 20, most));
    });

    it("can only be paused and opened again by the guardian", async () => {
      const { auction, guardian, operator, admin, alice } = zone;
      await as(auction, guardian).pause();
      for (const account of [operator, admin, alice]) {
        await expect(as(auction, account).unpause()).to.be.revertedWithCustomError(
          auction,
          "AccessManagedUnauthorized",
        );
      }
      await as(auction, guardian).unpause();
      expect(await auction.paused()).to.equal(false);
    });

    it("threat: reentrant token and receiver: no guarded function of the auction can be entered from a receipt", async () => {
      const { auction, alice } = zone;
      const { receiver, meter, act } = await zone.addReceiver();
      const { interface: abi } = auction;
      const attacks = (s: number) => [
        abi.encodeFunctionData("placeOrders", [[{ slot: s + 4, ...bid(meter, 60, 100) }]]),
        abi.encodeFunctionData("cancelOrders", [[orderId(s + 3, bid(meter, 60, 100))]]),
        abi.encodeFunctionData("clear", [s + 1]),
        abi.encodeFunctionData("settle", [[orderId(s, bid(meter, 60, 1_000))]]),
        abi.encodeFunctionData("finalize", [s]),
      ];
      for (let i = 0; i < 5; i++) {
        const [sale, purchase] = [ask(seller, 20, 1_000), bid(meter, 60, 1_000)];
        await zone.place(slot, alice, sale);
        await act(auction, "placeOrders", [[{ slot, ...purchase }]]);
        await act(auction, "placeOrders", [[{ slot: slot + 3, ...bid(meter, 60, 100) }]]);
        await zone.clear(slot);
        await zone.measure(slot, [[seller, 1_000]]);
        await receiver.arm(await auction.getAddress(), attacks(slot)[i]!);
        await zone.settle(slot, sale, purchase);
        expect(await receiver.succeeded()).to.equal(false);
        expect(await receiver.returned()).to.equal(abi.encodeErrorResult("ReentrancyGuardReentrantCall"));
        await receiver.setMood(0);
        slot += 5;
      }
    });
  });

  it("can be deployed with up to a year to order ahead", async () => {
    const { auction, deployer, manager, registry, vault, tariff, energyToken, gridOperator, dust } = await deployZone();
    const parts = [manager, registry, vault, tariff, energyToken, gridOperator, dust] as const;
    const most = YEAR / D;
    const deploy = (ahead: number) => ethers.deployContract("CallAuction", [...parts, GATE, ahead, 1], deployer);
    expect(await (await deploy(most)).openAhead()).to.equal(most);
    await expect(deploy(most + 1)).to.be.revertedWithCustomError(auction, "TimesOutOfRange");
  });

  it("settles orders of one unit on a bench rig, at the lowest tick and a lock of one base unit", async () => {
    const { alice, gridOperator, dust, money } = await deployAuctionZone();
    const salt = ethers.ZeroHash as `0x${string}`;
    const manager = await ethers.deployContract("AccessManager", [alice]);
    const registry = await ethers.deployContract("MeterRegistry", [manager, D, 2 * D, 30 * D, 1_000_000, salt]);
    const vault = await ethers.deployContract("Vault", [money]);
    const prices = [1_000n, 1_000n, 1, 1_000n, 128_000n, 0n] as const;
    const tariff = await ethers.deployContract("Tariff", [manager, registry, ...prices]);
    const energyToken = await ethers.deployContract("EnergyToken", [registry]);
    const parts = [manager, registry, vault, tariff, energyToken, gridOperator, dust] as const;
    const auction = await ethers.deployContract("CallAuction", [...parts, GATE, 3, 1]);
    for (const market of [auction, energyToken]) await as(registry, alice).addMarket(market);
    await as(money, alice).faucet(1_000n);
    await as(money, alice).approve(vault, 1_000n);
    await as(vault, alice).deposit(1_000n);
    await as(vault, alice).setAllowed(auction, true);
    const { chainId } = await ethers.provider.getNetwork();
    const domain = registryDomain(Number(chainId), (await registry.getAddress()) as `0x${string}`, salt);
    const meters: Meter[] = [];
    for (let i = 0; i < 2; i++) {
      const key = ethers.Wallet.createRandom();
      const possession = await signPossession(key, alice, domain);
      await as(registry, alice).register(alice, Kind.Prosumer, 1_000, 1, key.address, possession);
      meters.push(new Meter(i + 1, alice, key, domain));
    }
    const rules = {
      ...RULES,
      minPrice: 1_000n,
      tickSize: 1_000n,
      retailTick: 127,
      feeTicks: 0,
      unitsPerKWh: 1_000_000n,
    };
    const [sale, purchase] = [ask(meters[0]!, 0, 1), bid(meters[1]!, 0, 1)];
    const slot = slotOf(await networkHelpers.time.latest(), D) + 2;
    const at = (second: number) => networkHelpers.time.setNextBlockTimestamp(slot * D + second);

    await as(auction, alice).placeOrders([{ slot, ...sale }]);
    expect(await vault.pot(auction)).to.equal(lockOf(sale, rules));
    await as(auction, alice).placeOrders([{ slot, ...purchase }]);
    expect(lockOf(purchase, rules)).to.equal(1n);
    expect(await vault.pot(auction)).to.equal(lockOf(sale, rules) + 1n);
    // The same order again takes the place of the one unit and costs nothing.
    await as(auction, alice).placeOrders([{ slot, ...purchase }]);
    expect(await vault.pot(auction)).to.equal(lockOf(sale, rules) + 1n);
    const { bids, asks } = await auction.depth(slot);
    expect([bids[0], asks[0], bids[1]]).to.deep.equal([1n, 1n, 0n]);
    // The dearest tick is in the book as well.
    const top = ask(meters[0]!, 127, 1);
    await as(auction, alice).placeOrders([{ slot, ...top }]);
    expect((await auction.depth(slot)).asks[127]).to.equal(1n);
    await as(auction, alice).cancelOrders([orderId(slot, top)]);

    await at(-GATE);
    expect((await auction.auctionOf(slot)).openAsks).to.equal(0n);
    await auction.clear(slot);
    expect((await auction.auctionOf(slot)).volume).to.equal(1n);
    await at(1);
    const first = await meters[0]!.restart(slot * D);
    await registry.report([first.reading], [first.signature]);
    // One unit that is not final yet waits, and one that was exported is claimed.
    await auction.settle([orderId(slot, sale)]);
    expect((await auction.auctionOf(slot)).openAsks).to.equal(1n);
    const last = await meters[0]!.step((slot + 1) * D, 1n);
    await at(D);
    await registry.report([last.reading], [last.signature]);
    await auction.settle([orderId(slot, sale), orderId(slot, purchase)]);
    const { delivered, openAsks, openBids, balance } = await auction.auctionOf(slot);
    expect([delivered, openAsks, openBids, balance]).to.deep.equal([1n, 0n, 0n, 0n]);
    expect(await energyToken.balanceOf(alice, await energyToken.idOf(slot, 255))).to.equal(1n);
    // The seller's thousandth of a base unit rounds down, the buyer's up: the difference is dust.
    expect(await vault.free(dust)).to.equal(1n);
    expect(await vault.pot(auction)).to.equal(0n);
  });
});
