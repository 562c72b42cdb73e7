import { expect } from "chai";
import type { Parsed } from "../../format/index.ts";
import { byMerit, type Ranked } from "./merit.ts";
import { defaultDuration, durations, secondsFor } from "./timing.ts";
import { type BuyContext, type SellContext, validateBuy, validateSell } from "./validate.ts";

const amount = (value: bigint): Parsed => ({ kind: "amount", value });
const codes = (reasons: { code: string }[]) => reasons.map((reason) => reason.code);

const offer = {
  meterId: 2,
  remaining: 1_000n,
  minEnergy: 50n,
  allIn: 200_000n,
  expiresAt: 2_000,
  busyUntil: undefined,
};
const good: BuyContext = {
  session: "ready",
  paused: false,
  now: 1_000,
  offer,
  energy: amount(100n),
  meter: { id: 1, active: true, busyUntil: undefined },
  lack: "noMeter",
  maxPrice: amount(200_000n),
  funds: { free: 20_000n, marketAllowed: true },
  unitsPerKWh: 1_000n,
};

describe("validateBuy", () => {
  const buy = (change: Partial<BuyContext>) => validateBuy({ ...good, ...change });
  it("lets a sound purchase pass, with money to the last base unit", () => expect(buy({})).to.deep.equal([]));

  const table: [string, Partial<BuyContext>, string][] = [
    ["no wallet", { session: "none", meter: undefined, funds: undefined }, "noWallet"],
    ["wrong network", { session: "wrongNetwork" }, "wrongNetwork"],
    ["offer sold out or taken back", { offer: undefined }, "offerGone"],
    ["offer ended", { now: 2_001 }, "offerGone"],
    ["market paused", { paused: true }, "marketPaused"],
    ["account without a meter", { meter: undefined }, "noMeter"],
    ["meters still being read", { meter: undefined, lack: "loading" }, "loading"],
    ["own offer into the same meter", { meter: { id: 2, active: true, busyUntil: undefined } }, "sameMeter"],
    ["meter switched off by the operator", { meter: { id: 1, active: false, busyUntil: undefined } }, "meterInactive"],
    ["nothing typed", { energy: { kind: "empty" } }, "amountMissing"],
    ["nonsense typed", { energy: { kind: "invalid", message: "no" } }, "amountInvalid"],
    ["amount 0", { energy: amount(0n) }, "amountZero"],
    ["below the smallest sale", { energy: amount(49n) }, "belowMinimum"],
    ["no price limit", { maxPrice: { kind: "empty" } }, "priceMissing"],
    ["price above the limit", { maxPrice: amount(199_999n) }, "priceAboveLimit"],
    ["funds still being read", { funds: undefined }, "loading"],
    ["empty vault", { funds: { free: 0n, marketAllowed: false } }, "depositFirst"],
    ["above the balance", { funds: { free: 19_999n, marketAllowed: true } }, "notEnoughMoney"],
    ["market not allowed", { funds: { free: 20_000n, marketAllowed: false } }, "marketNotAllowed"],
    ["seller busy", { offer: { ...offer, busyUntil: 1_500 } }, "sellerBusy"],
    ["own meter busy", { meter: { id: 1, active: true, busyUntil: 1_500 } }, "buyerBusy"],
  ];
  for (const [name, change, first] of table) {
    it(`${name} → ${first}`, () => expect(codes(buy(change))[0]).to.equal(first));
  }

  it("states the remainder when more is asked for than there is", () => {
    expect(buy({ energy: amount(1_001n), funds: { free: 10n ** 9n, marketAllowed: true } })).to.deep.equal([
      { code: "moreThanRemains", remaining: 1_000n },
    ]);
  });
  it("lets the rest of an offer go, although it is below the smallest sale", () => {
    expect(buy({ offer: { ...offer, remaining: 20n }, energy: amount(20n) })).to.deep.equal([]);
    expect(buy({ offer: { ...offer, remaining: 20n }, energy: amount(10n) })).to.deep.equal([
      { code: "belowMinimum", minimum: 20n },
    ]);
  });
  it("rounds the cost up: one base unit short is not enough", () => {
    // 1 unit at 200_001 per 1000 units costs 201 base units, rounded up
    const context = { energy: amount(50n), offer: { ...offer, allIn: 200_001n }, maxPrice: amount(200_001n) };
    expect(buy({ ...context, funds: { free: 10_001n, marketAllowed: true } })).to.deep.equal([]);
    expect(codes(buy({ ...context, funds: { free: 10_000n, marketAllowed: true } }))).to.deep.equal(["notEnoughMoney"]);
  });
  it("puts the wallet before the form and the form before the money", () => {
    const reasons = buy({ energy: { kind: "empty" }, funds: { free: 0n, marketAllowed: false } });
    expect(codes(reasons)).to.deep.equal(["amountMissing", "depositFirst", "marketNotAllowed"]);
  });
});

