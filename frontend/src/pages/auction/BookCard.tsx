import type { OrderSide } from "@ioe/protocol";
import { useState } from "react";
import { type Book, type OrderRecord, tickPrice, useFormat, useNow, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Card, CardTitle, Details, Empty, Pager, Skeleton, Stat } from "../../ui/index.ts";
import { BookChart, Sample } from "./BookChart.tsx";
import { cross, totalOf } from "./book.ts";
import { levelOf } from "./limit.ts";
import { gateOf } from "./slots.ts";
import { bookStateOf } from "./state.ts";
import { useSlotTime } from "./useSlotTime.ts";

interface Props {
  slot: number;
  book: Book | undefined;
  /** The person's own orders of all slots. */
  orders: readonly OrderRecord[] | undefined;
  className?: string;
}

/** Energy of own orders by tick. */
function ownOf(orders: readonly OrderRecord[], side: OrderSide, feeTicks: number): Map<number, bigint> {
  const sums = new Map<number, bigint>();
  for (const order of orders.filter((each) => each.side === side)) {
    const tick = levelOf(order, feeTicks);
    sums.set(tick, (sums.get(tick) ?? 0n) + order.energy);
  }
  return sums;
}

/** What stands in a slot's book, and what it would come to now. */
export function BookCard({ slot, book, orders, className }: Props) {
  const zone = useZone();
  const format = useFormat();
  const now = useNow();
  const time = useSlotTime();
  const words = text.auction.book;
  const when = time.range(slot);
  const state = book ? bookStateOf(book, now, zone) : now < gateOf(slot, zone) ? "open" : "closed";
  const bounds = book && { lowest: book.feedInTick, highest: book.retailTick - book.feeTicks };
  // Where nobody asked for the price in time, there is none, whatever the orders would have come to.
  const crossing = book && bounds && state !== "void" ? cross(book, bounds) : undefined;
  const noMatch = {
    open: words.noMatch,
    closed: words.noMatchFinal,
    closedEmpty: words.noPrice,
    cleared: words.noMatchFinal,
    void: words.noPrice,
  }[state];
  const note = {
    open: words.open,
    closed: words.gateClosed,
    closedEmpty: words.closedEmpty,
    cleared: crossing ? words.cleared : words.unmatched,
    void: words.void,
  }[state];
  const price = (tick: number) => tickPrice(zone, tick);
  const fee = BigInt(book?.feeTicks ?? 0) * zone.tickSize;
  const inSlot = orders?.filter((order) => order.slot === slot) ?? [];
  const own = {
    bid: ownOf(inSlot, "bid", book?.feeTicks ?? 0),
    ask: ownOf(inSlot, "ask", book?.feeTicks ?? 0),
  };
  const isEmpty = book && totalOf(book.bids) + totalOf(book.asks) === 0n;
  const figure = (value: string | undefined) => (book ? (value ?? "–") : <Skeleton className="h-6 w-16" />);
  return (
    <Card className={className} testId="auction-book">
      <CardTitle note={note(when)}>{words.title}</CardTitle>
      <dl className="mb-4 grid grid-cols-3 gap-3">
        <Stat
          label={words.sellersGet}
          note={crossing ? format.priceUnit : book ? noMatch : text.nbsp}
          testId="auction-price"
        >
          {figure(crossing && format.priceNumber(price(crossing.priceTick)))}
        </Stat>
        <Stat label={words.buyersPay} note={book ? words.withFee(format.priceNumber(fee)) : text.nbsp}>
          {figure(crossing && format.priceNumber(price(crossing.priceTick) + fee))}
        </Stat>
        <Stat label={words.volume} note={state === "open" ? words.ifNow : text.nbsp} testId="auction-volume">
          {figure(crossing && format.energy(crossing.volume))}
        </Stat>
      </dl>
      {!book || !bounds ? (
        <Skeleton className="block h-72 w-full" />
      ) : isEmpty ? (
        <Empty icon="auction" title={state === "open" ? words.none : words.noneClosed}>
          {state === "open" ? words.noneNote : words.noneClosedNote}
        </Empty>
      ) : (
        <>
          <BookChart
            depth={book}
            bounds={bounds}
            crossing={crossing}
            own={own}
            energy={(amount) => format.energy(amount)}
            price={(tick) => format.priceNumber(price(tick))}
            label={words.chart(
              when,
              format.energy(totalOf(book.asks)),
              format.energy(totalOf(book.bids)),
              crossing ? words.match(format.energy(crossing.volume), format.price(price(crossing.priceTick))) : noMatch,
            )}
          />
          <ul className="mt-3 flex flex-wrap gap-x-5 gap-y-1 text-sm" aria-hidden="true">
            {(
              [
                ["ask", words.supply],
                ["bid", words.demand],
                ["own", words.yours],
              ] as const
            )
              .filter(([kind]) => kind !== "own" || inSlot.length > 0)
              .map(([kind, label]) => (
                <li key={kind} className="flex items-center gap-2">
                  <Sample kind={kind} />
                  {label}
                </li>
              ))}
          </ul>
          <p className="mt-1 text-xs text-muted">
            {words.axis}, {format.priceUnit}
          </p>
          <Details title={words.table}>
            <BookTable book={book} own={own} />
          </Details>
        </>
      )}
    </Card>
  );
}

/** Prices of the table shown at a time. */
const AT_ONCE = 20;

/** The same as the chart in figures, dearest price first. */
function BookTable({ book, own }: { book: Book; own: Record<OrderSide, ReadonlyMap<number, bigint>> }) {
  const zone = useZone();
  const format = useFormat();
  const words = text.auction.book;
  const { column } = words;
  const [chosen, setChosen] = useState(0);
  const ticks = [...book.bids.keys()].filter((tick) => book.bids[tick] || book.asks[tick]).reverse();
  const last = Math.max(0, Math.ceil(ticks.length / AT_ONCE) - 1);
  const page = Math.min(chosen, last);
  const from = page * AT_ONCE;
  const shown = ticks.slice(from, from + AT_ONCE);
  const energy = (amount: bigint | undefined) => (amount ? format.energy(amount) : "–");
  const head = "border-b border-line px-2 py-1.5 text-xs font-medium text-muted first:pl-0 last:pr-0";
  const cell = "border-b border-line px-2 py-1.5 text-right font-normal first:pl-0 last:pr-0";
  return (
    <>
      <table className="mt-2 w-full text-sm">
        <caption className="sr-only">{words.caption}</caption>
        <thead>
          <tr>
            <th scope="col" className={`${head} text-left`}>
              {column.price}
            </th>
            {[column.asks, column.bids, column.yours].map((title) => (
              <th key={title} scope="col" className={`${head} text-right`}>
                {title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {shown.map((tick) => (
            <tr key={tick}>
              <th scope="row" className={`${cell} text-left!`}>
                {format.priceNumber(tickPrice(zone, tick))}
              </th>
              <td className={cell}>{energy(book.asks[tick])}</td>
              <td className={cell}>{energy(book.bids[tick])}</td>
              <td className={cell}>{energy((own.bid.get(tick) ?? 0n) + (own.ask.get(tick) ?? 0n))}</td>
            </tr>
          ))}
        </tbody>
      </table>
      <Pager words={text.pager} page={page} last={last} onPage={setChosen}>
        {text.pager.range(format.count(from + 1), format.count(from + shown.length), format.count(ticks.length))}
      </Pager>
    </>
  );
}
