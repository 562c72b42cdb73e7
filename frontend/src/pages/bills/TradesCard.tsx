import { useState } from "react";
import { useFormat, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Badge, Button, Card, CardTitle, type Column, Empty, Table } from "../../ui/index.ts";
import { useMeterName } from "../../wallet/index.ts";
import { type Bill, totalsOf } from "./bill.ts";

const AT_ONCE = 25;

/** The month's trades, newest first, and what they come to. */
export function TradesCard({ bills }: { bills: readonly Bill[] }) {
  const [shown, setShown] = useState(AT_ONCE);
  const zone = useZone();
  const format = useFormat();
  const meterName = useMeterName();
  const words = text.bills;
  const totals = totalsOf(bills);
  const columns: Column<Bill>[] = [
    {
      key: "trade",
      title: words.column.trade,
      hideTitleOnPhone: true,
      cell: (bill) => (
        <span className="block">
          <Badge tone={bill.side === "bought" ? "grid" : "sun"}>
            {bill.side === "bought" ? words.bought : words.sold}
          </Badge>
          <span className="mt-1 block text-sm text-muted">
            {bill.otherMeterId === undefined
              ? words.pool(format.dateTime(bill.slot * zone.slotDuration))
              : (bill.side === "bought" ? words.from : words.to)(meterName(bill.otherMeterId), String(bill.id))}
          </span>
        </span>
      ),
    },
    { key: "when", title: words.column.when, cell: (bill) => format.dateTime(bill.closedAt) },
    { key: "energy", title: words.column.energy, number: true, cell: (bill) => format.energyFixed(bill.delivered) },
    { key: "price", title: words.column.price, number: true, cell: (bill) => format.price(bill.price) },
    {
      key: "fee",
      title: words.column.fee,
      number: true,
      cell: (bill) => (bill.side === "bought" ? format.money(bill.gridFee) : "–"),
    },
    {
      key: "total",
      title: words.column.total,
      number: true,
      cell: (bill) => (
        <span className="block">
          <b className="font-semibold" title={format.moneyExact(bill.side === "bought" ? bill.cost : bill.sellerPaid)}>
            {format.money(bill.side === "bought" ? bill.cost : bill.sellerPaid)}
          </b>
          {bill.side === "bought" && bill.dust > 0n && (
            <span className="block text-xs text-muted">{words.dust(format.moneyExact(bill.dust))}</span>
          )}
          {bill.penalty > 0n && (
            <span className="block text-xs text-muted">
              {(bill.side === "bought" ? words.compensation : words.penalty)(format.money(bill.penalty))}
            </span>
          )}
        </span>
      ),
    },
    {
      key: "refund",
      title: words.column.refund,
      number: true,
      cell: (bill) => (bill.side === "bought" || bill.market === "auction" ? format.money(bill.refund) : "–"),
    },
    {
      key: "benefit",
      title: words.column.benefit,
      number: true,
      cell: (bill) => <span className="text-accent">{format.money(bill.benefit)}</span>,
    },
  ];
  return (
    <Card testId="bill-trades">
      <CardTitle>{words.trades}</CardTitle>
      {bills.length === 0 ? (
        <Empty icon="bills" title={words.noTrades}>
          {words.noneNote}
        </Empty>
      ) : (
        <>
          <Table
            caption={words.caption}
            columns={columns}
            rows={bills.slice(0, shown)}
            rowKey={(bill) => `${bill.market}-${bill.id}-${bill.side}`}
            rowTestId="bill-row"
          />
          {bills.length > shown && (
            <Button variant="quiet" className="mt-3 w-full" onClick={() => setShown(shown + AT_ONCE)}>
              {text.more}
            </Button>
          )}
          <p className="mt-4 text-sm" data-testid="bill-totals">
            {totals.boughtEnergy > 0n && (
              <span className="block">
                {words.boughtSum(
                  format.energy(totals.boughtEnergy),
                  format.money(totals.spent),
                  format.money(totals.saved),
                )}
              </span>
            )}
            {totals.soldEnergy > 0n && (
              <span className="block">
                {words.soldSum(
                  format.energy(totals.soldEnergy),
                  format.money(totals.earned),
                  format.money(totals.gained),
                )}
              </span>
            )}
          </p>
        </>
      )}
    </Card>
  );
}
