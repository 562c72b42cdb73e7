import { meterRegistryAbi } from "@ioe/protocol/abi";
import { type FeederSlot, useFeeder, useFormat, useMeterCounts, useMismatches, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Badge, Button, Card, CardTitle, type Column, Notice, Skeleton, Table } from "../../ui/index.ts";
import { call, useSend, useSession } from "../../wallet/index.ts";

const SLOTS = 8;

/** What all meters add up to against the meter at the common connection point. */
export function FeederCard({ className }: { className?: string }) {
  const zone = useZone();
  const format = useFormat();
  const session = useSession();
  const send = useSend();
  const counts = useMeterCounts();
  const slots = useFeeder(SLOTS);
  const mismatches = useMismatches();
  const words = text.operator.feeder;
  const time = (slot: number) => format.timeWithSeconds(slot * zone.slotDuration);
  const bad = new Map(mismatches?.map((each) => [each.slot, each]));
  const isComplete = (each: FeederSlot) =>
    counts !== undefined && each.completeMeters >= counts.meters && each.completeFeeders >= counts.feeders;
  const columns: Column<FeederSlot>[] = [
    { key: "slot", title: words.slot, cell: ({ slot }) => <b className="font-semibold">{time(slot)}</b> },
    { key: "given", title: words.given, number: true, cell: ({ given }) => format.energyFixed(given) },
    { key: "taken", title: words.taken, number: true, cell: ({ taken }) => format.energyFixed(taken) },
    {
      key: "meters",
      title: words.complete,
      number: true,
      cell: ({ completeMeters }) => (counts ? words.of(String(completeMeters), String(counts.meters)) : "–"),
    },
    ...(counts && counts.feeders > 0
      ? [
          {
            key: "measured",
            title: words.measured,
            number: true,
            cell: ({ measured }: FeederSlot) => format.energyFixed(measured),
          },
        ]
      : []),
    {
      key: "check",
      title: words.check,
      number: true,
      cell: (each) =>
        bad.has(each.slot) ? (
          <Badge tone="bad">{words.mismatch}</Badge>
        ) : counts && counts.feeders > 0 && isComplete(each) ? (
          <Button
            variant="quiet"
            off={session.kind !== "ready"}
            aria-label={words.reconcileName(time(each.slot))}
            onClick={() =>
              void send(
                words.transaction(time(each.slot)),
                call(zone.contracts.MeterRegistry, meterRegistryAbi, "reconcile", [each.slot]),
              )
            }
          >
            {words.reconcile}
          </Button>
        ) : (
          "–"
        ),
    },
  ];
  return (
    <Card className={className} testId="feeder-card">
      <CardTitle note={words.note}>{words.title}</CardTitle>
      {counts?.feeders === 0 && (
        <div className="mb-3">
          <Notice>{words.noFeeder}</Notice>
        </div>
      )}
      {!slots ? (
        <Skeleton className="block h-40 w-full" />
      ) : (
        <Table caption={words.title} columns={columns} rows={slots} rowKey={({ slot }) => String(slot)} />
      )}
      {mismatches && mismatches.length > 0 && (
        <ul className="mt-4 space-y-1 text-sm" data-testid="mismatches">
          {mismatches.slice(0, SLOTS).map(({ slot, expected, measured }) => (
            <li key={slot} className="text-bad">
              {words.mismatchLine(
                format.dateTime(slot * zone.slotDuration),
                format.energyFixed(expected),
                format.energyFixed(measured),
              )}
            </li>
          ))}
        </ul>
      )}
    </Card>
  );
}
