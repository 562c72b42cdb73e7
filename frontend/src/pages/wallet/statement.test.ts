import { packOrderId } from "@ioe/protocol";
import { expect } from "chai";
import { foldLedger, type LedgerLog } from "../../data/ledger.ts";
import { statementOf } from "./statement.ts";

const ME = "0x00000000000000000000000000000000000000b1";
const OTHER = "0x00000000000000000000000000000000000000C2";
const [GRID, DUST] = [
  "0x00000000000000000000000000000000000000d3",
  "0x00000000000000000000000000000000000000E4",
] as const;
const RECEIVERS = { gridOperator: GRID, dustAccount: DUST };
const bidId = packOrderId({ slot: 5, meterId: 1, side: "bid", tick: 60 });
const askId = packOrderId({ slot: 5, meterId: 1, side: "ask", tick: 20 });

let block = 0n;
const log = (eventName: string, args: object) =>
  ({ eventName, args, blockNumber: ++block, transactionHash: "0xaa" }) as unknown as LedgerLog;
const buy = (id: bigint, buyer: string, seller: string, locked: bigint) => [
  log("Bought", { deliveryId: id, listingId: 1n, buyer, seller, locked }),
  log("DeliveryRequested", { deliveryId: id, sellerMeterId: 2, buyerMeterId: 1, energy: 100, price: 1n, deadline: 9 }),
];
const end = (id: bigint, cost: bigint, sellerPaid: bigint, refund: bigint, gridFee = cost - sellerPaid) => [
  log("DeliveryProgress", { deliveryId: id, slot: 1, delivered: 90, paid: sellerPaid }),
  log("DeliveryClosed", { deliveryId: id, delivered: 90, outcome: 1 }),
  log("DeliveryBilled", { deliveryId: id, cost, sellerPaid, gridFee, refund }),
];
const place = (orderId: bigint, locked: bigint) =>
  log("OrderPlaced", { orderId, account: ME, slot: 5, energy: 50, locked });
const settle = (orderId: bigint, money: bigint, penalty: bigint) =>
  log("OrderSettled", { orderId, filled: 40, energy: 30, money, fee: 0n, penalty });
const deposit = () => log("Deposited", { account: ME, amount: 100_000n });

const entries = (logs: LedgerLog[], account = ME) =>
  statementOf(foldLedger(logs), account, { market: RECEIVERS, auction: RECEIVERS });
const shown = (logs: LedgerLog[], account = ME) =>
  entries(logs, account).map(({ kind, amount, isSetAside }) => [kind, amount, isSetAside]);

describe("statement of an account", () => {
  it("shows newest first what was set aside, and what it came to", () => {
    const logs = [deposit(), ...buy(7n, ME, OTHER, 20_000n)];
    expect(shown(logs)).to.deep.equal([
      ["bought", -20_000n, true],
      ["deposited", 100_000n, false],
    ]);
    expect(shown([...logs, ...end(7n, 18_000n, 16_000n, 2_000n)])[0]).to.deep.equal(["bought", -18_000n, false]);
  });
  it("shows what a sale has earned, and nothing of a sale that has earned nothing yet", () => {
    const logs = buy(7n, ME, OTHER, 20_000n);
    expect(shown(logs, OTHER)).to.deep.equal([]);
    expect(shown([...logs, ...end(7n, 18_000n, 16_000n, 2_000n)], OTHER)).to.deep.equal([["sold", 16_000n, false]]);
  });
  it("leaves out an order that moved no money in the end", () => {
    expect(shown([place(bidId, 3_000n)])).to.deep.equal([["bid", -3_000n, true]]);
    expect(shown([place(bidId, 3_000n), settle(bidId, 0n, 0n)])).to.deep.equal([]);
  });
  it("shows the grid operator its fees and the dust account what rounding left, of both markets", () => {
    const logs = [
      ...buy(1n, ME, OTHER, 20_000n),
      ...end(1n, 18_001n, 16_000n, 1_999n, 2_000n),
      ...buy(2n, ME, OTHER, 20_000n),
      log("SlotOpened", { slot: 5, feedIn: 1n, retail: 3n, gridFee: 1n }),
      log("SlotFinalized", { slot: 5, delivered: 30n, penalties: 0n, gridFee: 600n }),
      log("SlotClosed", { slot: 5, dust: 3n }),
    ];
    expect(shown(logs, GRID)).to.deep.equal([
      ["slotFee", 600n, false],
      ["fee", 2_000n, false],
    ]);
    expect(shown(logs, DUST.toLowerCase())).to.deep.equal([
      ["slotDust", 3n, false],
      ["dust", 1n, false],
    ]);
    const elsewhere = { gridOperator: OTHER, dustAccount: OTHER };
    const auctionOnly = statementOf(foldLedger(logs), GRID, { market: elsewhere, auction: RECEIVERS });
    expect(auctionOnly.map(({ kind }) => kind)).to.deep.equal(["slotFee"]);
  });
  it("has no entry of nothing for them", () => {
    const logs = [
      ...buy(1n, ME, OTHER, 20_000n),
      ...end(1n, 0n, 0n, 20_000n),
      log("SlotOpened", { slot: 5, feedIn: 1n, retail: 3n, gridFee: 1n }),
      log("SlotFinalized", { slot: 5, delivered: 0n, penalties: 0n, gridFee: 0n }),
      log("SlotClosed", { slot: 5, dust: 0n }),
    ];
    expect([...shown(logs, GRID), ...shown(logs, DUST)]).to.deep.equal([]);
  });
  it("adds up to the free money, whatever is open and whatever is over", () => {
    const logs = [
      deposit(),
      ...buy(1n, ME, OTHER, 20_000n),
      ...end(1n, 18_000n, 16_000n, 2_000n),
      ...buy(2n, OTHER, ME, 20_000n),
      ...end(2n, 18_000n, 16_000n, 2_000n),
      ...buy(3n, ME, OTHER, 5_000n),
      place(bidId, 9_000n),
      settle(bidId, 6_000n, 500n),
      place(askId, 4_000n),
      settle(askId, 7_000n, 1_000n),
      log("Withdrawn", { account: ME, to: OTHER, amount: 30_000n }),
    ];
    const free =
      100_000n -
      20_000n +
      2_000n +
      16_000n -
      5_000n + // deposit, trades
      (-9_000n + (9_000n - 6_000n + 500n)) + // ICallAuction.OrderSettled: a bid gets locked − money + penalty
      (-4_000n + (4_000n + 7_000n - 1_000n)) - // an ask locked + money − penalty
      30_000n;
    expect(entries(logs).reduce((sum, { amount }) => sum + amount, 0n)).to.equal(free);
  });
});
