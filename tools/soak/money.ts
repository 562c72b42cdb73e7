/**
 * Money: every account's balance is computed again from nothing, each trade's amounts by the formulas of
 * docs/contracts.md, each auctioned slot by the reference of the contracts' tests; then all of it is held against the vault.
 */
import { LOCAL_ACCOUNTS } from "../../deploy/zone.ts";
import { unpackOrderId } from "../../protocol/src/order.ts";
import { costUp, paymentDown } from "../../protocol/src/price.ts";
import {
  clear,
  lockOf,
  type Order,
  priceOf,
  type Rules,
  settle,
  Side,
} from "../../test/contracts/auction-reference.ts";
import { Findings } from "./audit.ts";
import type { Ground } from "./ground.ts";
import type { Happening, History } from "./history.ts";

/** Base units by account, and in the markets' pots together. */
class Ledger {
  readonly free = new Map<string, bigint>();
  deposited = 0n;
  withdrawn = 0n;

  add(account: unknown, amount: bigint): void {
    const key = account as string;
    this.free.set(key, (this.free.get(key) ?? 0n) + amount);
  }
}

export async function auditMoney(ground: Ground, history: History): Promise<Findings> {
  const findings = new Findings("money");
  const ledger = new Ledger();
  const { world } = ground;
  const { vault, money, market, auction } = await world.contracts();
  const signers = await world.ethers.getSigners();
  const operator = signers[LOCAL_ACCOUNTS.operator]!.address;
  const dust = signers[LOCAL_ACCOUNTS.dust]!.address;

  for (const { name, args } of history.of("Deposited", "Withdrawn")) {
    const amount = args.amount as bigint;
    ledger.add(args.account, name === "Deposited" ? amount : -amount);
    if (name === "Deposited") ledger.deposited += amount;
    else ledger.withdrawn += amount;
  }
  auditDeliveries(ground, history, ledger, findings, { operator, dust });
  auditAuctions(ground, history, ledger, findings, { operator, dust });

  let free = 0n;
  for (const { address } of signers) {
    const shown = await vault.free(address);
    findings.same(shown, ledger.free.get(address) ?? 0n, `free money of ${address}`);
    free += shown;
  }
  const pots = await Promise.all([market, auction].map(async (each) => vault.pot(await each.getAddress())));
  const held = await money.balanceOf(await vault.getAddress());
  findings.same(pots[0]!, 0n, "the direct market's pot, with every delivery closed");
  findings.same(pots[1]!, 0n, "the auction's pot, with every order settled");
  findings.same(free + pots[0]! + pots[1]!, ledger.deposited - ledger.withdrawn, "balances and pots");
  findings.same(held, ledger.deposited - ledger.withdrawn, "tokens in the vault");
  findings.fact("deposited, base units", ledger.deposited);
  findings.fact("withdrawn, base units", ledger.withdrawn);
  findings.fact("free in the end, base units", free);
  findings.fact("grid operator's, base units", ledger.free.get(operator) ?? 0n);
  findings.fact("dust, base units", ledger.free.get(dust) ?? 0n);
  return findings;
}

interface Takers {
  operator: string;
  dust: string;
}

function auditDeliveries(ground: Ground, history: History, ledger: Ledger, findings: Findings, takers: Takers): void {
  const units = BigInt(ground.world.zone.unitsPerKWh);
  const by = (name: string) => groupBy(history.of(name), ({ args }) => args.deliveryId as bigint);
  const [requested, bought, progress] = [by("DeliveryRequested"), by("Bought"), by("DeliveryProgress")];
  const [billed, closed] = [by("DeliveryBilled"), by("DeliveryClosed")];
  let [sold, short, nothing] = [0n, 0, 0];

  for (const [id, [request, ...again]] of requested) {
    const name = `delivery ${id}`;
    const { energy, price } = request!.args as { energy: bigint; price: bigint };
    const purchase = bought.get(id)![0]!.args as { buyer: string; seller: string; gridFee: bigint; locked: bigint };
    const allIn = price + purchase.gridFee;
    findings.holds(again.length === 0, `${name} was requested once`);
    findings.same(purchase.locked, costUp(energy, allIn, units), `${name}: locked`);
    ledger.add(purchase.buyer, -purchase.locked);

    let [delivered, paid] = [0n, 0n];
    for (const { args } of progress.get(id) ?? []) {
      const now = args as { delivered: bigint; paid: bigint };
      findings.holds(
        now.delivered > delivered && now.delivered <= energy,
        `${name}: delivered rises, within what was bought`,
      );
      findings.same(now.paid, paymentDown(now.delivered, price, units), `${name}: paid for ${now.delivered}`);
      ledger.add(purchase.seller, now.paid - paid);
      [delivered, paid] = [now.delivered, now.paid];
    }
    const ends = closed.get(id) ?? [];
    findings.holds(ends.length === 1, `${name} was closed once`, `${ends.length} times`);
    if (ends.length !== 1) continue;
    const bill = billed.get(id)![0]!.args as Record<"cost" | "sellerPaid" | "gridFee" | "refund", bigint>;
    const gridFee = paymentDown(delivered, allIn, units) - paid;
    findings.same(ends[0]!.args.delivered as bigint, delivered, `${name}: delivered`);
    findings.same(bill.cost, costUp(delivered, allIn, units), `${name}: cost`);
    findings.same(bill.sellerPaid, paid, `${name}: the seller's money`);
    findings.same(bill.gridFee, gridFee, `${name}: grid fee`);
    findings.same(bill.refund, purchase.locked - bill.cost, `${name}: refund`);
    ledger.add(takers.operator, gridFee);
    ledger.add(takers.dust, bill.cost - paid - gridFee);
    ledger.add(purchase.buyer, bill.refund);
    sold += delivered;
    if (delivered === 0n) nothing++;
    else if (delivered < energy) short++;
  }
  findings.fact("deliveries", requested.size);
  findings.fact("of them short", short);
  findings.fact("of them nothing", nothing);
  findings.fact("delivered directly, Wh", sold);
}

