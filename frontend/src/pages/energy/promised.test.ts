import { packOrderId } from "@ioe/protocol";
import { expect } from "chai";
import type { AuctionRecord, DeliveryRecord, Ledger, OrderRecord } from "../../data/index.ts";
import { clearedAsks, promisedBy } from "./promised.ts";

const METER = 7;
const SLOT_S = 60;
/** In slot 100. */
const NOW = 6_030;

const NOT_SETTLED = { account: `0x${"1".repeat(40)}`, locked: 0n, placedInBlock: 1n, settled: undefined } as const;
const SETTLED = { filled: 1n, energy: 1n, money: 1n, fee: 0n, penalty: 0n, inBlock: 9n };

function order(slot: number, energy: bigint, change: Partial<OrderRecord> = {}): OrderRecord {
  const key = { slot, meterId: METER, side: "ask" as const, tick: Number(energy), ...change };
  return { ...NOT_SETTLED, ...key, id: packOrderId(key), energy, ...change };
}

function ledger(orders: OrderRecord[], cleared: number[] = [], deliveries: Partial<DeliveryRecord>[] = []) {
  const auction = (slot: number) => ({ slot, cleared: { price: 1n, volume: 5n } }) as AuctionRecord;
  return {
    orders: new Map(orders.map((each) => [each.id, each])),
    auctions: new Map(cleared.map((slot) => [slot, auction(slot)])),
    deliveries: new Map(deliveries.map((each, i) => [BigInt(i), each as DeliveryRecord])),
  } satisfies Pick<Ledger, "orders" | "auctions" | "deliveries">;
}

const NO_FILLS: ReadonlyMap<bigint, bigint> = new Map();
const promised = (of: ReturnType<typeof ledger>, fills = NO_FILLS) => promisedBy(METER, of, [], fills, NOW, SLOT_S);

describe("energy a meter has promised", () => {
  it("is all of an order until its auction is over, and then what was accepted of it", () => {
    const ask = order(101, 20n);
    expect(promised(ledger([ask]))).to.equal(20n);
    const over = ledger([ask], [101]);
    expect(clearedAsks(over, METER)).to.deep.equal([ask]);
    expect(promised(over, new Map([[ask.id, 3n]]))).to.equal(3n);
    expect(promised(over, new Map([[ask.id, 0n]])), "not accepted").to.equal(0n);
  });
  it("is nothing of an order that is settled, void, a bid, or another meter's", () => {
    const none = [
      order(101, 20n, { settled: SETTLED }),
      order(99, 21n),
      order(101, 22n, { side: "bid" }),
      order(101, 23n, { meterId: 8 }),
    ];
    expect(promised(ledger(none))).to.equal(0n);
    expect(clearedAsks(ledger(none, [99, 101]), METER).map(({ slot }) => slot)).to.deep.equal([99]);
  });
  it("adds offers and what running deliveries still have to bring", () => {
    const deliveries = [
      { sellerMeterId: METER, energy: 50n, delivered: 20n, outcome: undefined },
      { sellerMeterId: METER, energy: 50n, delivered: 20n, outcome: "short" as const },
      { sellerMeterId: 8, energy: 50n, delivered: 20n, outcome: undefined },
    ];
    const offers = [
      { meterId: METER, remaining: 100n },
      { meterId: 8, remaining: 200n },
    ];
    const of = ledger([order(102, 5n)], [], deliveries);
    expect(promisedBy(METER, of, offers, NO_FILLS, NOW, SLOT_S)).to.equal(135n);
  });
});
