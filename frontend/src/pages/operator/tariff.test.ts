import { expect } from "chai";
import type { Parsed } from "../../format/index.ts";
import { replacedBy, startsAfter, validateTariff } from "./tariff.ts";

const amount = (value: bigint): Parsed => ({ kind: "amount", value });
const zone = { minPrice: 60_000n, tickSize: 2_000n };
const codes = (feedIn: bigint, retail: bigint, gridFee: bigint) =>
  validateTariff({ feedIn: amount(feedIn), retail: amount(retail), gridFee: amount(gridFee) }, zone).map(
    ({ code }) => code,
  );

describe("new prices", () => {
  it("stand on steps and leave room for the grid fee", () => {
    expect(codes(80_000n, 300_000n, 20_000n)).to.deep.equal([]);
    expect(codes(81_000n, 300_000n, 20_000n)).to.deep.equal(["priceOffStep"]);
    expect(codes(58_000n, 300_000n, 20_000n)).to.deep.equal(["priceBelow"]);
    expect(codes(80_000n, 314_000n, 20_000n)).to.deep.equal([]);
    expect(codes(80_000n, 316_000n, 20_000n)).to.deep.equal(["priceBeyond"]);
    expect(codes(80_000n, 100_000n, 20_000n)).to.deep.equal(["feeTooHigh"]);
  });
  it("are asked for before anything else", () => {
    const figures = { feedIn: amount(1n), retail: { kind: "empty" } as const, gridFee: amount(1n) };
    expect(validateTariff(figures, zone)[0]).to.deep.equal({ code: "priceMissing" });
  });
  it("begin no earlier than announced", () => {
    expect(startsAfter(100, 1, 900, 0)).to.deep.equal([103, 104, 196, 772]);
    expect(startsAfter(100, 96, 900, 0)).to.deep.equal([198, 772]);
  });
  it("replace what was announced for the same slot or a later one", () => {
    const schedule = [{ fromSlot: 0 }, { fromSlot: 90 }, { fromSlot: 103 }, { fromSlot: 196 }];
    expect(replacedBy(schedule, 103)).to.deep.equal(schedule.slice(2));
    expect(replacedBy(schedule, 104)).to.deep.equal(schedule.slice(3));
    expect(replacedBy(schedule, 197)).to.deep.equal([]);
  });
  it("leave as long again as the waiting time to carry them out", () => {
    expect(startsAfter(100, 1, 900, 3_600)).to.deep.equal([111, 196, 772]);
  });
});
