/** What a month costs with the neighbours' energy, and what it would have cost without. Pure. */
import { costUp, paymentDown } from "@ioe/protocol";
import { type Bill, totalOf } from "./bill.ts";
import type { SlotLine } from "./slots.ts";

/** The utility's prices from a slot on, base units per kWh. */
export interface PricesFrom {
  fromSlot: number;
  feedIn: bigint;
  retail: bigint;
}

/** The utility's part at one tariff. */
export interface UtilityPart {
  prices: PricesFrom;
  rest: bigint;
  restCost: bigint;
  surplus: bigint;
  surplusEarned: bigint;
}

/** Energy in energy units, money in base units. Paid is positive, received is in its own field. */
export interface MonthBill {
  /** First instant, and the first of the next month; Unix seconds. */
  start: number;
  end: number;
  taken: bigint;
  given: bigint;
  bought: bigint;
  sold: bigint;
  /** Registers less trades: what remains for the utility. */
  rest: bigint;
  surplus: bigint;
  localCost: bigint;
  localEarned: bigint;
  restCost: bigint;
  surplusEarned: bigint;
  /** The utility's part again, by tariff, oldest first. */
  parts: UtilityPart[];
  total: bigint;
  /** The same registers with the utility alone. */
  alone: bigint;
  saved: bigint;
  /** What it is made of. */
  lines: SlotLine[];
  bills: Bill[];
}

/** The month that a time lies in, in local time. Unix seconds. */
function monthOf(time: number): { start: number; end: number } {
  const at = new Date(time * 1000);
  const first = (months: number) => new Date(at.getFullYear(), at.getMonth() + months).getTime() / 1000;
  return { start: first(0), end: first(1) };
}

/** @param schedule oldest first; the first holds from the beginning */
export function pricesAt(schedule: readonly PricesFrom[], slot: number): PricesFrom | undefined {
  return schedule.findLast(({ fromSlot }) => fromSlot <= slot) ?? schedule[0];
}

/**
 * Bills by month, newest first. The utility's part is rounded once for each month and tariff, as on its own bill: what it
 * charges up, what it pays down.
 */
export function monthsOf(
  lines: readonly SlotLine[],
  bills: readonly Bill[],
  schedule: readonly PricesFrom[],
  { slotDuration, unitsPerKWh }: { slotDuration: number; unitsPerKWh: bigint },
): MonthBill[] {
  const months = new Map<number, { end: number; lines: SlotLine[]; bills: Bill[] }>();
  const at = (slot: number) => {
    const { start, end } = monthOf(slot * slotDuration);
    let month = months.get(start);
    if (!month) months.set(start, (month = { end, lines: [], bills: [] }));
    return month;
  };
  for (const line of lines) at(line.slot).lines.push(line);
  for (const bill of bills) at(bill.slot).bills.push(bill);

  return [...months]
    .map(([start, month]) => {
      const byPrices = new Map<PricesFrom, SlotLine[]>();
      for (const line of month.lines) {
        const prices = pricesAt(schedule, line.slot);
        if (prices) byPrices.set(prices, [...(byPrices.get(prices) ?? []), line]);
      }
      const groups = [...byPrices].sort(([a], [b]) => a.fromSlot - b.fromSlot);
      const charged = (energy: bigint, { retail }: PricesFrom) => costUp(energy, retail, unitsPerKWh);
      const paid = (energy: bigint, { feedIn }: PricesFrom) => paymentDown(energy, feedIn, unitsPerKWh);
      const parts = groups.map(([prices, group]): UtilityPart => {
        const [rest, surplus] = [sumOf(group, (each) => each.fromUtility), sumOf(group, (each) => each.toUtility)];
        return { prices, rest, restCost: charged(rest, prices), surplus, surplusEarned: paid(surplus, prices) };
      });
      const localCost = totalOf(month.bills, "bought").money;
      const localEarned = totalOf(month.bills, "sold").money;
      const restCost = sumOf(parts, (part) => part.restCost);
      const surplusEarned = sumOf(parts, (part) => part.surplusEarned);
      const total = localCost + restCost - localEarned - surplusEarned;
      const alone = sumOf(
        groups,
        ([prices, group]) =>
          charged(
            sumOf(group, (each) => each.imported),
            prices,
          ) -
          paid(
            sumOf(group, (each) => each.exported),
            prices,
          ),
      );
      return {
        start,
        end: month.end,
        taken: sumOf(month.lines, (each) => each.imported),
        given: sumOf(month.lines, (each) => each.exported),
        bought: sumOf(month.lines, (each) => each.bought),
        sold: sumOf(month.lines, (each) => each.sold),
        rest: sumOf(parts, (part) => part.rest),
        surplus: sumOf(parts, (part) => part.surplus),
        localCost,
        localEarned,
        restCost,
        surplusEarned,
        parts,
        total,
        alone,
        saved: alone - total,
        lines: month.lines,
        bills: month.bills,
      };
    })
    .sort((a, b) => b.start - a.start);
}

function sumOf<T>(list: readonly T[], figure: (each: T) => bigint): bigint {
  return list.reduce((total, each) => total + figure(each), 0n);
}
