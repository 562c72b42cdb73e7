import { useState } from "react";
import { type DeliveryRecord, type Outcome, useBlockTimes, useFormat } from "../../data/index.ts";
import { DeliveryStory } from "../../story/index.ts";
import { text } from "../../text/index.ts";
import { Badge, Button, type Column, PagedTable, Skeleton, type Tone } from "../../ui/index.ts";
import { useMeterName } from "../../wallet/index.ts";

const AT_ONCE = 20;
const TONES: Record<Outcome, Tone> = { complete: "accent", short: "sun", nothing: "neutral" };

function EndedAt({ delivery }: { delivery: DeliveryRecord }) {
  const format = useFormat();
  const [closedAt] = useBlockTimes(delivery.closedInBlock === undefined ? [] : [delivery.closedInBlock]);
  return closedAt === undefined ? <Skeleton className="h-4 w-24" /> : <>{format.dateTime(closedAt)}</>;
}

export function EndedTable({ deliveries }: { deliveries: readonly DeliveryRecord[] }) {
  const format = useFormat();
  const meterName = useMeterName();
  const [told, setTold] = useState<DeliveryRecord>();
  const words = text.deliveries;
  const columns: Column<DeliveryRecord>[] = [
    {
      key: "route",
      title: words.column.route,
      hideTitleOnPhone: true,
      cell: (each) => (
        <span className="block">
          <span className="block font-medium">
            {words.route(meterName(each.sellerMeterId), meterName(each.buyerMeterId))}
          </span>
          <span className="block text-sm text-muted">{words.heading(String(each.id))}</span>
        </span>
      ),
    },
    {
      key: "energy",
      title: words.column.energy,
      number: true,
      cell: (each) => (
        <span className="block">
          <span className="block">
            {words.ofEnergy(format.energyFixed(each.delivered), format.energy(each.energy))}
          </span>
          {each.delivered < each.energy && (
            <span className="block text-xs text-muted" data-testid="delivery-missing">
              {words.missing(format.energy(each.energy - each.delivered))}
            </span>
          )}
        </span>
      ),
    },
    {
      key: "cost",
      title: words.column.cost,
      number: true,
      cell: (each) =>
        each.bill ? (
          <span className="block">
            <span className="block">{format.moneyUp(each.bill.cost)}</span>
            {each.bill.refund > 0n && (
              <span className="block text-xs text-muted" data-testid="delivery-refund">
                {words.refunded(format.moneyDown(each.bill.refund))}
              </span>
            )}
          </span>
        ) : (
          "–"
        ),
    },
    { key: "when", title: words.column.when, number: true, cell: (each) => <EndedAt delivery={each} /> },
    {
      key: "outcome",
      title: words.column.outcome,
      cell: (each) =>
        each.outcome && (
          <Badge tone={TONES[each.outcome]} testId="delivery-outcome">
            {words.outcome[each.outcome]}
          </Badge>
        ),
    },
    {
      key: "story",
      title: words.story.steps,
      number: true,
      hideTitleOnPhone: true,
      cell: (each) => (
        <Button
          variant="secondary"
          className="w-full wide:w-auto"
          aria-label={words.story.openName(words.heading(String(each.id)))}
          onClick={() => setTold(each)}
          data-testid="story-open"
        >
          {words.story.open}
        </Button>
      ),
    },
  ];
  return (
    <>
      <PagedTable
        caption={words.caption}
        columns={columns}
        rows={deliveries}
        rowKey={(each) => String(each.id)}
        rowTestId="ended-row"
        size={AT_ONCE}
        words={text.pager}
        count={format.count}
      />
      {told && <DeliveryStory delivery={told} onClose={() => setTold(undefined)} />}
    </>
  );
}