function auditAuctions(ground: Ground, history: History, ledger: Ledger, findings: Findings, takers: Takers): void {
  const { minPrice, tickSize, unitsPerKWh } = ground.world.zone;
  const names = [
    "SlotOpened",
    "OrderPlaced",
    "OrderCancelled",
    "SlotCleared",
    "OrderSettled",
    "SlotFinalized",
    "SlotClosed",
  ];
  const slots = groupBy(history.of(...names), ({ args }) => args.slot as bigint);
  let [cleared, traded, sold, orders] = [0, 0, 0n, 0];

  for (const [slot, happenings] of slots) {
    const name = `slot ${slot}`;
    const of = (event: string) => happenings.filter((each) => each.name === event);
    const tariff = of("SlotOpened")[0]!.args as Record<"feedIn" | "retail" | "gridFee", bigint>;
    const rules: Rules = {
      minPrice,
      tickSize,
      feedInTick: Number((tariff.feedIn - minPrice) / tickSize),
      retailTick: Number((tariff.retail - minPrice) / tickSize),
      feeTicks: Number(tariff.gridFee / tickSize),
      unitsPerKWh: BigInt(unitsPerKWh),
    };
    const book = new Map<bigint, { order: Order; account: string }>();
    for (const { name: event, args } of happenings) {
      if (event !== "OrderPlaced" && event !== "OrderCancelled") continue;
      const id = args.orderId as bigint;
      const before = book.get(id);
      if (before) ledger.add(before.account, lockOf(before.order, rules));
      if (event === "OrderCancelled") {
        book.delete(id);
        continue;
      }
      const { meterId, side, tick } = unpackOrderId(id);
      const order = { meterId, side: side === "bid" ? Side.Bid : Side.Ask, tick, energy: args.energy as bigint };
      book.set(id, { order, account: args.account as string });
      findings.same(args.locked as bigint, lockOf(order, rules), `${name}: lock of order ${id}`);
      ledger.add(args.account, -lockOf(order, rules));
    }
    orders += book.size;

    const settlements = groupBy(of("OrderSettled"), ({ args }) => args.orderId as bigint);
    const list = [...book.values()].map(({ order }) => order);
    const clearing = of("SlotCleared");
    findings.holds(clearing.length <= 1, `${name} was cleared once`);
    const outcome = clear(clearing.length > 0 ? list : [], rules);
    if (clearing.length > 0) {
      cleared++;
      if (outcome.volume > 0n) traded++;
      findings.same(clearing[0]!.args.volume as bigint, outcome.volume, `${name}: volume`);
      const price = outcome.volume === 0n ? 0n : priceOf(outcome.priceTick, rules);
      findings.same(clearing[0]!.args.price as bigint, price, `${name}: price`);
    }
    for (const [id, { account, order }] of book) {
      const settled = settlements.get(id) ?? [];
      findings.holds(settled.length === 1, `${name}: order ${id} was settled once`, `${settled.length} times`);
      if (clearing.length === 0) ledger.add(account, lockOf(order, rules));
    }
    if (clearing.length === 0 || [...book.keys()].some((id) => !settlements.has(id))) continue;

    // What the meters had delivered comes from the registry (see registers.ts); all money follows from it.
    const settledOf = (id: bigint) =>
      settlements.get(id)![0]!.args as Record<"filled" | "energy" | "money" | "fee" | "penalty", bigint>;
    const exports = new Map<number, bigint>();
    const silent = new Set<Order>();
    for (const [id, { order }] of book) {
      if (order.side !== Side.Ask) continue;
      exports.set(order.meterId, (exports.get(order.meterId) ?? 0n) + settledOf(id).energy);
      if (settledOf(id).filled === 0n && outcome.fills.get(order)!.down() > 0n) silent.add(order);
    }
    const expected = settle(list, outcome, exports, rules, silent);
    for (const [id, { order, account }] of book) {
      const [is, must] = [settledOf(id), expected.orders.get(order)!];
      for (const field of ["filled", "energy", "money", "fee", "penalty"] as const)
        findings.same(is[field], must[field], `${name}: ${field} of order ${id}`);
      ledger.add(account, must.credited);
    }
    const final = of("SlotFinalized")[0]?.args as { gridFee: bigint; delivered: bigint } | undefined;
    if (outcome.volume > 0n) {
      findings.same(final?.gridFee ?? -1n, expected.gridFee, `${name}: grid fee`);
      findings.same(final?.delivered ?? -1n, expected.delivered, `${name}: delivered`);
      findings.same((of("SlotClosed")[0]?.args.dust as bigint | undefined) ?? -1n, expected.dust, `${name}: dust`);
      ledger.add(takers.operator, expected.gridFee);
      ledger.add(takers.dust, expected.dust);
    }
    sold += expected.delivered;
  }
  findings.fact("auctions cleared", cleared);
  findings.fact("auctions with a price", traded);
  findings.fact("auctions void", slots.size - cleared);
  findings.fact("orders", orders);
  findings.fact("delivered by auction, Wh", sold);
}

export function groupBy<K>(happenings: readonly Happening[], key: (each: Happening) => K): Map<K, Happening[]> {
  const groups = new Map<K, Happening[]>();
  for (const each of happenings) groups.set(key(each), [...(groups.get(key(each)) ?? []), each]);
  return groups;
}
