/** Hours, days, weeks and months as people live them: in local time, summer time and all. Times in Unix seconds. */
import { addFlows, type Flows, NO_FLOWS } from "../../data/flows.ts";

export const PERIODS = ["hour", "day", "week", "month"] as const;
export type Period = (typeof PERIODS)[number];

/** The start of each part of a period, then the period's end. */
export interface Range {
  start: number;
  end: number;
  starts: number[];
}

const seconds = (date: Date) => date.getTime() / 1000;

/**
 * @param back whole periods before the one that contains `now`
 * @param slotDuration an hour is divided into its slots
 */
export function rangeOf(period: Period, now: number, back: number, slotDuration: number): Range {
  const at = new Date(now * 1000);
  const [y, m, d, h] = [at.getFullYear(), at.getMonth(), at.getDate(), at.getHours()];
  const through = (count: number, start: (i: number) => Date): Range => {
    const starts = Array.from({ length: count + 1 }, (_, i) => seconds(start(i)));
    const end = starts.pop()!;
    // When the clocks change, two of a day's hours begin at the same instant.
    return { start: starts[0]!, end, starts: [...new Set(starts)] };
  };
  switch (period) {
    case "hour": {
      const start = seconds(new Date(y, m, d, h)) - back * 3_600;
      const step = Math.max(slotDuration, 60);
      const starts = Array.from({ length: Math.ceil(3_600 / step) }, (_, i) => start + i * step);
      return { start, end: start + 3_600, starts };
    }
    case "day":
      return through(24, (i) => new Date(y, m, d - back, i));
    case "week": {
      const monday = d - ((at.getDay() + 6) % 7) - 7 * back;
      return through(7, (i) => new Date(y, m, monday + i));
    }
    case "month": {
      const days = new Date(y, m - back + 1, 0).getDate();
      return through(days, (i) => new Date(y, m - back, 1 + i));
    }
  }
}

/** Sums of each part of a range. A slot belongs where it begins. */
export function divide(
  flows: ReadonlyMap<number, Flows>,
  { starts, end }: Range,
  slotDuration: number,
): { start: number; flows: Flows }[] {
  const parts = starts.map((start) => ({ start, flows: NO_FLOWS }));
  for (const [slot, each] of flows) {
    const time = slot * slotDuration;
    if (time >= end || time < starts[0]!) continue;
    const part = parts.findLast(({ start }) => start <= time)!;
    part.flows = addFlows(part.flows, each);
  }
  return parts;
}

export const total = (parts: readonly { flows: Flows }[]) =>
  parts.reduce((sum, { flows }) => addFlows(sum, flows), NO_FLOWS);
