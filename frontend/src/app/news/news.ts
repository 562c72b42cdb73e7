/** What has happened to an account's orders, deliveries and meters, out of the ledger. Pure. */
import type { Ledger, OrderRecord } from "../../data/index.ts";
import type { Format } from "../../format/index.ts";
import { text } from "../../text/index.ts";

export interface News {
  /** The same for the same event, whenever it is derived. */
  id: string;
  block: bigint;
  /** Where it can be looked at. */
  href: string;
  say: (format: Format) => string;
}

/** Newest are kept. */
const MOST = 30;

const same = (a: string, b: string) => a.toLowerCase() === b.toLowerCase();

/** @param fills what the clearing accepted of orders that are not settled, by id */
export function newsOf(ledger: Ledger, account: string, fills: ReadonlyMap<bigint, bigint>): News[] {
  const news: News[] = [];
  const tell = (id: string, block: bigint, href: string, say: News["say"]) => news.push({ id, block, href, say });
  for (const order of ledger.orders.values()) {
    if (!same(order.account, account)) continue;
    const auction = ledger.auctions.get(order.slot);
    const filled = order.settled?.filled ?? fills.get(order.id);
    if (auction?.cleared && filled !== undefined) {
      const { price } = auction.cleared;
      const allIn = order.side === "bid" ? price + auction.gridFee : price;
      tell(`cleared-${order.id}`, auction.clearedInBlock ?? 0n, "/auction", (format) =>
        filled > 0n
          ? text.notices.cleared(format.energy(filled), format.price(allIn))
          : text.notices.notCleared(format.energy(order.energy)),
      );
    }
    if (order.settled && order.settled.filled > 0n) {
      tell(`settled-${order.id}`, order.settled.inBlock, "/bills", (format) => saySettled(order, format));
    }
  }
  for (const delivery of ledger.deliveries.values()) {
    const [buys, sells] = [same(delivery.buyer, account), same(delivery.seller, account)];
    if (sells && !buys) {
      tell(`bought-${delivery.id}`, delivery.boughtInBlock, "/deliveries", (format) =>
        text.notices.bought(format.energy(delivery.energy)),
      );
    }
    if (!delivery.bill || delivery.closedInBlock === undefined || (!buys && !sells)) continue;
    const { cost, sellerPaid } = delivery.bill;
    const isShort = delivery.outcome !== "complete";
    tell(`closed-${delivery.id}`, delivery.closedInBlock, "/bills", (format) => {
      const [energy, ordered] = [format.energy(delivery.delivered), format.energy(delivery.energy)];
      if (isShort) return (buys ? text.notices.short : text.notices.soldShort)(energy, ordered);
      return buys
        ? text.notices.delivered(energy, format.moneyUp(cost))
        : text.notices.paid(energy, format.moneyDown(sellerPaid));
    });
  }
  for (const [meterId, { to, inBlock }] of ledger.offered) {
    if (same(to, account))
      tell(`offered-${meterId}-${inBlock}`, inBlock, "/wallet", () => text.notices.offered(text.meter.name(meterId)));
  }
  return news.sort((a, b) => (a.block < b.block ? 1 : a.block > b.block ? -1 : 0)).slice(0, MOST);
}

function saySettled({ side, settled }: OrderRecord, format: Format): string {
  const { filled, energy, money, penalty } = settled!;
  const words = text.notices;
  const [delivered, accepted] = [format.energy(energy), format.energy(filled)];
  if (side === "ask") {
    return energy < filled
      ? words.shortAsk(delivered, accepted, format.moneyUp(penalty))
      : words.settledAsk(delivered, format.moneyDown(money));
  }
  return energy < filled ? words.shortBid(delivered, accepted) : words.settledBid(delivered, format.moneyUp(money));
}

/** Which news somebody has seen. At the first visit everything that was there counts as seen. */
export function seenOf(kept: string | null, news: readonly News[]): Set<string> {
  if (kept === null) return new Set(news.map(({ id }) => id));
  try {
    return new Set(JSON.parse(kept) as string[]);
  } catch {
    return new Set(); // written by another version
  }
}
