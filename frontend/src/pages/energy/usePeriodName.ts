import { useFormat } from "../../data/index.ts";
import type { Period, Range } from "./periods.ts";

/** @returns a function that names a period: "Sunday, 22 November", "14:00 – 15:00". */
export function usePeriodName() {
  const format = useFormat();
  return (period: Period, { start, end }: Range): string => {
    switch (period) {
      case "hour":
        return `${format.dayLong(start)}, ${format.time(start)} – ${format.time(end)}`;
      case "day":
        return format.dayLong(start);
      case "week":
        return `${format.dayShort(start)} – ${format.dayShort(end - 1)}`;
      case "month":
        return format.month(start);
    }
  };
}

/** @returns a function that names the parts of a period. */
export function usePartName() {
  const format = useFormat();
  return (period: Period, start: number) =>
    period === "hour" || period === "day" ? format.time(start) : format.dayShort(start);
}
