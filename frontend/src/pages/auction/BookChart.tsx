import type { OrderSide } from "@ioe/protocol";
import type { ReactNode } from "react";
import type { Bounds, Crossing, Depth, Step } from "./book.ts";
import { fillAt, stepsOf, totalOf } from "./book.ts";

interface Props {
  depth: Depth;
  bounds: Bounds;
  crossing: Crossing | undefined;
  /** Energy of the person's own orders by side and tick. */
  own: { bid: ReadonlyMap<number, bigint>; ask: ReadonlyMap<number, bigint> };
  label: string;
  energy: (energy: bigint) => string;
  price: (tick: number) => string;
}

/** Part of the scale above and below the slot's prices, so that no step lies on the frame. */
const MARGIN = 0.08;

/** Supply and demand as merit-order steps: energy to the right, the seller's price up. */
export function BookChart({ depth, bounds, crossing, own, label, energy, price }: Props) {
  const asks = stepsOf(depth.asks, "ask");
  const bids = stepsOf(depth.bids, "bid");
  const [offered, wanted] = [totalOf(depth.asks), totalOf(depth.bids)];
  const most = offered > wanted ? offered : wanted;
  const x = (amount: bigint) => (most ? Number((amount * 10_000n) / most) / 100 : 0);
  const span = (bounds.highest - bounds.lowest) * (1 + 2 * MARGIN) || 1;
  const y = (tick: number) => (1 - ((tick - bounds.lowest) / span + MARGIN / (1 + 2 * MARGIN))) * 100;

  const steps = (curve: readonly Step[]) =>
    curve.map(({ tick, from, to }) => `${from === 0n ? "M0 " : "V"}${y(tick)}H${x(to)}`).join("");
  // The part of the curves that changes hands, as one area.
  const upTo = (curve: readonly Step[], volume: bigint) =>
    curve.filter(({ from }) => from < volume).map((step) => (step.to > volume ? { ...step, to: volume } : step));
  const traded =
    crossing &&
    [
      ...upTo(asks, crossing.volume).flatMap(({ tick, from, to }) => [`${x(from)},${y(tick)}`, `${x(to)},${y(tick)}`]),
      ...upTo(bids, crossing.volume)
        .flatMap(({ tick, from, to }) => [`${x(from)},${y(tick)}`, `${x(to)},${y(tick)}`])
        .reverse(),
    ].join(" ");
  const highlights = (curve: readonly Step[], energies: ReadonlyMap<number, bigint>) =>
    curve
      .filter(({ tick }) => energies.has(tick))
      .map(({ tick, from }) => `M${x(from)} ${y(tick)}H${x(from + (energies.get(tick) ?? 0n))}`)
      .join("");
  // What the crossing accepts of the own orders, between their limit and the price.
  const fills = (curve: readonly Step[], side: OrderSide) =>
    curve.flatMap(({ tick, from }) => {
      const fill = crossing ? fillAt(crossing, side, tick, own[side].get(tick) ?? 0n) : 0n;
      return crossing && fill > 0n
        ? `M${x(from)} ${y(tick)}H${x(from + fill)}V${y(crossing.priceTick)}H${x(from)}Z`
        : [];
    });
  const ownFills = [...fills(asks, "ask"), ...fills(bids, "bid")].join("");
  const priceY = crossing ? y(crossing.priceTick) : 0;
  const line = { fill: "none", vectorEffect: "non-scaling-stroke" } as const;

  return (
    <figure>
      <div className="grid grid-cols-[auto_1fr] gap-x-2 text-xs text-muted">
        <div className="relative w-10" aria-hidden="true">
          <Tick at={y(bounds.highest)}>{price(bounds.highest)}</Tick>
          <Tick at={y(bounds.lowest)}>{price(bounds.lowest)}</Tick>
        </div>
        <div className="relative h-56 sm:h-72 lg:h-88">
          <svg
            viewBox="0 0 100 100"
            preserveAspectRatio="none"
            className="size-full rounded-lg bg-sunken"
            role="img"
            aria-label={label}
            data-testid="auction-chart"
          >
            {[bounds.lowest, bounds.highest].map((tick) => (
              <path key={tick} d={`M0 ${y(tick)}H100`} className="stroke-line" {...line} />
            ))}
            {traded && <polygon points={traded} className="fill-accent-soft" />}
            {ownFills && <path d={ownFills} className="fill-accent opacity-40" />}
            {crossing && (
              <path
                d={`M0 ${priceY}H100M${x(crossing.volume)} ${priceY}V100`}
                className="stroke-ink"
                strokeWidth="1"
                strokeDasharray="3 4"
                {...line}
              />
            )}
            <path d={steps(bids)} className="stroke-grid" strokeWidth="2.5" strokeDasharray="9 4" {...line} />
            <path d={steps(asks)} className="stroke-sun" strokeWidth="2.5" {...line} />
            <path
              d={highlights(asks, own.ask) + highlights(bids, own.bid)}
              className="stroke-accent"
              strokeWidth="7"
              {...line}
            />
          </svg>
          {crossing && (
            <span
              aria-hidden="true"
              className="absolute right-1.5 rounded-md bg-surface px-1.5 font-semibold text-ink"
              style={priceY < 15 ? { top: `${priceY + 2}%` } : { bottom: `${100 - priceY + 1.5}%` }}
            >
              {price(crossing.priceTick)}
            </span>
          )}
        </div>
        <span />
        <div className="flex justify-between pt-1" aria-hidden="true">
          <span>0</span>
          <span>{energy(most)}</span>
        </div>
      </div>
    </figure>
  );
}

function Tick({ at, children }: { at: number; children: ReactNode }) {
  return (
    <span className="absolute right-0 -translate-y-1/2" style={{ top: `${at}%` }}>
      {children}
    </span>
  );
}

/** A sample of a line, as in the chart. */
export function Sample({ kind }: { kind: "ask" | "bid" | "own" }) {
  const look = {
    ask: { className: "stroke-sun", strokeWidth: 2.5 },
    bid: { className: "stroke-grid", strokeWidth: 2.5, strokeDasharray: "9 4" },
    own: { className: "stroke-accent", strokeWidth: 7 },
  }[kind];
  return (
    <svg viewBox="0 0 24 8" className="h-2 w-6 shrink-0" aria-hidden="true">
      <path d="M0 4H24" fill="none" {...look} />
    </svg>
  );
}
