import { useEffect, useRef, useState } from "react";
import uPlot from "uplot";
import "uplot/dist/uPlot.min.css";
import { useFormat } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Card, CardTitle, Details } from "../../ui/index.ts";
import type { Flows } from "../../data/flows.ts";
import type { Period, Range } from "./periods.ts";
import { usePartName } from "./usePeriodName.ts";

interface Props {
  period: Period;
  range: Range;
  parts: { start: number; flows: Flows }[];
}

const HEIGHT = 260;

/** Bars of what was taken (up) and given (down), and the same as a table. The only figures here that become floats. */
export default function ChartCard({ period, range, parts }: Props) {
  const format = useFormat();
  const partName = usePartName();
  const words = text.energy.chart;
  const shown = parts.filter(({ flows }) => flows.taken > 0n || flows.given > 0n);
  return (
    <Card testId="energy-chart">
      <CardTitle>{words.title}</CardTitle>
      <figure
        role="img"
        aria-label={words.label(format.dateTime(range.start), format.dateTime(range.end))}
        className="min-h-[260px]"
      >
        <Bars period={period} parts={parts} />
      </figure>
      <ul className="mt-2 flex flex-wrap gap-x-5 gap-y-1 text-sm" aria-hidden="true">
        <li className="flex items-center gap-2">
          <i className="size-3 rounded-sm bg-grid" />
          {words.taken}
        </li>
        <li className="flex items-center gap-2">
          <i className="size-3 rounded-sm bg-sun-fill" />
          {words.given}
        </li>
      </ul>
      {shown.length > 0 && (
        <Details title={words.table}>
          <div className="overflow-x-auto" tabIndex={0} role="region" aria-label={words.caption}>
            <table className="mt-2 w-full text-sm">
              <caption className="sr-only">{words.caption}</caption>
              <thead>
                <tr>
                  {[words.time, words.taken, words.own, words.bought, words.utility, words.given].map((title, i) => (
                    <th
                      key={title}
                      scope="col"
                      className={`border-b border-line px-2 py-1.5 text-xs font-medium text-muted ${i ? "text-right" : "text-left"}`}
                    >
                      {title}
                    </th>
                  ))}
                </tr>
              </thead>
              <tbody>
                {shown.map(({ start, flows }) => (
                  <tr key={start}>
                    <th scope="row" className="border-b border-line px-2 py-1.5 text-left font-normal">
                      {partName(period, start)}
                    </th>
                    {[flows.taken, flows.own, flows.bought, flows.fromUtility, flows.given].map((energy, i) => (
                      <td key={i} className="border-b border-line px-2 py-1.5 text-right whitespace-nowrap">
                        {format.energyFixed(energy)}
                      </td>
                    ))}
                  </tr>
                ))}
              </tbody>
            </table>
          </div>
        </Details>
      )}
    </Card>
  );
}

function Bars({ period, parts }: { period: Period; parts: { start: number; flows: Flows }[] }) {
  const format = useFormat();
  const partName = usePartName();
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  const [theme, setTheme] = useState(0);
  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const sizes = new ResizeObserver(([entry]) => setWidth(Math.floor(entry?.contentRect.width ?? 0)));
    sizes.observe(element);
    // The canvas takes its colours when it is drawn.
    const redraw = () => setTheme((n) => n + 1);
    const themes = new MutationObserver(redraw);
    themes.observe(document.documentElement, { attributeFilter: ["data-theme"] });
    const media = matchMedia("(prefers-color-scheme: dark)");
    media.addEventListener("change", redraw);
    return () => {
      sizes.disconnect();
      themes.disconnect();
      media.removeEventListener("change", redraw);
    };
  }, []);
  const kWh = (energy: bigint) => Number(energy) / Number(format.units.unitsPerKWh);
  const figures = parts.map(({ flows }) => `${flows.taken}/${flows.given}`).join();
  useEffect(() => {
    const element = place.current;
    if (!element || width === 0) return undefined;
    const style = getComputedStyle(element);
    // Canvas knows no light-dark(): the colours are read from elements that wear them.
    const colour = (name: string) => {
      element.style.color = `var(--${name})`;
      const value = style.color;
      element.style.color = "";
      return value;
    };
    const [ink, line] = [colour("muted"), colour("line")];
    const bars = uPlot.paths.bars?.({ size: [0.8, 40] });
    const xs = parts.map((_, i) => i);
    const axis = {
      stroke: ink,
      grid: { stroke: line, width: 1 },
      ticks: { show: false },
      font: `12px ${style.fontFamily}`,
    };
    const chart = new uPlot(
      {
        width,
        height: HEIGHT,
        legend: { show: false },
        cursor: { show: false },
        scales: {
          x: { time: false, range: [-0.6, parts.length - 0.4] },
          y: { range: (_u, low, high) => rangeY(low, high) },
        },
        axes: [
          {
            ...axis,
            grid: { show: false },
            space: 56,
            values: (_u, at) =>
              at.map((i) => (parts[i] && Number.isInteger(i) ? partName(period, parts[i].start) : "")),
          },
          {
            ...axis,
            // As wide as its longest figure, which the canvas would cut off.
            size: (_u, shown) => Math.max(64, ...(shown ?? []).map((each) => each.length * 7 + 16)),
            values: (_u, at) =>
              at.map(
                (value) =>
                  `${new Intl.NumberFormat(format.units.locale, { maximumSignificantDigits: 3 }).format(Math.abs(value))} kWh`,
              ),
          },
        ],
        series: [
          {},
          { fill: colour("grid"), stroke: "transparent", width: 0, paths: bars, points: { show: false } },
          { fill: colour("sun-fill"), stroke: "transparent", width: 0, paths: bars, points: { show: false } },
        ],
      },
      [xs, parts.map(({ flows }) => kWh(flows.taken)), parts.map(({ flows }) => -kWh(flows.given))],
      element,
    );
    return () => chart.destroy();
    // `parts` is another list with every second; its figures are what is drawn.
  }, [width, theme, figures, period, format]);
  return <div ref={place} />;
}

/** Zero is always in sight, and an empty chart has a scale. */
function rangeY(low: number | null, high: number | null): [number, number] {
  const [bottom, top] = [Math.min(0, low ?? 0), Math.max(0, high ?? 0)];
  const room = (top - bottom) * 0.08 || 0.1;
  return [bottom === 0 ? 0 : bottom - room, top + room];
}
