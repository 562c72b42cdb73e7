import { useState } from "react";
import {
  type AuctionRecord,
  type OrderRecord,
  useFills,
  useFormat,
  useLedger,
  useNow,
  useZone,
} from "../../data/index.ts";
import { HistoryPlace } from "../../history/index.ts";
import { OrderStory } from "../../story/index.ts";
import { text } from "../../text/index.ts";
import { Button, Card, CardTitle, type Column, Empty, PagedTable } from "../../ui/index.ts";
import { isVoid, stateOf } from "./state.ts";
import { useSlotTime } from "./useSlotTime.ts";

const PAGE = 6;

/** Price and volume of past slots, and what the person's own orders came to. */
export function ResultsCard({ orders, className }: { orders: readonly OrderRecord[] | undefined; className?: string }) {
  const zone = useZone();
  const format = useFormat();
  const ledger = useLedger();
  const now = useNow();
  const time = useSlotTime();
  const [toldId, setTold] = useState<bigint>();
  // As it is now, not as it was when somebody opened it.
  const told = toldId === undefined ? undefined : ledger?.orders.get(toldId);
  const words = text.auction.results;
  const results =
    ledger &&
    [...ledger.auctions.values()]
      .filter((auction) => auction.cleared || isVoid(auction.slot, auction, now, zone))
      .sort((a, b) => b.slot - a.slot);

  const unsettled = orders?.filter(({ slot, settled }) => !settled && ledger?.auctions.get(slot)?.cleared);
  const fills = useFills(unsettled?.map(({ id }) => id) ?? []);

  const own = (order: OrderRecord): { text: string; note?: string | false } => {
    const { settled, side } = order;
    if (!settled) {
      const { kind } = stateOf(order, ledger?.auctions.get(order.slot), fills?.get(order.id), now, zone);
      const sentence = kind === "rejected" || kind === "void" ? words.unfilledYet : words.settling;
      return { text: sentence(format.energy(order.energy)) };
    }
    if (settled.filled === 0n) return { text: words.unfilled(format.energy(order.energy)) };
    const [energy, filled] = [format.energy(settled.energy), format.energy(settled.filled)];
    const { money, penalty } = settled;
    return side === "bid"
      ? {
          text: words.bought(energy, filled, format.moneyUp(money)),
          note: penalty > 0n && words.compensation(format.moneyDown(penalty)),
        }
      : {
          text: words.sold(energy, filled, format.moneyDown(money)),
          note: penalty > 0n && words.penalty(format.moneyUp(penalty)),
        };
  };
  const columns: Column<AuctionRecord>[] = [
    { key: "slot", title: words.column.slot, cell: ({ slot }) => <b className="font-semibold">{time.range(slot)}</b> },
    {
      key: "price",
      title: words.column.price,
      number: true,
      cell: ({ cleared, gridFee }) =>
        !cleared ? (
          <span className="text-muted">{words.void}</span>
        ) : cleared.volume === 0n ? (
          <span className="text-muted">{words.noMatch}</span>
        ) : (
          <span className="block">
            <span className="block font-semibold">{format.price(cleared.price)}</span>
            <span className="block text-xs text-muted">
              {words.buyers(format.priceNumber(cleared.price + gridFee))}
            </span>
          </span>
        ),
    },
    {
      key: "volume",
      title: words.column.volume,
      number: true,
      cell: ({ cleared }) => (cleared?.volume ? format.energy(cleared.volume) : "–"),
    },
    {
      key: "delivered",
      title: words.column.delivered,
      number: true,
      cell: ({ cleared, delivered }) =>
        delivered !== undefined && cleared?.volume ? (
          format.energy(delivered)
        ) : (
          <span className="text-muted">{cleared?.volume ? words.pending : "–"}</span>
        ),
    },
    {
      key: "yours",
      title: words.column.yours,
      cell: ({ slot }) => {
        const mine = orders?.filter((order) => order.slot === slot);
        if (!mine?.length) return "–";
        return (
          <span className="block space-y-1">
            {mine.map((order) => {
              const { text: outcome, note } = own(order);
              return (
                <span key={String(order.id)} className="flex flex-wrap items-center justify-between gap-x-2">
                  <span>
                    {outcome}
                    {note && <span className="block text-xs text-muted">{note}</span>}
                  </span>
                  <Button
                    variant="quiet"
                    aria-label={text.auction.story.openName(format.energy(order.energy), time.range(slot))}
                    onClick={() => setTold(order.id)}
                    data-testid="story-open"
                  >
                    {text.auction.story.open}
                  </Button>
                </span>
              );
            })}
          </span>
        );
      },
    },
  ];
  return (
    <Card className={className} testId="auction-results">
      <CardTitle>{words.title}</CardTitle>
      {!results ? (
        <HistoryPlace className="min-h-24" />
      ) : results.length === 0 ? (
        <Empty icon="auction" title={words.none}>
          {words.noneNote}
        </Empty>
      ) : (
        <>
          <PagedTable
            caption={words.caption}
            columns={columns}
            rows={results}
            rowKey={({ slot }) => String(slot)}
            rowTestId="auction-result"
            size={PAGE}
            words={text.pager}
            count={format.count}
          />
          {told && <OrderStory order={told} slotName={time.range(told.slot)} onClose={() => setTold(undefined)} />}
        </>
      )}
    </Card>
  );
}
