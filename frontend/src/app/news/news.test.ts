import { packOrderId } from "@ioe/protocol";
import { expect } from "chai";
import { foldLedger, type LedgerLog } from "../../data/ledger.ts";
import { createFormat } from "../../format/index.ts";
import { newsOf, seenOf } from "./news.ts";

const ME = "0x00000000000000000000000000000000000000b1";
const OTHER = "0x00000000000000000000000000000000000000c2";
const format = createFormat({ unitsPerKWh: 1_000n, moneyDecimals: 6, moneySign: "$" });
const orderId = packOrderId({ slot: 5, meterId: 1, side: "bid", tick: 60 });

let block = 0n;
const log = (eventName: string, args: object) => ({ eventName, args, blockNumber: ++block }) as unknown as LedgerLog;
const order = (account: string) => [
  log("SlotOpened", { slot: 5, feedIn: 80_000n, retail: 300_000n, gridFee: 20_000n }),
  log("OrderPlaced", { orderId, account, energy: 50, locked: 10_000n }),
  log("SlotCleared", { slot: 5, price: 100_000n, volume: 40n }),
];
const settled = (energy: number) =>
  log("OrderSettled", { orderId, filled: 40, energy, money: 4_800n, fee: 800n, penalty: 0n });
const told = (logs: LedgerLog[], fills = new Map<bigint, bigint>()) =>
  newsOf(foldLedger(logs), ME, fills).map((each) => each.say(format).replaceAll("\u00a0", " "));

describe("news", () => {
  it("tells when an order was cleared, with the price the buyer pays", () => {
    expect(told(order(ME), new Map([[orderId, 40n]]))).to.deep.equal([
      "Your order was accepted: 0.04 kWh at 12.00 ct/kWh.",
    ]);
    expect(told(order(ME), new Map([[orderId, 0n]]))[0]).to.contain("not accepted");
  });
  it("waits with it until the accepted energy is known", () => expect(told(order(ME))).to.deep.equal([]));
  it("tells what arrived, and what was missing, newest first", () => {
    expect(told([...order(ME), settled(40)])[0]).to.contain("You received 0.04 kWh");
    expect(told([...order(ME), settled(30)])[0]).to.contain("0.03 kWh of 0.04 kWh");
  });
  it("tells who is handed a meter over, and nobody when it was taken back", () => {
    const offer = (to: string) => log("MeterTransferStarted", { meterId: 3, from: OTHER, to });
    expect(told([offer(ME)])[0]).to.contain("Meter 3 is offered to you");
    expect(told([offer(OTHER)])).to.deep.equal([]);
    expect(told([offer(ME), offer(`0x${"0".repeat(40)}`)])).to.deep.equal([]);
  });
  it("tells nobody about others", () => expect(told([...order(OTHER), settled(40)])).to.deep.equal([]));
  it("counts as seen what was there at the first visit, and nothing later", () => {
    const before = newsOf(foldLedger(order(ME)), ME, new Map([[orderId, 40n]]));
    const seen = seenOf(null, before);
    expect(before.every(({ id }) => seen.has(id))).to.equal(true);
    const after = newsOf(foldLedger([...order(ME), settled(40)]), ME, new Map());
    expect(after.filter(({ id }) => !seenOf(JSON.stringify([...seen]), after).has(id))).to.have.length(1);
  });
});
