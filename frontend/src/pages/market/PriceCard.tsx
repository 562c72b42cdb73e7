import { type Prices, useBalance, useFormat, usePriceHistory, usePrices, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Card, CardTitle, classes, Skeleton, Stat } from "../../ui/index.ts";

const HISTORY_SLOTS = 30;

/** The local price between what the utility pays and what it charges, and how it came here. */
export function PriceCard({ className }: { className?: string }) {
  const format = useFormat();
  const prices = usePrices();
  const words = text.market.price;
  const balance = useBalance();
  // As Tariff.sol: with less than two thirds of the meters complete, the price is the middle.
  const isMeasured = balance && balance.completeMeters * 3 >= balance.activeMeters * 2;
  const state = balance && (!isMeasured ? words.few : balance.given === 0n ? words.idle : undefined);
  const buyersPay = prices && prices.sell + prices.gridFee;
  return (
    <Card className={classes("flex flex-col", className)} testId="price-card">
      <CardTitle note={words.index}>{words.title}</CardTitle>
      <div className="grid grow gap-6 sm:grid-cols-2">
        <dl className="grid grid-cols-2 gap-4">
          <Stat label={words.sellersGet} large testId="price-sell" note={format.priceUnit}>
            {prices ? format.priceNumber(prices.sell) : <Skeleton className="h-8 w-20" />}
          </Stat>
          <Stat
            label={words.buyersPay}
            large
            testId="price-buy"
            note={prices ? words.withFee(format.priceNumber(prices.gridFee)) : format.priceUnit}
          >
            {buyersPay !== undefined ? format.priceNumber(buyersPay) : <Skeleton className="h-8 w-20" />}
          </Stat>
        </dl>
        <History prices={prices} />
      </div>
      <PriceBar prices={prices} />
      <p className="mt-3 min-h-6 text-sm font-medium text-accent">
        {prices && buyersPay !== undefined && prices.retail > buyersPay
          ? words.saves(format.percent(prices.retail - buyersPay, prices.retail))
          : prices && words.savesNothing}
        {prices && state && <span className="block font-normal text-muted">{state}</span>}
      </p>
    </Card>
  );
}

function PriceBar({ prices }: { prices: Prices | undefined }) {
  const format = useFormat();
  const words = text.market.price;
  const at = (price: bigint) => {
    if (!prices) return 0;
    return Math.min(
      100,
      Math.max(0, Number(((price - prices.feedIn) * 10_000n) / (prices.retail - prices.feedIn)) / 100),
    );
  };
  const sell = prices ? at(prices.sell) : 0;
  const buy = prices ? at(prices.sell + prices.gridFee) : 0;
  return (
    <div className="mt-6">
      <div
        role="img"
        aria-label={
          prices &&
          words.barLabel(
            format.price(prices.sell),
            format.price(prices.gridFee),
            format.price(prices.feedIn),
            format.price(prices.retail),
          )
        }
        className="relative h-4 rounded-full bg-sunken inset-ring inset-ring-line"
      >
        <div
          className="absolute inset-y-0 left-0 rounded-l-full bg-accent transition-[width] duration-500"
          style={{ width: `${sell}%` }}
        />
        <div
          className="absolute inset-y-0 bg-sun-fill transition-[left,width] duration-500"
          style={{ left: `${sell}%`, width: `${buy - sell}%` }}
        />
        <div
          className="absolute -inset-y-1.5 w-1 -translate-x-1/2 rounded-full bg-ink outline-2 outline-surface transition-[left] duration-500"
          style={{ left: `${buy}%` }}
        />
      </div>
      <div className="mt-2 flex justify-between gap-4 text-sm text-muted">
        <span>
          {words.feedIn}{" "}
          <b className="block font-semibold text-ink">{prices ? format.priceNumber(prices.feedIn) : "–"}</b>
        </span>
        <span className="flex items-start gap-1.5 text-center">
          <i className="mt-1.5 size-2.5 rounded-full bg-sun-fill" aria-hidden="true" />
          <span>
            {words.fee}{" "}
            <b className="block font-semibold text-ink">{prices ? format.priceNumber(prices.gridFee) : "–"}</b>
          </span>
        </span>
        <span className="text-right">
          {words.retail}{" "}
          <b className="block font-semibold text-ink">{prices ? format.priceNumber(prices.retail) : "–"}</b>
        </span>
      </div>
    </div>
  );
}

/** Index price of the last slots as steps, on the scale between feed-in and retail. */
function History({ prices }: { prices: Prices | undefined }) {
  const zone = useZone();
  const format = useFormat();
  const points = usePriceHistory(HISTORY_SLOTS);
  const words = text.market.price;
  const sells = points?.map((point) => point.sell) ?? [];
  const [low, high, now] = [sells.reduce(lower, sells[0] ?? 0n), sells.reduce(higher, 0n), sells.at(-1) ?? 0n];
  const width = 100 / HISTORY_SLOTS;
  const y = (price: bigint) =>
    prices ? 38 - Number(((price - prices.feedIn) * 3_600n) / (prices.retail - prices.feedIn)) / 100 : 38;
  const line = sells.map((price, i) => `${i ? "V" : `M0 `}${y(price)}H${(i + 1) * width}`).join("");
  return (
    <figure className="flex min-w-0 flex-col">
      <svg
        viewBox="0 0 100 40"
        preserveAspectRatio="none"
        className="min-h-20 w-full basis-20 grow overflow-visible"
        role="img"
        data-testid="price-history"
        aria-label={words.historyLabel(format.price(low), format.price(high), format.price(now))}
      >
        {prices && line && (
          <>
            <path d={`${line}V40H0Z`} className="fill-accent-soft" />
            <path d={line} className="fill-none stroke-accent" strokeWidth="2" vectorEffect="non-scaling-stroke" />
          </>
        )}
      </svg>
      <figcaption className="mt-1 text-xs text-muted">
        {words.history(format.duration(HISTORY_SLOTS * zone.slotDuration))}
      </figcaption>
    </figure>
  );
}

const lower = (a: bigint, b: bigint) => (b < a ? b : a);
const higher = (a: bigint, b: bigint) => (b > a ? b : a);
