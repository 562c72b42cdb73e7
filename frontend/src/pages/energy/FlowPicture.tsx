import { useFormat } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Stat } from "../../ui/index.ts";
import type { Flows } from "../../data/flows.ts";

/** One band of the picture: where it starts and ends from top, in percent, and its colour. */
interface Band {
  from: number;
  to: number;
  height: number;
  colour: string;
}

const COLOURS = { self: "fill-sun-fill", neighbours: "fill-accent", utility: "fill-grid" } as const;
type Party = keyof typeof COLOURS;
const PARTIES = ["self", "neighbours", "utility"] as const;
const CENTRES: Record<Party, number> = { self: 17, neighbours: 50, utility: 83 };

/** The largest band is this part of the height; its stack in the middle never leaves the picture. */
const LARGEST = 60;

/** Left: what was taken, by its source. Right: what was given, by its receiver. Widths are energy, both sides alike. */
export function FlowPicture({ flows }: { flows: Flows }) {
  const format = useFormat();
  const words = text.energy.flow;
  const { taken, given, own, bought, sold, fromUtility, toUtility } = flows;
  const sources: Record<Party, bigint> = { self: own, neighbours: bought, utility: fromUtility };
  const sinks: Record<Party, bigint> = { self: own, neighbours: sold, utility: toUtility };
  const most = taken > given ? taken : given;
  const percent = (energy: bigint) => (most === 0n ? 0 : (Number((energy * 10_000n) / most) / 10_000) * LARGEST);
  const bands = (parties: Record<Party, bigint>, sum: bigint): Band[] => {
    let top = 50 - percent(sum) / 2;
    return PARTIES.filter((party) => parties[party] > 0n).map((party) => {
      const height = Math.max(1, percent(parties[party]));
      const band = { from: CENTRES[party] - Math.min(height, 30) / 2, to: top, height, colour: COLOURS[party] };
      top += percent(parties[party]);
      return band;
    });
  };
  const path = ({ from, to, height }: Band, outer: number, inner: number) => {
    const [middle, end] = [(outer + inner) / 2, Math.min(height, 30)];
    return `M${outer} ${from}C${middle} ${from} ${middle} ${to} ${inner} ${to}V${to + height}C${middle} ${to + height} ${middle} ${from + end} ${outer} ${from + end}Z`;
  };
  const side = (parties: Record<Party, bigint>, title: string, align: string) => (
    <div className={`relative w-20 shrink-0 sm:w-32 ${align}`} aria-hidden="true">
      <p
        className={`absolute -top-6 text-[0.65rem] whitespace-nowrap text-muted sm:text-xs ${align === "text-right" ? "right-0" : "left-0"}`}
      >
        {title}
      </p>
      {PARTIES.map((party) => (
        <p
          key={party}
          className={`absolute w-full -translate-y-1/2 text-xs leading-tight sm:text-sm ${parties[party] === 0n ? "text-muted" : ""}`}
          style={{ top: `${CENTRES[party]}%` }}
        >
          {words[party]}
          <b className="block font-semibold">{format.energy(parties[party])}</b>
        </p>
      ))}
    </div>
  );
  return (
    <div data-testid="energy-flow">
      {most === 0n ? (
        <p className="py-10 text-center text-muted">{words.nothing}</p>
      ) : (
        <figure
          className="mt-8 flex h-52 gap-2 sm:h-60 sm:gap-3"
          role="img"
          aria-label={words.label(
            ...([taken, own, bought, fromUtility, given, sold, toUtility].map((energy) =>
              format.energy(energy),
            ) as Seven),
          )}
        >
          {side(sources, words.sources, "text-right")}
          <div className="relative min-w-0 grow">
            <svg viewBox="0 0 100 100" preserveAspectRatio="none" className="size-full" aria-hidden="true">
              {bands(sources, taken).map((band) => (
                <path key={band.colour} d={path(band, 0, 42)} className={`${band.colour} opacity-80`} />
              ))}
              {bands(sinks, given).map((band) => (
                <path key={band.colour} d={path(band, 100, 58)} className={`${band.colour} opacity-80`} />
              ))}
            </svg>
            <span className="absolute inset-x-[24%] inset-y-[12%] grid place-items-center rounded-xl border border-line-strong bg-sunken text-center text-[0.65rem] font-semibold sm:inset-x-[41%] sm:text-sm">
              <span className="w-min">{words.you}</span>
            </span>
          </div>
          {side(sinks, words.sinks, "text-left")}
        </figure>
      )}
      <dl className="mt-6 grid grid-cols-2 gap-4">
        <Stat
          label={words.sufficiency}
          note={words.sufficiencyNote(format.energy(taken))}
          large
          testId="self-sufficiency"
        >
          {format.percent(own + bought, taken)}
        </Stat>
        <Stat
          label={words.consumption}
          note={words.consumptionNote(format.energy(given))}
          large
          testId="self-consumption"
        >
          {format.percent(own + sold, given)}
        </Stat>
      </dl>
      <p className="mt-4 text-sm text-muted">{words.method}</p>
    </div>
  );
}

type Seven = [string, string, string, string, string, string, string];
