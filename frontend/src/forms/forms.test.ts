import { expect } from "chai";
import type { Reason } from "../text/index.ts";
import { asTrader } from "./index.ts";

describe("what keeps somebody from trading for a meter", () => {
  const [owner, trader] = [`0x${"aA".repeat(20)}`, `0x${"bb".repeat(20)}`];
  const reasons: Reason[] = [
    { code: "auctionNotAllowed" },
    { code: "depositFirst", missing: 1n },
    { code: "amountMissing" },
  ];

  it("is the owner's to mend where it is the owner's money", () => {
    expect(asTrader(reasons, trader, { owner }).map(({ code }) => code)).to.deep.equal([
      "ownerAllowsFirst",
      "ownerDepositsFirst",
      "amountMissing",
    ]);
  });
  it("is one's own to mend otherwise", () => {
    expect(asTrader(reasons, owner.toLowerCase(), { owner })).to.deep.equal(reasons);
    expect(asTrader(reasons, trader, undefined)).to.deep.equal(reasons);
  });
});
