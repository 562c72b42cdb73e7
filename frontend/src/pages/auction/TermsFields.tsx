import { tickPrice, useFormat, useZone } from "../../data/index.ts";
import { MeterSelect } from "../../forms/MeterSelect.tsx";
import { text } from "../../text/index.ts";
import { Button, Choice, TextInput } from "../../ui/index.ts";
import type { Terms } from "./useTerms.ts";

/** @param id begins the fields' test ids */
export function SideAndMeter({ terms, id }: { terms: Terms; id: string }) {
  const words = text.auction.order;
  return (
    <>
      <div className="pb-1">
        <Choice
          label={words.side}
          testId={`${id}-side`}
          value={terms.side}
          options={[
            { value: "bid", label: words.bid, testId: `${id}-side-bid` },
            { value: "ask", label: words.ask, testId: `${id}-side-ask` },
          ]}
          onChange={terms.chooseSide}
        />
      </div>
      <MeterSelect {...terms} label={words.meter} testId={`${id}-meter`} />
    </>
  );
}

/** The limit, which counts in steps. */
export function LimitField({ terms, id }: { terms: Terms; id: string }) {
  const zone = useZone();
  const format = useFormat();
  const words = text.auction.order;
  const { side, limit, limits, limitPrice } = terms;
  const isBetween =
    limit.kind === "amount" &&
    limitPrice !== limit.value &&
    limits &&
    limitPrice !== undefined &&
    limitPrice >= tickPrice(zone, limits.lowest) &&
    limitPrice <= tickPrice(zone, limits.highest);
  return (
    <TextInput
      label={side === "bid" ? words.limitBid : words.limitAsk}
      unit={format.priceUnit}
      value={terms.limitText}
      onChange={terms.setLimitText}
      onBlur={terms.snap}
      testId={`${id}-limit`}
      error={limit.kind === "invalid" ? limit.message : undefined}
      hint={
        isBetween
          ? words.snapped(format.price(limitPrice))
          : limits &&
            (side === "bid" ? words.limitBidHint : words.limitAskHint)(
              format.priceNumber(tickPrice(zone, limits.lowest)),
              format.priceNumber(tickPrice(zone, limits.highest)),
            )
      }
      end={
        <>
          <Button variant="secondary" aria-label={words.cheaper} onClick={() => terms.move(-1)}>
            −
          </Button>
          <Button variant="secondary" aria-label={words.dearer} onClick={() => terms.move(1)}>
            +
          </Button>
        </>
      }
    />
  );
}

/** What an order promises. @param worst money set aside, which is the most it can cost */
export function Pledge({ terms, worst }: { terms: Terms; worst: bigint }) {
  const format = useFormat();
  const words = text.auction.order;
  return (
    <p className="text-sm text-muted" data-testid="auction-promise">
      {words.uniform} {(terms.side === "bid" ? words.promiseBid : words.promiseAsk)(format.moneyUp(worst))}
    </p>
  );
}