describe("validateSell", () => {
  const context: SellContext = {
    session: "ready",
    paused: false,
    meter: { id: 1, active: true },
    lack: "noMeter",
    energy: amount(1_000n),
    price: amount(180_000n),
    minimum: { kind: "empty" },
    bounds: { lowest: 80_000n, highest: 280_000n },
  };
  const sell = (change: Partial<SellContext>) => validateSell({ ...context, ...change });
  it("lets both bounds pass", () => {
    expect(sell({ price: amount(80_000n) })).to.deep.equal([]);
    expect(sell({ price: amount(280_000n) })).to.deep.equal([]);
  });
  const table: [string, Partial<SellContext>, string][] = [
    ["no wallet", { session: "none", meter: undefined }, "noWallet"],
    ["paused", { paused: true }, "marketPaused"],
    ["no meter", { meter: undefined }, "noMeter"],
    ["meters still being read", { meter: undefined, lack: "loading" }, "loading"],
    ["no meter that may sell", { meter: undefined, lack: "noSeller" }, "noSeller"],
    ["inactive meter", { meter: { id: 1, active: false } }, "meterInactive"],
    ["amount 0", { energy: amount(0n) }, "amountZero"],
    ["more than the contract counts", { energy: amount(2n ** 32n) }, "amountTooLarge"],
    ["no price", { price: { kind: "empty" } }, "priceMissing"],
    ["below feed-in", { price: amount(79_999n) }, "priceBelowFeedIn"],
    ["above retail less fee", { price: amount(280_001n) }, "priceAboveRetail"],
    ["tariff unknown yet", { bounds: undefined }, "loading"],
    ["smallest sale above the offer", { minimum: amount(1_001n) }, "minimumAboveEnergy"],
    ["smallest sale is nonsense", { minimum: { kind: "invalid", message: "no" } }, "amountInvalid"],
  ];
  for (const [name, change, first] of table) {
    it(`${name} → ${first}`, () => expect(codes(sell(change))[0]).to.equal(first));
  }
});

describe("order of offers", () => {
  const ranked = (id: bigint, allIn: bigint, change: Partial<Ranked> = {}): Ranked => ({
    id,
    allIn,
    busy: undefined,
    record: { promised: 0n, delivered: 0n },
    ...change,
  });
  it("is by the price a buyer pays, then free before busy, then reliable, then older", () => {
    const offers = [
      ranked(1n, 300n),
      ranked(2n, 200n, { busy: {} }),
      ranked(3n, 200n, { record: { promised: 100n, delivered: 90n } }),
      ranked(4n, 200n, { record: { promised: 100n, delivered: 100n } }),
      ranked(5n, 200n),
      ranked(6n, 100n, { busy: {} }),
    ];
    expect(offers.sort(byMerit).map((each) => each.id)).to.deep.equal([6n, 4n, 5n, 3n, 2n, 1n]);
  });
  it("compares records as shares, not as amounts", () => {
    const small = ranked(1n, 1n, { record: { promised: 10n, delivered: 8n } });
    const large = ranked(2n, 1n, { record: { promised: 1_000n, delivered: 900n } });
    expect(byMerit(small, large)).to.equal(1);
  });
});

describe("duration of a purchase", () => {
  it("is energy over power", () => {
    expect(secondsFor(100n, 6_000, 1_000n)).to.equal(60);
    expect(secondsFor(100_000n, 6_000, 1_000_000n)).to.equal(60);
    expect(secondsFor(100n, 0, 1_000n)).to.equal(Infinity);
  });
  it("leaves time for relays and readings, within the market's limit", () => {
    expect(defaultDuration(61, 60, 900)).to.equal(360);
    expect(defaultDuration(1, 60, 900)).to.equal(180);
    expect(defaultDuration(Infinity, 60, 900)).to.equal(900);
    expect(durations(60, 900)).to.deep.equal([120, 300, 600, 900]);
    expect(durations(900, 900)).to.deep.equal([900]);
  });
});
