import type { Address } from "@ioe/protocol";
import { directMarketAbi } from "@ioe/protocol/abi";
import { costUp } from "@ioe/protocol";
import { useState } from "react";
import {
  kindOf,
  KINDS,
  type MeterKind,
  type Offer,
  sameAddress,
  useFormat,
  usePresent,
  useZone,
} from "../../data/index.ts";
import { HistoryPlace } from "../../history/index.ts";
import { text } from "../../text/index.ts";
import { Badge, Button, Card, CardTitle, Choice, type Column, Empty, PagedTable } from "../../ui/index.ts";
import { call, useAccountName, useMeterName, useSend } from "../../wallet/index.ts";
import { firstAmount } from "./firstAmount.ts";

interface Props {
  /** Cheapest first; undefined while they are read. */
  offers: Offer[] | undefined;
  account: Address | undefined;
  onBuy: (offer: Offer) => void;
  className?: string;
}

const AT_ONCE = 20;

export function OffersCard({ offers, account, onBuy, className }: Props) {
  const zone = useZone();
  const format = useFormat();
  const present = usePresent();
  const send = useSend();
  const meterName = useMeterName();
  const accountName = useAccountName();
  const words = text.market.offers;
  const [wanted, setWanted] = useState<MeterKind | "all">("all");
  const kind = (offer: Offer) => kindOf(present?.meters.get(offer.meterId));
  const kinds = KINDS.filter((each) => offers?.some((offer) => kind(offer) === each));
  const filter = wanted !== "all" && kinds.includes(wanted) ? wanted : "all";
  const matching = offers?.filter((offer) => filter === "all" || kind(offer) === filter);

  const isMine = (offer: Offer) =>
    sameAddress(offer.account, account) || sameAddress(present?.meters.get(offer.meterId)?.trader, account);
  const cheapest = matching?.find((offer) => !offer.busy && !isMine(offer));
  const amount = cheapest && firstAmount(cheapest, zone.unitsPerKWh);

  const columns: Column<Offer>[] = [
    {
      key: "seller",
      title: words.seller,
      hideTitleOnPhone: true,
      cell: (offer) => (
        <span className="block">
          <span className="block font-semibold">{meterName(offer.meterId)}</span>
          <span className="block text-sm text-muted">{accountName(offer.account)}</span>
        </span>
      ),
    },
    {
      key: "price",
      title: words.price,
      number: true,
      cell: (offer) => (
        <span className="block">
          <span className="block text-lg font-semibold" data-testid="offer-price">
            {format.price(offer.allIn)}
          </span>
          <span className="block text-xs text-muted">
            {offer.mode === "fixed" ? words.fixed : words.index(format.price(offer.listedPrice + offer.gridFee))}
          </span>
        </span>
      ),
    },
    {
      key: "remaining",
      title: words.remaining,
      number: true,
      cell: (offer) => (
        <span className="block">
          <span className="block" data-testid="offer-remaining">
            {format.energy(offer.remaining)}
          </span>
          {offer.minEnergy > 1n && offer.minEnergy < offer.remaining && (
            <span className="block text-xs text-muted">{words.from(format.energy(offer.minEnergy))}</span>
          )}
        </span>
      ),
    },
    {
      key: "record",
      title: words.record,
      number: true,
      cell: ({ record }) =>
        record.promised === 0n ? (
          <span className="text-sm text-muted">{words.recordNone}</span>
        ) : (
          words.recordShare(format.percent(record.delivered, record.promised), format.energy(record.promised))
        ),
    },
    {
      key: "state",
      title: words.state,
      cell: (offer) => (
        <span className="inline-flex flex-wrap justify-end gap-1 wide:justify-start">
          {isMine(offer) && <Badge tone="accent">{words.yours}</Badge>}
          {offer.busy ? (
            <Badge tone="sun" testId="offer-busy">
              {words.busy(format.time(offer.busy.deadline))}
            </Badge>
          ) : (
            !isMine(offer) && (
              <Badge tone="accent" icon="check">
                {words.ready}
              </Badge>
            )
          )}
        </span>
      ),
    },
    {
      key: "action",
      title: words.action,
      number: true,
      hideTitleOnPhone: true,
      cell: (offer) =>
        isMine(offer) ? (
          <Button
            variant="secondary"
            className="w-full wide:w-auto"
            data-testid="cancel-listing"
            onClick={() =>
              void send(
                text.market.cancelTransaction(format.energy(offer.remaining)),
                call(zone.contracts.DirectMarket, directMarketAbi, "cancelListing", [offer.id]),
              )
            }
          >
            {words.cancel}
          </Button>
        ) : (
          <Button
            variant={offer.busy ? "secondary" : "primary"}
            className="w-full wide:w-auto"
            data-testid="buy"
            aria-label={words.buyFrom(meterName(offer.meterId))}
            onClick={() => onBuy(offer)}
          >
            {words.buy}
          </Button>
        ),
    },
  ];

  return (
    <Card className={className} testId="offers">
      <CardTitle
        note={words.note}
        actions={
          cheapest &&
          amount !== undefined && (
            <Button icon="bolt" onClick={() => onBuy(cheapest)} data-testid="buy-cheapest">
              {text.market.buy.sentence(
                format.energy(amount),
                format.moneyUp(costUp(amount, cheapest.allIn, zone.unitsPerKWh)),
              )}
            </Button>
          )
        }
      >
        {words.title}
      </CardTitle>
      {!offers ? (
        <HistoryPlace className="min-h-40" />
      ) : offers.length === 0 && present?.hasAllListings ? (
        <Empty icon="sun" title={words.none}>
          {words.noneNote}
        </Empty>
      ) : (
        <>
          {kinds.length > 1 && (
            <div className="mb-4 overflow-x-auto">
              <Choice
                label={words.filter}
                value={filter}
                options={[
                  { value: "all" as const, label: words.allKinds, testId: "filter-all" },
                  ...kinds.map((each) => ({ value: each, label: text.meter.kinds[each], testId: `filter-${each}` })),
                ]}
                onChange={setWanted}
              />
            </div>
          )}
          <PagedTable
            key={filter}
            caption={words.caption}
            columns={columns}
            rows={matching ?? []}
            rowKey={(offer) => String(offer.id)}
            rowTestId="listing-row"
            size={AT_ONCE}
            words={text.pager}
            count={format.count}
          />
          {!present?.hasAllListings && (
            <div className="mt-4 space-y-2">
              <p className="text-sm text-muted">{words.newest}</p>
              <HistoryPlace className="min-h-12" />
            </div>
          )}
        </>
      )}
    </Card>
  );
}
