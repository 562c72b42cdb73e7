import { expect } from "chai";
import { as, D, deployZone, ethers, Kind, type Meter, PARAMETERS, type Zone } from "./fixture.ts";

const { feedIn, retail, gridFee, minPrice, tickSize, noticeSlots } = PARAMETERS;
const LAST_PRICE = minPrice + 127n * tickSize;
/** Without knowledge of supply and demand: halfway between feed-in and retail − fee. */
const MIDDLE = (feedIn + retail - gridFee) / 2n;

describe("Tariff", () => {
  let zone: Zone;
  beforeEach(async () => {
    zone = await deployZone();
  });

  describe("announcements", () => {
    it("begin with the deployment's prices, which hold from the first slot on", async () => {
      const { tariff } = zone;
      expect(await tariff.schedule()).to.deep.equal([[0n, feedIn, retail, gridFee]]);
      for (const slot of [0, 1, 2 ** 40 - 1]) {
        expect(await tariff.tariffAt(slot)).to.deep.equal([feedIn, retail, gridFee]);
      }
      expect(await tariff.minPrice()).to.equal(minPrice);
      expect(await tariff.tickSize()).to.equal(tickSize);
      expect(await tariff.noticeSlots()).to.equal(BigInt(noticeSlots));
    });

    it("hold from their first slot on and leave the slots before as they were", async () => {
      const { tariff, operator } = zone;
      const slot = await zone.nextSlot();
      await zone.at(slot, 5);
      await expect(as(tariff, operator).setTariff(slot + 2, 100_000n, 200_000n, 10_000n))
        .to.emit(tariff, "TariffSet")
        .withArgs(slot + 2, 100_000n, 200_000n, 10_000n);
      await as(tariff, operator).setTariff(slot + 5, 90_000n, 210_000n, 0n);
      expect(await tariff.tariffAt(slot + 1)).to.deep.equal([feedIn, retail, gridFee]);
      for (const s of [slot + 2, slot + 4]) {
        expect(await tariff.tariffAt(s)).to.deep.equal([100_000n, 200_000n, 10_000n]);
      }
      expect(await tariff.tariffAt(slot + 5)).to.deep.equal([90_000n, 210_000n, 0n]);
      expect(await tariff.schedule()).to.have.lengthOf(3);
    });

    it("replace what was announced for the same or a later slot", async () => {
      const { tariff, operator } = zone;
      const slot = await zone.nextSlot();
      await zone.at(slot, 5);
      for (const from of [slot + 3, slot + 5, slot + 7]) {
        await as(tariff, operator).setTariff(from, 100_000n, 200_000n, 10_000n);
      }
      await as(tariff, operator).setTariff(slot + 5, 90_000n, 210_000n, 0n);
      expect((await tariff.schedule()).map(({ fromSlot }) => Number(fromSlot))).to.deep.equal([0, slot + 3, slot + 5]);
      expect(await tariff.tariffAt(slot + 9)).to.deep.equal([90_000n, 210_000n, 0n]);
    });

    it("never touch the current slot or one within the notice", async () => {
      const { tariff, operator } = zone;
      const slot = await zone.nextSlot();
      for (const from of [0, slot - 1, slot]) {
        await zone.at(slot, D);
        await expect(as(tariff, operator).setTariff(from, 100_000n, 200_000n, 10_000n))
          .to.be.revertedWithCustomError(tariff, "TariffTooSoon")
          .withArgs(from, slot + noticeSlots);
      }
      await zone.at(slot, D);
      await as(tariff, operator).setTariff(slot + noticeSlots, 100_000n, 200_000n, 10_000n);
      expect(await tariff.tariffAt(slot)).to.deep.equal([feedIn, retail, gridFee]);
    });

    it("are the operator's alone", async () => {
      const slot = await zone.nextSlot();
      for (const caller of [zone.alice, zone.admin, zone.guardian, zone.deployer, zone.gridOperator]) {
        await expect(as(zone.tariff, caller).setTariff(slot + 9, feedIn, retail, gridFee))
          .to.be.revertedWithCustomError(zone.tariff, "AccessManagedUnauthorized")
          .withArgs(caller.address);
      }
    });

    it("must lie on ticks, leave a margin for the fee, and pay for what is fed in", async () => {
      const { tariff, operator } = zone;
      const from = (await zone.nextSlot()) + 9;
      const set = (f: bigint, r: bigint, g: bigint) => as(tariff, operator).setTariff(from, f, r, g);
      await expect(set(0n, retail, gridFee)).to.be.revertedWithCustomError(tariff, "FeedInZero");
      await expect(set(feedIn + 1n, retail, gridFee))
        .to.be.revertedWithCustomError(tariff, "PriceOffTick")
        .withArgs(feedIn + 1n, minPrice, tickSize);
      await expect(set(minPrice - tickSize, retail, gridFee))
        .to.be.revertedWithCustomError(tariff, "PriceOffTick")
        .withArgs(minPrice - tickSize, minPrice, tickSize);
      await expect(set(feedIn, retail + 1n, gridFee)).to.be.revertedWithCustomError(tariff, "PriceOffTick");
      await expect(set(feedIn, retail, gridFee + 1n))
        .to.be.revertedWithCustomError(tariff, "PriceOffTick")
        .withArgs(gridFee + 1n, 0, tickSize);
      await expect(set(feedIn, LAST_PRICE + tickSize, gridFee))
        .to.be.revertedWithCustomError(tariff, "PriceBeyondLastTick")
        .withArgs(LAST_PRICE + tickSize, LAST_PRICE);
      await expect(set(feedIn, retail, retail - feedIn))
        .to.be.revertedWithCustomError(tariff, "FeeTooHigh")
        .withArgs(retail - feedIn, retail - feedIn);
      await expect(set(retail, feedIn, 0n))
        .to.be.revertedWithCustomError(tariff, "FeeTooHigh")
        .withArgs(0, 0);
      await expect(set(feedIn, feedIn, 0n))
        .to.be.revertedWithCustomError(tariff, "FeeTooHigh")
        .withArgs(0, 0);
      await set(minPrice, LAST_PRICE, LAST_PRICE - minPrice - tickSize);
    });
  });

  describe("deployment", () => {
    const deploy = async (overrides: Partial<typeof PARAMETERS>) => {
      const p = { ...PARAMETERS, ...overrides };
      const factory = await ethers.getContractFactory("Tariff");
      return factory.deploy(
        zone.manager,
        zone.registry,
        p.minPrice,
        p.tickSize,
        p.noticeSlots,
        p.feedIn,
        p.retail,
        p.gridFee,
      );
    };

    it("needs a tick, a notice, and prices that fit 48 bits", async () => {
      const { tariff } = zone;
      await expect(deploy({ tickSize: 0n })).to.be.revertedWithCustomError(tariff, "TickSizeZero");
      await expect(deploy({ noticeSlots: 0 }))
        .to.be.revertedWithCustomError(tariff, "TariffTooSoon")
        .withArgs(0, 1);
      const most = 2n ** 48n - 1n;
      await expect(deploy({ minPrice: most, tickSize: 1n })).to.be.revertedWithCustomError(
        tariff,
        "PriceBeyondLastTick",
      );
      const tooWide = most / 127n;
      await expect(deploy({ minPrice: 127n, tickSize: tooWide }))
        .to.be.revertedWithCustomError(tariff, "PriceBeyondLastTick")
        .withArgs(127n, most);
      const highest = most - 127n;
      await deploy({ minPrice: highest, tickSize: 1n, feedIn: highest, retail: most, gridFee: 126n });
    });

    it("counts ticks from the lowest price, wherever that is", async () => {
      const prices = { minPrice: 1n, tickSize: 3n, feedIn: 4n, retail: 13n, gridFee: 3n };
      await deploy(prices);
      await expect(deploy({ ...prices, feedIn: 5n }))
        .to.be.revertedWithCustomError(zone.tariff, "PriceOffTick")
        .withArgs(5n, 1n, 3n);
    });

    it("checks its first prices like any other", async () => {
      await expect(deploy({ feedIn: 0n })).to.be.revertedWithCustomError(zone.tariff, "FeedInZero");
      await expect(deploy({ gridFee: retail - feedIn })).to.be.revertedWithCustomError(zone.tariff, "FeeTooHigh");
    });
  });

  describe("index price", () => {
    /** Two slots later the totals of this one decide. */
    async function measured(readings: [Meter, bigint, bigint, boolean?][], slot: number): Promise<void> {
      await zone.at(slot, 1);
      await zone.report(...readings.map(([meter]) => meter.restart(slot * D)));
      await zone.at(slot + 1, 0);
      await zone.report(
        ...readings.map(([meter, out, into, complete = true]) =>
          meter.step((slot + 1) * D - (complete ? 0 : 1), out, into),
        ),
      );
    }

    it("is the paper's: retail 30, feed-in 8, ratio 0.8 → 9.375 for the seller, 13.5 for the buyer", async () => {
      const slot = await zone.nextSlot();
      const [sun, load] = [await zone.addMeter(zone.alice, Kind.Solar), await zone.addMeter(zone.bob, Kind.Load)];
      await measured(
        [
          [sun, 800n, 0n],
          [load, 0n, 1_000n],
        ],
        slot,
      );
      expect([feedIn, retail]).to.deep.equal([80_000n, 300_000n]);
      expect(await zone.tariff.indexPrice(slot + 2)).to.deep.equal([93_750n, 135_000n]);
    });

    it("is the feed-in price when there is at least as much supply as demand", async () => {
      const slot = await zone.nextSlot();
      const sun = await zone.addMeter(zone.alice, Kind.Solar);
      await measured([[sun, 1_000n, 1_000n]], slot);
      expect(await zone.tariff.indexPrice(slot + 2)).to.deep.equal([feedIn, feedIn]);
    });

    it("leaves room for the grid fee when supply is scarce", async () => {
      const slot = await zone.nextSlot();
      const load = await zone.addMeter(zone.alice, Kind.Load);
      await measured([[load, 0n, 1_000n]], slot);
      const { sell, buy } = await zone.tariff.indexPrice(slot + 2);
      expect([sell, buy]).to.deep.equal([retail - gridFee, retail]);
    });

    it("is the retail price, as far as the fee allows, when nothing was supplied and nothing was asked for", async () => {
      const slot = await zone.nextSlot();
      const sun = await zone.addMeter(zone.alice, Kind.Solar);
      await measured([[sun, 0n, 0n]], slot);
      expect(await zone.tariff.indexPrice(slot + 2)).to.deep.equal([retail - gridFee, retail]);
    });

    it("is the feed-in price of one unit supplied and one asked for", async () => {
      const slot = await zone.nextSlot();
      const sun = await zone.addMeter(zone.alice, Kind.Solar);
      await measured([[sun, 1n, 1n]], slot);
      expect(await zone.tariff.indexPrice(slot + 2)).to.deep.equal([feedIn, feedIn]);
    });

    it("does not listen to the utility's meter", async () => {
      const slot = await zone.nextSlot();
      const [sun, grid] = [await zone.addMeter(zone.alice, Kind.Solar), await zone.addMeter(zone.bob, Kind.Grid)];
      await measured(
        [
          [sun, 1_000n, 0n],
          [grid, 0n, 90_000n],
        ],
        slot,
      );
      expect(await zone.tariff.indexPrice(slot + 2)).to.deep.equal([feedIn, feedIn]);
    });

    it("is the middle without knowledge: no meters, no readings, or the first slots of all", async () => {
      const slot = await zone.nextSlot();
      for (const s of [0, 1, 2, slot]) {
        expect(await zone.tariff.indexPrice(s)).to.deep.equal([MIDDLE, MIDDLE]);
      }
    });

    it("needs complete readings of two thirds of the active meters", async () => {
      const slot = await zone.nextSlot();
      const meters = [];
      for (let i = 0; i < 3; i++) meters.push(await zone.addMeter(zone.alice, Kind.Solar));
      const [a, b, c] = meters as [Meter, Meter, Meter];
      await measured(
        [
          [a, 10n, 0n],
          [b, 10n, 0n, false],
          [c, 10n, 0n, false],
        ],
        slot,
      );
      expect(await zone.tariff.indexPrice(slot + 2)).to.deep.equal([MIDDLE, MIDDLE]);
      await measured(
        [
          [a, 10n, 0n],
          [b, 10n, 0n],
          [c, 10n, 0n, false],
        ],
        slot + 3,
      );
      expect(await zone.tariff.indexPrice(slot + 5)).to.deep.equal([feedIn, feedIn]);
    });

    it("counts no meter that the operator has shut out, neither as active nor as complete", async () => {
      const slot = await zone.nextSlot();
      const [a, b, out] = [await zone.addMeter(), await zone.addMeter(), await zone.addMeter()];
      await as(zone.registry, zone.operator).setActive(out.id, false);
      await measured(
        [
          [a, 0n, 10n],
          [b, 0n, 10n, false],
          [out, 9_999n, 0n],
        ],
        slot,
      );
      expect(await zone.tariff.indexPrice(slot + 2)).to.deep.equal([MIDDLE, MIDDLE]);
      await measured(
        [
          [a, 0n, 10n],
          [b, 0n, 10n],
          [out, 9_999n, 0n],
        ],
        slot + 3,
      );
      expect(await zone.tariff.indexPrice(slot + 5)).to.deep.equal([retail - gridFee, retail]);
    });
  });
});
