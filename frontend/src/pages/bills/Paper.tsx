import type { Address } from "@ioe/protocol";
import { Fragment, type ReactNode } from "react";
import { type Registered, useFormat, useHead, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { useAccountName, useMeterName } from "../../wallet/index.ts";
import { amountOf, type Bill, totalOf } from "./bill.ts";
import type { MonthBill } from "./month.ts";
import { standsOf } from "./stands.ts";

/** Columns of figures whose digits stand under each other; only their names may break. */
const FIGURE = "py-1 pl-4 text-right whitespace-nowrap";
const FIGURE_NAME = "py-1 pl-4 text-right font-semibold";

/** The month as a document: on paper only. Every sum is exact, so that a reader can add up the lines. */
export function Paper(props: { account: Address; month: MonthBill; registered: Registered }) {
  const { account, month, registered } = props;
  const zone = useZone();
  const format = useFormat();
  const head = useHead();
  const accountName = useAccountName();
  const meterName = useMeterName();
  const words = text.bills.paper;
  const { deployment, chain, contracts, token } = zone;
  const name = accountName(account);
  const meterIds = [...month.lines.map(({ meterId }) => meterId), ...month.bills.map(({ ownMeterId }) => ownMeterId)];
  const meters = [...new Set(meterIds)].sort((a, b) => a - b).map((id) => meterName(id));
  // Readings come in and trades are settled for as long after its end.
  const isProvisional = head.timestamp < month.end + zone.grace + zone.slotDuration;
  const money = (label: string, amount: bigint, strong = false) => (
    <div className={`flex justify-between gap-6 ${strong ? "text-[13pt] font-bold" : ""}`}>
      <dt>{label}</dt>
      <dd className="whitespace-nowrap">
        {format.moneyFixed(amount)} {token.symbol}
      </dd>
    </div>
  );
  return (
    <article
      className="paper hidden text-[9.5pt] leading-snug print:block"
      data-testid="paper"
      lang={document.documentElement.lang}
    >
      <header className="flex items-start justify-between gap-8 border-b-2 border-ink pb-4">
        <div>
          <p className="font-semibold">{deployment.zone?.name ?? words.community}</p>
          <h1 className="mt-1 text-[20pt] leading-tight font-bold">
            {(isProvisional ? words.provisional : words.title)(format.month(month.start))}
          </h1>
          <p>{words.period(format.dayShort(month.start), format.utcDay(lastDay(month.end)))}</p>
        </div>
        <img src="/icon.svg" alt="" className="size-12" />
      </header>
      <div className="mt-4 grid grid-cols-2 gap-8">
        <dl className="grid grid-cols-[auto_1fr] content-start gap-x-4 gap-y-0.5">
          <Fact name={words.account}>
            {!name.includes("…") && <span className="block font-semibold">{name}</span>}
            <span className="font-mono text-[7.5pt] break-all">{account}</span>
          </Fact>
          <Fact name={words.meters}>{meters.join(", ")}</Fact>
          <Fact name={words.issued}>{format.dateTime(head.timestamp)}</Fact>
          <Fact name={words.timeZone}>{Intl.DateTimeFormat().resolvedOptions().timeZone}</Fact>
        </dl>
        <dl className="space-y-1 rounded border border-ink p-3">
          {money(
            month.total >= 0n ? words.toPay : words.toReceive,
            month.total >= 0n ? month.total : -month.total,
            true,
          )}
          {money(words.alone, month.alone)}
          {money(words.saved, month.saved)}
        </dl>
      </div>
      <Amounts month={month} />
      <Stands month={month} registered={registered} />
      <Trades side="bought" all={month.bills} />
      <Trades side="sold" all={month.bills} />
      <footer className="mt-6 space-y-1 border-t border-line-strong pt-2 text-[8pt] break-inside-avoid">
        <p>{text.bills.month.provisional}</p>
        <p>
          {words.evidence(String(chain.id), String(head.number))}{" "}
          {words.contracts(contracts.DirectMarket, contracts.CallAuction, contracts.MeterRegistry)}
        </p>
      </footer>
    </article>
  );
}

/** UTC day number of the last local day before an instant. */
function lastDay(end: number): number {
  const at = new Date((end - 1) * 1000);
  return Date.UTC(at.getFullYear(), at.getMonth(), at.getDate()) / 86_400_000;
}

function Fact({ name, children }: { name: string; children: ReactNode }) {
  return (
    <>
      <dt className="text-muted">{name}</dt>
      <dd>{children}</dd>
    </>
  );
}

function Section({
  title,
  note,
  head,
  children,
  foot,
  testId,
}: {
  title: string;
  note?: string;
  head: string[];
  children: ReactNode;
  foot?: ReactNode;
  testId?: string;
}) {
  return (
    <section className="mt-6" data-testid={testId}>
      <h2 className="text-[12pt] font-bold break-after-avoid">{title}</h2>
      {note && <p className="text-muted">{note}</p>}
      <table className="mt-1 w-full">
        <thead>
          <tr className="border-b border-ink text-left align-bottom">
            {head.map((column, i) => (
              <th key={column} scope="col" className={i === 0 ? "w-1/3 py-1 font-semibold" : FIGURE_NAME}>
                {column}
              </th>
            ))}
          </tr>
        </thead>
        <tbody className="divide-y divide-line">{children}</tbody>
        {foot}
      </table>
    </section>
  );
}

/** Energy and money: trades, the rest by tariff, and the total. */
function Amounts({ month }: { month: MonthBill }) {
  const zone = useZone();
  const format = useFormat();
  const words = text.bills.paper;
  const names = text.bills.month;
  const row = (label: string, energy: bigint, price: bigint | undefined, amount: bigint | undefined) => (
    <tr className={amount === undefined ? "font-semibold" : ""}>
      <th scope="row" className={`py-1 text-left ${amount === undefined ? "font-semibold" : "pl-4 font-normal"}`}>
        {label}
      </th>
      <td className={FIGURE}>{format.energyFixed(energy)}</td>
      <td className={FIGURE}>{price === undefined ? "" : format.price(price)}</td>
      <td className={FIGURE}>{amount === undefined ? "" : format.moneyFixed(amount)}</td>
    </tr>
  );
  const from = (slot: number) =>
    month.parts.length > 1 && slot * zone.slotDuration > month.start
      ? `, ${words.from(format.dateTime(slot * zone.slotDuration))}`
      : "";
  return (
    <Section
      title={words.amounts}
      head={[names.what, text.bills.column.energy, text.bills.column.price, words.amount(zone.token.symbol)]}
      foot={
        <tfoot className="border-t border-ink font-bold">
          <tr>
            <th scope="row" colSpan={3} className="py-1 text-left">
              {month.total >= 0n ? words.toPay : words.toReceive}
            </th>
            <td className={FIGURE}>{format.moneyFixed(month.total)}</td>
          </tr>
        </tfoot>
      }
    >
      {row(names.taken, month.taken, undefined, undefined)}
      {row(names.bought, month.bought, undefined, month.localCost)}
      {month.parts.map(({ prices, rest, restCost }) => (
        <Fragment key={prices.fromSlot}>
          {row(`${names.rest}${from(prices.fromSlot)}`, rest, prices.retail, restCost)}
        </Fragment>
      ))}
      {row(names.given, month.given, undefined, undefined)}
      {row(names.sold, month.sold, undefined, -month.localEarned)}
      {month.parts.map(({ prices, surplus, surplusEarned }) => (
        <Fragment key={prices.fromSlot}>
          {row(`${names.surplus}${from(prices.fromSlot)}`, surplus, prices.feedIn, -surplusEarned)}
        </Fragment>
      ))}
    </Section>
  );
}

/** The registers that the bill is reconciled with. */
function Stands({ month, registered }: { month: MonthBill; registered: Registered }) {
  const format = useFormat();
  const meterName = useMeterName();
  const words = text.bills.paper;
  const stands = standsOf(month.lines, registered);
  if (stands.length === 0) return null;
  return (
    <Section
      title={words.stands}
      note={words.standsNote}
      head={[words.meter, words.first, words.last, words.correction, words.counted]}
    >
      {stands.flatMap((stand) =>
        (["imported", "exported"] as const).map((way) => (
          <tr key={`${stand.meterId}-${way}`} className="break-inside-avoid">
            <th scope="row" className="py-1 text-left font-normal">
              {meterName(stand.meterId)}, {way === "imported" ? words.taken : words.given}
            </th>
            {[stand.first, stand.last].map((registers, i) => (
              <td key={i} className={FIGURE}>
                {format.energyFixed(registers[way])}
              </td>
            ))}
            <td className={FIGURE}>
              {stand.correction[way] === 0n ? "–" : format.energySigned(stand.correction[way])}
            </td>
            <td className={FIGURE}>{format.energyFixed(stand.counted[way])}</td>
          </tr>
        )),
      )}
    </Section>
  );
}

/** Every trade of one side, and their sums. */
function Trades({ side, all }: { side: Bill["side"]; all: readonly Bill[] }) {
  const zone = useZone();
  const format = useFormat();
  const meterName = useMeterName();
  const words = text.bills.paper;
  const bills = all.filter((bill) => bill.side === side);
  if (bills.length === 0) return null;
  const isBought = side === "bought";
  const sum = (figure: (bill: Bill) => bigint) =>
    format.moneyFixed(bills.reduce((all, bill) => all + figure(bill), 0n));
  const columns: [string, (bill: Bill) => bigint][] = [
    [words.energyMoney, (bill) => bill.sellerPaid],
    ...(isBought ? ([[words.feeMoney, (bill) => bill.gridFee + bill.dust]] as [string, (bill: Bill) => bigint][]) : []),
    ...(bills.some(({ penalty }) => penalty > 0n)
      ? ([[words.compensation, (bill) => -bill.penalty]] as [string, (bill: Bill) => bigint][])
      : []),
    [words.amount(zone.token.symbol), amountOf],
  ];
  return (
    <Section
      title={isBought ? words.boughtTitle : words.soldTitle}
      testId={`paper-${side}`}
      head={[words.trade, text.bills.column.energy, text.bills.column.price, ...columns.map(([column]) => column)]}
      foot={
        <tfoot className="border-t border-ink font-bold">
          <tr>
            <th scope="row" className="py-1 text-left">
              {words.sum}
            </th>
            <td className={FIGURE}>{format.energyFixed(totalOf(bills, side).energy)}</td>
            <td />
            {columns.map(([column, figure]) => (
              <td key={column} className={FIGURE}>
                {sum(figure)}
              </td>
            ))}
          </tr>
        </tfoot>
      }
    >
      {[...bills].reverse().map((bill) => (
        <tr key={`${bill.market}-${bill.id}`} className="break-inside-avoid">
          <th scope="row" className="py-1 text-left font-normal">
            <span className="block whitespace-nowrap">{format.dateTime(bill.closedAt)}</span>
            {bill.otherMeterId === undefined
              ? words.auction
              : (isBought ? text.bills.from : text.bills.to)(meterName(bill.otherMeterId), String(bill.id))}
          </th>
          <td className={FIGURE}>{format.energyFixed(bill.delivered)}</td>
          <td className={FIGURE}>{format.price(bill.price)}</td>
          {columns.map(([column, figure]) => (
            <td key={column} className={FIGURE}>
              {format.moneyFixed(figure(bill))}
            </td>
          ))}
        </tr>
      ))}
    </Section>
  );
}
