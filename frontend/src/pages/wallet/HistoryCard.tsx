import type { Address } from "@ioe/protocol";
import { useState } from "react";
import { useBlockTimes, useFormat, useLedger, useZone } from "../../data/index.ts";
import { HistoryPlace } from "../../history/index.ts";
import { DeliveryStory, OrderStory, TransactionRef } from "../../story/index.ts";
import { text } from "../../text/index.ts";
import { Button, Card, CardTitle, type Column, PagedTable, Skeleton } from "../../ui/index.ts";
import { useSlotTime } from "../auction/useSlotTime.ts";
import { type Entry, statementOf } from "./statement.ts";

const AT_ONCE = 10;

function EntryTime({ block }: { block: bigint }) {
  const format = useFormat();
  const [time] = useBlockTimes([block]);
  return time === undefined ? <Skeleton className="h-4 w-24" /> : <>{format.dateTime(time)}</>;
}

/** What came and went, newest first. */
export function HistoryCard({ account, className }: { account: Address; className?: string }) {
  const zone = useZone();
  const format = useFormat();
  const time = useSlotTime();
  const ledger = useLedger();
  const [told, setTold] = useState<Entry>();
  const words = text.wallet.history;
  const entries = ledger && statementOf(ledger, account, zone.receivers);

  const what = (entry: Entry) => {
    switch (entry.kind) {
      case "deposited":
      case "withdrawn":
        return words[entry.kind];
      case "bought":
      case "sold":
      case "fee":
      case "dust":
        return words[entry.kind](text.deliveries.heading(String(entry.delivery.id)));
      case "bid":
      case "ask":
        return words[entry.kind](time.range(entry.order.slot));
      case "slotFee":
      case "slotDust":
        return words[entry.kind](time.range(entry.slot));
    }
  };
  const columns: Column<Entry>[] = [
    { key: "when", title: words.column.when, cell: (entry) => <EntryTime block={entry.block} /> },
    { key: "what", title: words.column.what, cell: what },
    {
      key: "amount",
      title: words.column.amount,
      number: true,
      cell: (entry) => (
        <span className="block">
          <span className="block font-semibold">{format.moneySigned(entry.amount)}</span>
          {entry.isSetAside && <span className="block text-xs text-muted">{words.setAside}</span>}
        </span>
      ),
    },
    {
      key: "details",
      title: words.column.details,
      number: true,
      hideTitleOnPhone: true,
      cell: (entry) =>
        "transaction" in entry ? (
          <TransactionRef hash={entry.transaction} />
        ) : (
          <Button
            variant="quiet"
            onClick={() => setTold(entry)}
            aria-label={words.openName(what(entry))}
            data-testid="story-open"
          >
            {text.deliveries.story.open}
          </Button>
        ),
    },
  ];
  const close = () => setTold(undefined);
  // As it is now, not as it was when somebody opened it.
  const delivery = told && "delivery" in told ? ledger?.deliveries.get(told.delivery.id) : undefined;
  const order = told && "order" in told ? ledger?.orders.get(told.order.id) : undefined;
  return (
    <Card className={className} testId="history">
      <CardTitle note={words.note}>{words.title}</CardTitle>
      {!entries ? (
        <HistoryPlace className="min-h-24" />
      ) : entries.length === 0 ? (
        <p className="text-muted">{words.none}</p>
      ) : (
        <PagedTable
          caption={words.note}
          columns={columns}
          rows={entries}
          rowKey={(entry) => entry.key}
          rowTestId="history-row"
          size={AT_ONCE}
          words={text.pager}
          count={format.count}
        />
      )}
      {delivery && <DeliveryStory delivery={delivery} onClose={close} />}
      {order && <OrderStory order={order} slotName={time.range(order.slot)} onClose={close} />}
    </Card>
  );
}
