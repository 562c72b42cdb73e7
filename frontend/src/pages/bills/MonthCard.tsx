import { useFormat } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Card, CardTitle, Stat } from "../../ui/index.ts";
import type { MonthBill } from "./month.ts";

/** One month: registers = trades + rest, and what that comes to. What is received has a minus, as on any bill. */
export function MonthCard({ month }: { month: MonthBill }) {
  const format = useFormat();
  const words = text.bills.month;
  const line = (label: string, energy: bigint, money?: bigint) => {
    const isSum = money === undefined;
    return (
      <tr className={isSum ? "font-semibold" : ""}>
        <th scope="row" className={`py-1.5 pr-3 text-left ${isSum ? "font-semibold" : "pl-4 font-normal text-muted"}`}>
          {label}
          <span className="block text-ink sm:hidden">{format.energyFixed(energy)}</span>
        </th>
        <td className="hidden py-1.5 text-right whitespace-nowrap sm:table-cell">{format.energyFixed(energy)}</td>
        <td className="py-1.5 pl-4 text-right whitespace-nowrap">{isSum ? "" : format.moneyUp(money)}</td>
      </tr>
    );
  };
  return (
    <Card testId="bill-month">
      <CardTitle note={words.note}>{format.month(month.start)}</CardTitle>
      <div className="grid gap-6 lg:grid-cols-[1fr_18rem]">
        <table className="w-full">
          <caption className="sr-only">{words.caption}</caption>
          <thead className="sr-only">
            <tr>
              <th scope="col">{words.what}</th>
              <th scope="col" className="hidden sm:table-cell">
                {text.bills.column.energy}
              </th>
              <th scope="col">{text.bills.column.total}</th>
            </tr>
          </thead>
          <tbody className="divide-y divide-line">
            {line(words.taken, month.taken)}
            {line(words.bought, month.bought, month.localCost)}
            {line(words.rest, month.rest, month.restCost)}
            {line(words.given, month.given)}
            {line(words.sold, month.sold, -month.localEarned)}
            {line(words.surplus, month.surplus, -month.surplusEarned)}
          </tbody>
        </table>
        <dl className="grid grid-cols-2 content-start gap-4 rounded-xl bg-sunken p-4 lg:grid-cols-1">
          <Stat
            label={month.total >= 0n ? words.toPay : words.toReceive}
            large
            className="col-span-full"
            testId="month-total"
          >
            {month.total >= 0n ? format.moneyUp(month.total) : format.moneyDown(-month.total)}
          </Stat>
          <Stat label={month.alone >= 0n ? words.alone : words.aloneReceive} testId="month-alone">
            {month.alone >= 0n ? format.moneyUp(month.alone) : format.moneyDown(-month.alone)}
          </Stat>
          <Stat label={words.saved} testId="month-saved">
            <span className={month.saved >= 0n ? "text-accent" : ""}>{format.moneyDown(month.saved)}</span>
          </Stat>
        </dl>
      </div>
      <p className="mt-4 text-sm text-muted">{words.provisional}</p>
    </Card>
  );
}
