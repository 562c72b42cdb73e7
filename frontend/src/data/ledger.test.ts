import { expect } from "chai";
import { addToLedger, EMPTY_LEDGER, foldLedger, LEDGER_EVENTS, LEDGER_SHAPE, type LedgerLog } from "./ledger.ts";
import { packOrderId, unpackOrderId } from "@ioe/protocol";

const A = "0x00000000000000000000000000000000000000a1";
const B = "0x00000000000000000000000000000000000000b2";
const ZERO = "0x0000000000000000000000000000000000000000";

/** Logs in chain order, one per block. */
const chain = (...events: [string, Record<string, unknown>][]) =>
  events.map(([eventName, args], i) => ({ eventName, args, blockNumber: BigInt(i + 1) }) as unknown as LedgerLog);

describe("ledger: what the events add up to", () => {
  it("listens to events that exist, each once, and not to readings", () => {
    const names = LEDGER_EVENTS.map((event) => event.name);
    expect(names).to.have.length(26);
    expect(new Set(names).size).to.equal(names.length);
    expect(names).to.not.include("ReadingAccepted");
  });

  it("follows a meter through its owners; a new owner starts without a trader", () => {
    const { meters, tenures } = foldLedger(
      chain(
        ["MeterRegistered", { meterId: 1, owner: A, kind: 4, maxPowerW: 8_000 }],
        ["TraderSet", { meterId: 1, trader: B }],
        ["ActiveSet", { meterId: 1, active: false }],
        ["MeterTransferred", { meterId: 1, from: A, to: B }],
      ),
    );
    expect(meters.get(1)).to.deep.equal({ id: 1, owner: B, trader: ZERO, kind: 4, maxPowerW: 8_000, active: false });
    expect(tenures.get(1)).to.deep.equal([
      { owner: A, sinceBlock: 1n },
      { owner: B, sinceBlock: 4n },
    ]);
  });

  it("knows whom a meter is offered to, until it is accepted or taken back", () => {
    const offeredAfter = (...to: [string, Record<string, unknown>][]) => [
      ...foldLedger(chain(["MeterRegistered", { meterId: 1, owner: A, kind: 4, maxPowerW: 8_000 }], ...to)).offered,
    ];
    const offer = (to: string): [string, Record<string, unknown>] => [
      "MeterTransferStarted",
      { meterId: 1, from: A, to },
    ];
    expect(offeredAfter(offer(B))).to.deep.equal([[1, { to: B, inBlock: 2n }]]);
    expect(offeredAfter(offer(B), offer(A))).to.deep.equal([[1, { to: A, inBlock: 3n }]]);
    expect(offeredAfter(offer(B), offer(ZERO))).to.deep.equal([]);
    expect(offeredAfter(offer(B), ["MeterTransferred", { meterId: 1, from: A, to: B }])).to.deep.equal([]);
  });

  it("forgets a listing that was taken back", () => {
    const listed = (listingId: bigint): [string, Record<string, unknown>] => [
      "Listed",
      { listingId, meterId: 1, account: A, energy: 5, mode: 0, price: 1n, minEnergy: 0, expiresAt: 9 },
    ];
    const { listings } = foldLedger(chain(listed(1n), listed(2n), ["ListingCancelled", { listingId: 1n }]));
    expect([...listings.keys()]).to.deep.equal([2n]);
  });

  const bought: [string, Record<string, unknown>][] = [
    ["Bought", { deliveryId: 5n, listingId: 2n, buyer: A, seller: B, gridFee: 20_000n, locked: 20_000n }],
    [
      "DeliveryRequested",
      { deliveryId: 5n, sellerMeterId: 2, buyerMeterId: 1, energy: 100, price: 180_000n, deadline: 900 },
    ],
  ];

  it("knows when trades happened, where the node says so", () => {
    const logs = chain(...bought, ["DeliveryClosed", { deliveryId: 5n, delivered: 40, outcome: 1 }]);
    expect(foldLedger(logs).times).to.deep.equal(new Map());
    const timed = logs.map((log) => ({ ...log, blockTimestamp: 1_000n + log.blockNumber }));
    expect([...foldLedger(timed).times]).to.deep.equal([
      [1n, 1_001],
      [3n, 1_003],
    ]);
  });

  it("tells a delivery from purchase to bill", () => {
    const running = foldLedger(chain(...bought, ["DeliveryProgress", { deliveryId: 5n, delivered: 40, paid: 7_200n }]));
    expect(running.deliveries.get(5n)).to.deep.include({
      buyer: A,
      sellerMeterId: 2,
      energy: 100n,
      delivered: 40n,
      paid: 7_200n,
      gridFee: 20_000n,
      locked: 20_000n,
      boughtInBlock: 1n,
      outcome: undefined,
    });
    const bill = { cost: 8_000n, sellerPaid: 7_200n, gridFee: 800n, refund: 12_000n };
    const ended = foldLedger(
      chain(
        ...bought,
        ["DeliveryEnding", { deliveryId: 5n, deadline: 600 }],
        ["DeliveryClosed", { deliveryId: 5n, delivered: 40, outcome: 1 }],
        ["DeliveryBilled", { deliveryId: 5n, ...bill }],
      ),
    );
    expect(ended.deliveries.get(5n)).to.deep.include({
      delivered: 40n,
      paid: 7_200n,
      deadline: 600,
      endedEarly: true,
      outcome: "short",
      closedInBlock: 4n,
      bill,
    });
  });

  it("keeps certificates like the token does: minted, moved, burnt, and held for those who refused", () => {
    const { certificates, held } = foldLedger(
      chain(
        ["TransferSingle", { from: ZERO, to: A, id: 7n, value: 100n }],
        ["TransferBatch", { from: A, to: B, ids: [7n, 7n], values: [30n, 10n] }],
        ["TransferSingle", { from: B, to: ZERO, id: 7n, value: 40n }],
        ["Held", { account: B, id: 7n, amount: 5n }],
        ["Held", { account: B, id: 8n, amount: 5n }],
        ["Released", { account: B, id: 7n, amount: 5n }],
      ),
    );
    expect([...(certificates.get(A) ?? [])]).to.deep.equal([[7n, 60n]]);
    expect([...(certificates.get(B) ?? [])]).to.deep.equal([]);
    expect([...(held.get(B) ?? [])]).to.deep.equal([[8n, 5n]]);
  });

  describe("orders of the auction", () => {
    const id = packOrderId({ slot: 70, meterId: 2, side: "ask", tick: 20 });
    const placed: [string, Record<string, unknown>][] = [
      ["SlotOpened", { slot: 70, feedIn: 80_000n, retail: 300_000n, gridFee: 20_000n }],
      ["OrderPlaced", { orderId: id, account: A, slot: 70, energy: 100, locked: 9_000n }],
    ];
    it("are replaced by a new one with the same key, and forgotten when they are taken back", () => {
      const again: [string, Record<string, unknown>] = [
        "OrderPlaced",
        { orderId: id, account: A, slot: 70, energy: 50, locked: 4_500n },
      ];
      expect(foldLedger(chain(...placed, again)).orders.get(id)).to.deep.equal({
        ...{ id, slot: 70, meterId: 2, side: "ask", tick: 20 },
        ...{ account: A, energy: 50n, locked: 4_500n, placedInBlock: 3n, settled: undefined },
      });
      expect(foldLedger(chain(...placed, ["OrderCancelled", { orderId: id }])).orders.size).to.equal(0);
    });
    it("end with what they came to, in a slot that tells price, volume and delivery", () => {
      const { auctions, orders } = foldLedger(
        chain(
          ...placed,
          ["SlotCleared", { slot: 70, price: 180_000n, gridFee: 20_000n, volume: 60n }],
          ["OrderSettled", { orderId: id, filled: 60, energy: 50, money: 9_000n, fee: 0n, penalty: 1_000n }],
          ["SlotFinalized", { slot: 70, delivered: 50n, penalties: 1_000n, gridFee: 1_000n }],
          ["SlotClosed", { slot: 70, dust: 2n }],
        ),
      );
      expect(auctions.get(70)).to.deep.include({ cleared: { price: 180_000n, volume: 60n }, delivered: 50n });
      expect(auctions.get(70)?.fee).to.deep.include({ amount: 1_000n, inBlock: 5n });
      expect(auctions.get(70)?.dust).to.deep.include({ amount: 2n, inBlock: 6n });
      expect(orders.get(id)?.settled).to.deep.equal({
        ...{ filled: 60n, energy: 50n, money: 9_000n, fee: 0n, penalty: 1_000n },
        inBlock: 4n,
      });
    });
    it("carry slot, meter, side and tick in their id, as OrderId.sol packs them", () => {
      expect(id).to.equal((70n << 48n) | (2n << 16n) | (1n << 8n) | 20n);
      expect(unpackOrderId(id)).to.deep.equal({ slot: 70, meterId: 2, side: "ask", tick: 20 });
    });
  });

  describe("carried forward", () => {
    const id = packOrderId({ slot: 70, meterId: 2, side: "ask", tick: 20 });
    const story = chain(
      ["MeterRegistered", { meterId: 2, owner: B, kind: 4, maxPowerW: 8_000 }],
      ["Deposited", { account: A, amount: 30_000n }],
      [
        "Listed",
        { listingId: 2n, meterId: 2, account: B, energy: 500, mode: 0, price: 1n, minEnergy: 0, expiresAt: 9 },
      ],
      ...bought,
      ["DeliveryProgress", { deliveryId: 5n, slot: 1, delivered: 40, paid: 7_200n }],
      ["TransferSingle", { from: ZERO, to: A, id: 1n, value: 40n }],
      ["DeliveryClosed", { deliveryId: 5n, delivered: 40, outcome: 1 }],
      ["DeliveryBilled", { deliveryId: 5n, cost: 8_000n, sellerPaid: 7_200n, gridFee: 800n, refund: 12_000n }],
      ["SlotOpened", { slot: 70, feedIn: 80_000n, retail: 300_000n, gridFee: 20_000n }],
      ["OrderPlaced", { orderId: id, account: A, slot: 70, energy: 100, locked: 9_000n }],
      ["Withdrawn", { account: A, to: A, amount: 5_000n }],
    );

    it("comes to the same as all at once, wherever it was cut, and leaves the earlier sum as it was", () => {
      const whole = foldLedger(story);
      for (let cut = 0; cut <= story.length; cut++) {
        const before = foldLedger(story.slice(0, cut));
        const copy = structuredClone(before);
        expect(addToLedger(before, story.slice(cut)), `cut at ${cut}`).to.deep.equal(whole);
        expect(before, `cut at ${cut}`).to.deep.equal(copy);
      }
      expect(EMPTY_LEDGER.deliveries.size).to.equal(0);
    });

    it("knows an account's deposits and withdrawals", () => {
      expect(
        foldLedger(story)
          .moves.get(A)
          ?.map(({ kind, amount }) => [kind, amount]),
      ).to.deep.equal([
        ["deposited", 30_000n],
        ["withdrawn", 5_000n],
      ]);
    });

    it("has the fields that browsers keep under this number; other fields need another number", () => {
      const ledger = foldLedger(story);
      const [meter] = ledger.meters.values();
      const [listing] = ledger.listings.values();
      const [delivery] = ledger.deliveries.values();
      const [auction] = ledger.auctions.values();
      const [order] = ledger.orders.values();
      const fields = [ledger, meter, listing, delivery, auction, order].map((each) => Object.keys(each!).sort().join());
      expect([LEDGER_SHAPE, ...fields]).to.deep.equal([
        4,
        "auctions,certificates,deliveries,held,listings,meters,moves,offered,orders,tenures,times",
        "active,id,kind,maxPowerW,owner,trader",
        "account,expiresAt,id,meterId,minEnergy,mode,price,remaining",
        "bill,boughtInBlock,buyer,buyerMeterId,bySlot,closedInBlock,deadline,delivered,endedEarly,energy,gridFee,id,listingId,locked,outcome,paid,price,seller,sellerMeterId",
        "cleared,delivered,dust,fee,feedIn,gridFee,retail,slot",
        "account,energy,id,locked,meterId,placedInBlock,settled,side,slot,tick",
      ]);
    });
  });
});
