/// <reference lib="dom" />
export interface ShiftWindow {
  shifts: {
    /** All jumps together. */
    total: number;
    /** The worst group of jumps less than a second apart, of five seconds at most: the web's "cumulative layout shift". */
    worst: number;
    jumps: string[];
  };
}

/** Runs in the page: how far what is seen has jumped (Layout Instability API). */
export function watchShifts(): void {
  interface LayoutShift extends PerformanceEntry {
    value: number;
    hadRecentInput: boolean;
    sources: { node?: Element | null }[];
  }
  const shifts = ((window as never as ShiftWindow).shifts = { total: 0, worst: 0, jumps: [] as string[] });
  let group = { sum: 0, first: -Infinity, last: -Infinity };
  new PerformanceObserver((list) => {
    for (const entry of list.getEntries() as LayoutShift[]) {
      if (entry.hadRecentInput) continue;
      const goesOn = entry.startTime - group.last < 1_000 && entry.startTime - group.first < 5_000;
      group = goesOn
        ? { ...group, sum: group.sum + entry.value, last: entry.startTime }
        : { sum: entry.value, first: entry.startTime, last: entry.startTime };
      shifts.total += entry.value;
      shifts.worst = Math.max(shifts.worst, group.sum);
      const places = entry.sources.map(({ node }) => node?.outerHTML?.slice(0, 80) ?? "?");
      shifts.jumps.push(`${entry.value.toFixed(4)} at ${Math.round(entry.startTime)} ms: ${places.join(", ")}`);
    }
  }).observe({ type: "layout-shift", buffered: true });
}
