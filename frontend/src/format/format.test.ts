import { expect } from "chai";
import { de } from "../text/de/index.ts";
import { en } from "../text/en/index.ts";
import { speak } from "../text/index.ts";
import { createFormat, parseInput } from "./index.ts";

const dollars = createFormat({ unitsPerKWh: 1_000n, moneyDecimals: 6, moneySign: "$" });
const bench = createFormat({ unitsPerKWh: 1_000_000n, moneyDecimals: 18, moneySign: "DAI" });
const plain = (text: string) => text.replaceAll("\u00a0", " ");

describe("format: energy", () => {
  it("shows as many digits as there are, and no more", () => {
    expect(plain(dollars.energy(100n))).to.equal("0.1 kWh");
    expect(plain(dollars.energy(1n))).to.equal("0.001 kWh");
    expect(plain(dollars.energy(0n))).to.equal("0 kWh");
    expect(plain(bench.energy(1n))).to.equal("0.000001 kWh");
  });
  it("keeps the digits of a column", () => expect(plain(dollars.energyFixed(1_500))).to.equal("1.500 kWh"));
  it("shows which way energy went", () => {
    expect(plain(dollars.energySigned(50))).to.equal("+0.050 kWh");
    expect(plain(dollars.energySigned(-50n))).to.equal("−0.050 kWh");
    expect(plain(dollars.energySigned(0))).to.equal("0.000 kWh");
  });
  it("is exact beyond what a double can hold", () => {
    expect(plain(dollars.energy(9_007_199_254_740_993_001n))).to.equal("9,007,199,254,740,993.001 kWh");
  });
  it("writes a real minus", () => expect(plain(dollars.energy(-20n))).to.equal("−0.02 kWh"));
});

describe("format: money and prices", () => {
  it("shows cents, and parts of a cent when there are any", () => {
    for (const money of [dollars.moneyUp, dollars.moneyDown]) {
      expect(plain(money(20_000n))).to.equal("0.02 $");
      expect(plain(money(20_500n))).to.equal("0.0205 $");
      expect(plain(money(1_234_000_000n))).to.equal("1,234.00 $");
      expect(plain(money(-20_000n))).to.equal("−0.02 $");
      expect(plain(money(0n))).to.equal("0.00 $");
    }
  });
  it("rounds up what is needed and down what is there, so that what is shown suffices when it does", () => {
    expect(plain(dollars.moneyUp(16_601n))).to.equal("0.0167 $");
    expect(plain(dollars.moneyDown(16_699n))).to.equal("0.0166 $");
    expect(plain(dollars.moneyUp(16_600n))).to.equal("0.0166 $");
    expect(plain(dollars.moneyDown(16_600n))).to.equal("0.0166 $");
    expect(plain(dollars.moneyUp(999_999n))).to.equal("1.00 $");
    expect(plain(dollars.moneyDown(999_999n))).to.equal("0.9999 $");
    expect(plain(bench.moneyUp(1_000_000_000_000_000_001n))).to.equal("1.0001 DAI");
    expect(plain(bench.moneyDown(1_999_999_999_999_999_999n))).to.equal("1.9999 DAI");
  });
  it("says to the last digit what somebody is about to move", () => {
    expect(plain(dollars.moneyFull(10n))).to.equal("0.00001 $");
    expect(plain(dollars.moneyFull(1_234_567n))).to.equal("1.234567 $");
    expect(plain(dollars.moneyFull(20_000_000n))).to.equal("20.00 $");
  });
  it("takes a loss for a cost: more of it is less", () => {
    expect(plain(dollars.moneyDown(-16_601n))).to.equal("−0.0167 $");
    expect(plain(dollars.moneyUp(-16_699n))).to.equal("−0.0166 $");
    expect(plain(dollars.moneySigned(-16_601n))).to.equal("−0.0167 $");
    expect(plain(dollars.moneySigned(16_699n))).to.equal("+0.0166 $");
  });
  it("never shows zero for money that is there", () => {
    expect(plain(dollars.moneyDown(1n))).to.equal("< 0.0001 $");
    expect(plain(dollars.moneyUp(1n))).to.equal("0.0001 $");
    expect(plain(dollars.moneyDown(-1n))).to.equal("−0.0001 $");
    expect(plain(dollars.moneyUp(-1n))).to.equal("> −0.0001 $");
  });
  it("shows a balance that can be typed in as it is shown", () => {
    for (const free of [16_699n, 20_000n, 1_999_999n]) {
      const typed = parseInput(plain(dollars.moneyDown(free)).replace(" $", ""), 6);
      expect(typed.value! <= free, String(free)).to.equal(true);
    }
  });
  it("gives every digit to a file", () => expect(dollars.moneyExact(20_000_001n)).to.equal("20.000001"));
  it("keeps the digits of a column, so that its lines add up", () => {
    expect(dollars.moneyFixed(1_234_020_001n)).to.equal("1,234.020001");
    expect(dollars.moneyFixed(-20_000n)).to.equal("\u22120.020000");
    expect(bench.moneyFixed(250_000_000_000_000_000n)).to.equal("0.250000");
  });
  it("reads a dollar price in cents per kWh", () => {
    expect(plain(dollars.price(250_000n))).to.equal("25.00 ct/kWh");
    expect(dollars.priceDecimals).to.equal(4);
  });
  it("reads other tokens as they are", () => {
    expect(plain(bench.price(250_000_000_000_000_000n))).to.equal("0.25 DAI/kWh");
    expect(bench.priceDecimals).to.equal(18);
  });
});

