import { formatDecimal, formatKWh } from "@ioe/protocol";
import type { Bill } from "./bill.ts";
import type { MonthBill } from "./month.ts";

/** Decimals and name of the money in the file. */
export interface CsvUnits {
  unitsPerKWh: bigint;
  moneyDecimals: number;
  moneySymbol: string;
}

/**
 * RFC 4180. Every figure exact, with a dot, so that any program adds up to the same sums as the chain. Names and values are
 * English in every language: a utility's import knows one set of them.
 */
export function billsToCsv(bills: readonly Bill[], { unitsPerKWh, moneyDecimals, moneySymbol }: CsvUnits): string {
  const money = (base: bigint) => formatDecimal(base, moneyDecimals);
  const columns: [string, (bill: Bill) => string][] = [
    ["closed (UTC)", (bill) => new Date(bill.closedAt * 1000).toISOString()],
    ["market", (bill) => bill.market],
    ["number", (bill) => String(bill.id)],
    ["slot", (bill) => String(bill.slot)],
    ["side", (bill) => bill.side],
    ["own meter", (bill) => String(bill.ownMeterId)],
    ["other meter", (bill) => String(bill.otherMeterId ?? "")],
    ["outcome", (bill) => bill.outcome],
    ["ordered (kWh)", (bill) => formatKWh(bill.energy, unitsPerKWh)],
    ["delivered (kWh)", (bill) => formatKWh(bill.delivered, unitsPerKWh)],
    [`price (${moneySymbol}/kWh)`, (bill) => money(bill.price)],
    [`grid fee (${moneySymbol}/kWh)`, (bill) => money(bill.gridFeePrice)],
    [`seller's money (${moneySymbol})`, (bill) => money(bill.sellerPaid)],
    [`grid fee (${moneySymbol})`, (bill) => money(bill.gridFee)],
    [`rounding (${moneySymbol})`, (bill) => money(bill.dust)],
    [`buyer's cost (${moneySymbol})`, (bill) => money(bill.cost)],
    [`refund (${moneySymbol})`, (bill) => money(bill.refund)],
    [`penalty (${moneySymbol})`, (bill) => money(bill.penalty)],
    [`utility feed-in (${moneySymbol}/kWh)`, (bill) => money(bill.feedIn)],
    [`utility retail (${moneySymbol}/kWh)`, (bill) => money(bill.retail)],
    [`better off by (${moneySymbol})`, (bill) => money(bill.benefit)],
  ];
  const quote = (cell: string) => (/[",\r\n]/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell);
  const lines = [columns.map(([title]) => title), ...bills.map((bill) => columns.map(([, cell]) => cell(bill)))];
  return lines.map((cells) => `${cells.map(quote).join(",")}\r\n`).join("");
}

/** A month, its trades and time slots as JSON. Integers are texts, as they may outgrow a double; `units` says how to read them. */
export function billToJson(account: string, month: MonthBill, units: CsvUnits): string {
  const text = (_key: string, value: unknown) => (typeof value === "bigint" ? value.toString() : value);
  const { bills, lines, ...figures } = month;
  return `${JSON.stringify({ account, units, month: figures, trades: bills, slots: lines }, text, 2)}\n`;
}
