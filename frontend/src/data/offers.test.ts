import { expect } from "chai";
import { foldLedger, type LedgerLog } from "./ledger.ts";
import { offersOf } from "./offers.ts";
import { presentOf } from "./present.ts";

const A = "0x00000000000000000000000000000000000000a1";
const B = "0x00000000000000000000000000000000000000b2";
const prices = { feedIn: 80_000n, retail: 300_000n, gridFee: 20_000n, sell: 150_000n };

type Event = [string, Record<string, unknown>];
const ledger = (...events: Event[]) =>
  foldLedger(
    events.map(([eventName, args], i) => ({ eventName, args, blockNumber: BigInt(i) }) as unknown as LedgerLog),
  );
const offers = (...events: Event[]) => offersOf(presentOf(ledger(...meters, ...events)), prices, 1_000);
const meters: Event[] = [1, 2].map((meterId) => [
  "MeterRegistered",
  { meterId, owner: meterId === 2 ? B : A, kind: 4, maxPowerW: 8_000 },
]);
const listed = (change: object = {}): Event => [
  "Listed",
  {
    listingId: 7n,
    meterId: 2,
    account: B,
    energy: 500,
    mode: 0,
    price: 120_000n,
    minEnergy: 50,
    expiresAt: 9_000,
    ...change,
  },
];
const bought: Event[] = [
  ["Bought", { deliveryId: 5n, listingId: 7n, buyer: A, seller: B, locked: 20_000n }],
  [
    "DeliveryRequested",
    { deliveryId: 5n, sellerMeterId: 2, buyerMeterId: 1, energy: 100, price: 120_000n, deadline: 1_800 },
  ],
];

describe("offers", () => {
  it("ask the listing's price and the grid fee", () => {
    expect(offers(listed())[0]).to.include({ remaining: 500n, price: 120_000n, allIn: 140_000n, mode: "fixed" });
  });
  it("follow the index down to their floor", () => {
    expect(offers(listed({ mode: 1 }))[0]).to.include({ price: 150_000n, listedPrice: 120_000n });
    expect(offers(listed({ mode: 1, price: 200_000n }))[0]).to.include({ price: 200_000n });
  });
  it("hold less while somebody buys, and get back what did not flow", () => {
    const [during] = offers(listed(), ...bought);
    expect(during).to.deep.include({ remaining: 400n, busy: { deliveryId: 5n, deadline: 1_800 } });
    const [after] = offers(
      listed(),
      ...bought,
      ["DeliveryProgress", { deliveryId: 5n, slot: 3, delivered: 60, paid: 0n }],
      ["DeliveryClosed", { deliveryId: 5n, delivered: 60, outcome: 1 }],
    );
    expect(after).to.deep.include({ remaining: 440n, busy: undefined, record: { promised: 100n, delivered: 60n } });
  });
  it("are not there when they cannot be bought", () => {
    expect(offers(listed({ expiresAt: 1_000 }))).to.deep.equal([]);
    expect(offers(listed(), ["MeterTransferred", { meterId: 2, from: B, to: A }])).to.deep.equal([]);
    expect(offers(listed({ price: 290_000n }))).to.deep.equal([]);
    expect(offers(listed(), ["ListingCancelled", { listingId: 7n }])).to.deep.equal([]);
  });
  it("of a thousand sellers with ten thousand trades are there in a moment", () => {
    const events: Event[] = [];
    for (let i = 0; i < 1_000; i++) events.push(listed({ listingId: BigInt(i) }));
    for (let i = 0; i < 10_000; i++) {
      events.push(
        ["Bought", { deliveryId: BigInt(i), listingId: BigInt(i % 1_000), buyer: A, seller: B, locked: 1n }],
        [
          "DeliveryRequested",
          { deliveryId: BigInt(i), sellerMeterId: 2, buyerMeterId: 1, energy: 1, price: 1n, deadline: 9 },
        ],
        ["DeliveryClosed", { deliveryId: BigInt(i), delivered: 1, outcome: 0 }],
      );
    }
    expect(offers(...events)).to.have.length(1_000);
  });
});
