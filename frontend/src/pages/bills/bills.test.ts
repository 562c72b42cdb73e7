import { expect } from "chai";
import type { AuctionRecord, DeliveryRecord, OrderRecord } from "../../data/index.ts";
import { billOfOrder, billsOf, type Terms, totalOf } from "./bill.ts";
import { billsToCsv } from "./csv.ts";

const BUYER = "0x00000000000000000000000000000000000000b1";
const SELLER = "0x00000000000000000000000000000000000000c2";

/** 96 of 100 Wh at 0.180001 + 0.02 $/kWh. */
const delivery: DeliveryRecord = {
  bySlot: new Map([[100, 96n]]),
  id: 7n,
  listingId: 1n,
  buyer: BUYER,
  seller: SELLER,
  sellerMeterId: 2,
  buyerMeterId: 1,
  energy: 100n,
  delivered: 96n,
  price: 180_001n,
  gridFee: 20_000n,
  locked: 20_001n,
  paid: 17_280n,
  deadline: 1_700_000_400,
  boughtInBlock: 10n,
  endedEarly: false,
  outcome: "short",
  closedInBlock: 20n,
  bill: { cost: 19_201n, sellerPaid: 17_280n, gridFee: 1_920n, refund: 800n },
};
const terms: Terms = {
  slot: 1,
  closedAt: 1_700_000_300,
  prices: { feedIn: 80_000n, retail: 300_000n },
};

describe("bills", () => {
  it("tell the buyer what was saved against the utility", () => {
    const [bill, ...others] = billsOf(delivery, terms, BUYER.toUpperCase().replace("0X", "0x"), 1_000n);
    expect(others).to.deep.equal([]);
    expect(bill).to.deep.include({ side: "bought", ownMeterId: 1, otherMeterId: 2, cost: 19_201n, dust: 1n });
    expect(bill?.benefit).to.equal(28_800n - 19_201n);
  });
  it("tell the seller what was gained over feed-in", () => {
    const [bill] = billsOf(delivery, terms, SELLER, 1_000n);
    expect(bill).to.deep.include({ side: "sold", ownMeterId: 2, otherMeterId: 1, sellerPaid: 17_280n });
    expect(bill?.benefit).to.equal(17_280n - 7_680n);
  });
  it("show both sides to somebody who traded with himself, and none to others or before the end", () => {
    expect(billsOf({ ...delivery, seller: BUYER }, terms, BUYER, 1_000n).map((bill) => bill.side)).to.deep.equal([
      "bought",
      "sold",
    ]);
    expect(billsOf(delivery, terms, "0x00000000000000000000000000000000000000d3", 1_000n)).to.deep.equal([]);
    expect(billsOf({ ...delivery, bill: undefined, outcome: undefined }, terms, BUYER, 1_000n)).to.deep.equal([]);
  });
  it("add up by side", () => {
    const bills = [...billsOf(delivery, terms, BUYER, 1_000n), ...billsOf(delivery, terms, SELLER, 1_000n)];
    const twice = [...bills, ...bills];
    expect(totalOf(twice, "bought")).to.deep.equal({ energy: 192n, money: 38_402n, benefit: 19_198n });
    expect(totalOf(twice, "sold")).to.deep.equal({ energy: 192n, money: 34_560n, benefit: 19_200n });
  });
  it("go into a file with every digit, in the units the columns name", () => {
    const csv = billsToCsv(billsOf(delivery, terms, BUYER, 1_000n), {
      unitsPerKWh: 1_000n,
      moneyDecimals: 6,
      moneySymbol: "tUSD",
    });
    const [head, line, end] = csv.split("\r\n");
    expect(head).to.match(/^closed \(UTC\),market,number,slot,side,.*,delivered \(kWh\),price \(tUSD\/kWh\)/);
    expect(line).to.equal(
      "2023-11-14T22:18:20.000Z,direct,7,1,bought,1,2,short,0.1,0.096,0.180001,0.02,0.01728,0.00192,0.000001,0.019201,0.0008,0,0.08,0.3,0.009599",
    );
    expect(end).to.equal("");
  });
  describe("of the auction", () => {
    // 96 of 100 Wh delivered at 0.18 + 0.02 $/kWh, limit 0.2 and 0.16 $/kWh.
    const auction: AuctionRecord = {
      slot: 28_333_338,
      feedIn: 80_000n,
      retail: 300_000n,
      gridFee: 20_000n,
      cleared: { price: 180_000n, volume: 100n },
      delivered: 96n,
      fee: undefined,
      dust: undefined,
    };
    const order: OrderRecord = {
      id: 9n,
      slot: auction.slot,
      meterId: 1,
      side: "bid",
      tick: 70,
      account: BUYER,
      energy: 120n,
      locked: 24_000n,
      placedInBlock: 12n,
      settled: { filled: 100n, energy: 96n, money: 19_200n, fee: 1_920n, penalty: 400n, inBlock: 20n },
    };
    const bought = billOfOrder(order, auction, 1_700_000_300, 1_000n);
    const sold = billOfOrder(
      { ...order, side: "ask", locked: 14_400n, settled: { ...order.settled!, money: 17_280n, fee: 0n } },
      auction,
      1_700_000_300,
      1_000n,
    );
    it("count a compensation for the buyer and a penalty against the seller", () => {
      expect(bought).to.deep.include({ side: "bought", outcome: "short", energy: 100n, refund: 4_800n });
      expect(bought?.benefit).to.equal(28_800n - 19_200n + 400n);
      expect(sold).to.deep.include({ side: "sold", sellerPaid: 17_280n, refund: 14_000n });
      expect(sold?.benefit).to.equal(17_280n - 400n - 7_680n);
      expect(totalOf([bought!, sold!], "bought").money).to.equal(18_800n);
      expect(totalOf([bought!, sold!], "sold").money).to.equal(16_880n);
    });
    it("are not written for an order that was not accepted or not settled yet", () => {
      const unfilled = { ...order.settled!, filled: 0n, energy: 0n, money: 0n, fee: 0n, penalty: 0n };
      expect(billOfOrder({ ...order, settled: unfilled }, auction, 1, 1_000n)).to.equal(undefined);
      expect(billOfOrder({ ...order, settled: undefined }, auction, 1, 1_000n)).to.equal(undefined);
    });
    it("go into the same file, with their slot and without another meter", () => {
      const csv = billsToCsv([bought!], { unitsPerKWh: 1_000n, moneyDecimals: 6, moneySymbol: "tUSD" });
      expect(csv.split("\r\n")[1]).to.equal(
        "2023-11-14T22:18:20.000Z,auction,9,28333338,bought,1,,short,0.1,0.096,0.18,0.02,0.01728,0.00192,0,0.0192,0.0048,0.0004,0.08,0.3,0.01",
      );
    });
  });
});
