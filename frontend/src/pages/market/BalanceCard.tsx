import { useBalance, useFormat, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Card, CardTitle, Skeleton } from "../../ui/index.ts";
import { useMeterName } from "../../wallet/index.ts";

/** What all meters gave to and took from the grid in the slot that makes the present price. */
export function BalanceCard() {
  const zone = useZone();
  const format = useFormat();
  const balance = useBalance();
  const meterName = useMeterName();
  const words = text.market.balance;
  const largest = balance ? (balance.given > balance.taken ? balance.given : balance.taken) : 0n;
  const bar = (label: string, energy: bigint | undefined, colour: string, testId: string) => (
    <div className="grid grid-cols-[1fr_auto] gap-x-2 gap-y-1.5">
      <dt className="text-muted">{label}</dt>
      <dd className="font-semibold" data-testid={testId}>
        {energy === undefined ? <Skeleton className="h-4 w-16" /> : format.energyFixed(energy)}
      </dd>
      <dd
        className="col-span-2 h-3 overflow-hidden rounded-full bg-sunken inset-ring inset-ring-line"
        aria-hidden="true"
      >
        <div
          className={`h-full rounded-full transition-[width] duration-500 ${colour}`}
          style={{ width: largest && energy ? `${Number((energy * 100n) / largest)}%` : "0%" }}
        />
      </dd>
    </div>
  );
  return (
    // As tall as its row will be with a handful of meters, so that nothing jumps when they come in.
    <Card testId="balance-card" className="flex flex-col lg:min-h-96">
      <CardTitle
        note={
          balance
            ? words.note(
                format.timeWithSeconds(balance.slot * zone.slotDuration),
                format.timeWithSeconds((balance.slot + 1) * zone.slotDuration),
              )
            : "…"
        }
      >
        {words.title}
      </CardTitle>
      <dl className="space-y-4">
        {bar(words.give, balance?.given, "bg-sun-fill", "balance-given")}
        {bar(words.take, balance?.taken, "bg-grid", "balance-taken")}
      </dl>
      {balance?.meters && (
        <ul className="mt-4 space-y-1 border-t border-line pt-3 text-sm" data-testid="balance-meters">
          {balance.meters.map(({ id, given, taken }) => (
            <li key={id} className="flex justify-between gap-3">
              <span className="truncate text-muted">{meterName(id)}</span>
              <span>{format.energySigned(given - taken)}</span>
            </li>
          ))}
        </ul>
      )}
      <p className="mt-auto min-h-12 pt-4 text-sm text-muted">
        {balance && (
          <>
            {balance.taken > 0n
              ? words.surplus(format.percent(balance.given, balance.taken))
              : balance.given === 0n && words.nothing}
            <br />
            {words.meters(balance.completeMeters, balance.activeMeters)}
          </>
        )}
      </p>
    </Card>
  );
}
