import { useFormat, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Badge, Card, CardTitle, type Column, Empty, PagedTable } from "../../ui/index.ts";
import { useMeterName } from "../../wallet/index.ts";
import { type Bill, totalOf } from "./bill.ts";

const AT_ONCE = 25;
const SIDES = ["bought", "sold"] as const;

/** The month's trades, newest first, and what they come to. */
export function TradesCard({ bills }: { bills: readonly Bill[] }) {
  const zone = useZone();
  const format = useFormat();
  const meterName = useMeterName();
  const words = text.bills;
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
      cell: (bill) => (bill.side === "bought" ? format.moneyUp(bill.gridFee) : "–"),
    },
    {
      key: "total",
      title: words.column.total,
      number: true,
      cell: (bill) => (
        <span className="block">
          <b className="font-semibold" title={format.moneyExact(bill.side === "bought" ? bill.cost : bill.sellerPaid)}>
            {bill.side === "bought" ? format.moneyUp(bill.cost) : format.moneyDown(bill.sellerPaid)}
          </b>
          {bill.side === "bought" && bill.dust > 0n && (
            <span className="block text-xs text-muted">{words.dust(format.moneyExact(bill.dust))}</span>
          )}
          {bill.penalty > 0n && (
            <span className="block text-xs text-muted">
              {bill.side === "bought"
                ? words.compensation(format.moneyDown(bill.penalty))
                : words.penalty(format.moneyUp(bill.penalty))}
            </span>
          )}
        </span>
      ),
    },
    {
      key: "refund",
      title: words.column.refund,
      number: true,
      cell: (bill) => (bill.side === "bought" || bill.market === "auction" ? format.moneyDown(bill.refund) : "–"),
    },
    {
      key: "benefit",
      title: words.column.benefit,
      number: true,
      cell: (bill) => <span className="text-accent">{format.moneyDown(bill.benefit)}</span>,
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
          <PagedTable
            caption={words.caption}
            columns={columns}
            rows={bills}
            rowKey={(bill) => `${bill.market}-${bill.id}-${bill.side}`}
            rowTestId="bill-row"
            size={AT_ONCE}
            words={text.pager}
            count={format.count}
          />
          <p className="mt-4 text-sm" data-testid="bill-totals">
            {SIDES.map((side) => {
              const { energy, money, benefit } = totalOf(bills, side);
              const isWorse = benefit < 0n;
              const [say, sum] =
                side === "bought"
                  ? [isWorse ? words.boughtSumWorse : words.boughtSum, format.moneyUp]
                  : [isWorse ? words.soldSumWorse : words.soldSum, format.moneyDown];
              const difference = isWorse ? format.moneyUp(-benefit) : format.moneyDown(benefit);
              return (
                bills.some((bill) => bill.side === side) && (
                  <span key={side} className="block">
                    {say(format.energy(energy), sum(money), difference)}
                  </span>
                )
              );
            })}
          </p>
        </>
      )}
    </Card>
  );
}