describe("format: power, share, time", () => {
  it("changes to kilowatts only when watts become long", () => {
    expect(plain(dollars.power(4_820))).to.equal("4,820 W");
    expect(plain(dollars.power(-12_400))).to.equal("−12.4 kW");
  });
  it("says 100 % only when it is all", () => {
    expect(plain(dollars.percent(999n, 1000n))).to.equal("99 %");
    expect(plain(dollars.percent(1000n, 1000n))).to.equal("100 %");
    expect(dollars.percent(0n, 0n)).to.equal("–");
  });
  it("writes durations from seconds to hours, never 60 of anything", () => {
    expect(plain(dollars.duration(-3))).to.equal("0 s");
    expect(plain(dollars.duration(59.4))).to.equal("59 s");
    expect(plain(dollars.duration(59.6))).to.equal("1 min");
    expect(plain(dollars.duration(125))).to.equal("2 min 5 s");
    expect(plain(dollars.duration(7_199))).to.equal("2 h");
    expect(plain(dollars.duration(3_840))).to.equal("1 h 4 min");
  });
});

describe("format: what people type", () => {
  it("refuses what is a thousand to some and one to others", () => {
    expect(parseInput("1,000", 3).kind).to.equal("invalid");
    expect(parseInput("0,100", 3)).to.deep.equal({ kind: "amount", value: 100n });
    speak(de);
    expect(parseInput("1.000", 3).kind).to.equal("invalid");
    expect(parseInput("1,000", 3)).to.deep.equal({ kind: "amount", value: 1_000n });
    speak(en);
  });
  it("reads back what it has written into a field, in every language", () => {
    for (const [locale, catalogue] of [
      ["de-DE", de],
      ["de-CH", de],
      ["en-US", en],
    ] as const) {
      speak(catalogue);
      const format = createFormat({ ...dollars.units, locale });
      expect(parseInput(format.typedMoney(1_234_567_891n), 6)).to.deep.equal({ kind: "amount", value: 1_234_567_891n });
      expect(parseInput(format.typedEnergy(1_234_001n), 3)).to.deep.equal({ kind: "amount", value: 1_234_001n });
    }
    speak(en);
  });
  it("takes a dot or one comma as decimal mark", () => {
    expect(parseInput("0.1", 3)).to.deep.equal({ kind: "amount", value: 100n });
    expect(parseInput(" 0,1 ", 3)).to.deep.equal({ kind: "amount", value: 100n });
    expect(parseInput("", 3)).to.deep.equal({ kind: "empty" });
  });
  it("refuses what it cannot read exactly", () => {
    expect(parseInput("1,000.5", 3).kind).to.equal("invalid");
    expect(parseInput("-1", 3).kind).to.equal("invalid");
    expect(parseInput("0.0001", 3)).to.have.property("message").that.contains("at most 3 decimals");
    expect(parseInput("1e3", 3).kind).to.equal("invalid");
  });
});
