import { lazy, Suspense, useState } from "react";
import {
  everOwned,
  type Meter,
  ofOwner,
  sameAddress,
  useLedger,
  useMeasured,
  useMyMeters,
  useNow,
  useOwnerIn,
  useZone,
} from "../../data/index.ts";
import { HistoryPlace } from "../../history/index.ts";
import { text } from "../../text/index.ts";
import { Button, Card, CardTitle, Choice, Empty, PageTitle, Skeleton } from "../../ui/index.ts";
import { ConnectFirst, useSession } from "../../wallet/index.ts";
import { CertificatesCard } from "./CertificatesCard.tsx";
import { FlowPicture } from "./FlowPicture.tsx";
import { flowsBySlot, tradedBySlot } from "../../data/flows.ts";
import { MetersCard } from "./MetersCard.tsx";
import { divide, type Period, PERIODS, rangeOf, total } from "./periods.ts";
import { UnsoldCard } from "./UnsoldCard.tsx";
import { usePeriodName } from "./usePeriodName.ts";

const ChartCard = lazy(() => import("./ChartCard.tsx"));

/** An hour is worth a look only where it holds many slots. */
const SHORT_SLOT = 300;

export function Energy() {
  const session = useSession();
  const meters = useMyMeters(session.account);
  const ledger = useLedger();
  const words = text.energy;
  return (
    <>
      <PageTitle title={words.title} lead={words.lead} />
      {!session.account ? (
        <ConnectFirst icon="energy" title={words.connectFirst} />
      ) : !meters ? (
        <Place />
      ) : (
        <div className="space-y-4">
          {meters.length > 0 ? (
            <MetersCard meters={meters} />
          ) : (
            <Card>
              <Empty icon="energy" title={words.noMeter}>
                {words.noMeterNote}
              </Empty>
            </Card>
          )}
          {(meters.length > 0 || (ledger && everOwned(ledger, session.account).length > 0)) && (
            <Figures account={session.account} meters={meters} />
          )}
        </div>
      )}
      {session.account && meters && (
        <div className="mt-4">
          <CertificatesCard account={session.account} />
        </div>
      )}
    </>
  );
}

/** As tall as what comes: what stands below it is out of sight, and nothing that is read jumps. */
const Place = () => <HistoryPlace className="min-h-[60rem] rounded-2xl" />;

/** Of the meters, and of those that were the account's own once: each for as long as its owner had it. */
function Figures({ account, meters }: { account: string; meters: Meter[] }) {
  const zone = useZone();
  const ledger = useLedger();
  const now = useNow();
  const former = ledger ? everOwned(ledger, account).filter(({ id }) => !meters.some((meter) => meter.id === id)) : [];
  const all = [...meters, ...former];
  const measured = useMeasured(all);
  const ownerIn = useOwnerIn(all);
  const periods = zone.slotDuration <= SHORT_SLOT ? PERIODS : PERIODS.filter((each) => each !== "hour");
  const [period, setPeriod] = useState<Period>(periods[0]);
  const [back, setBack] = useState(0);
  const name = usePeriodName();
  const words = text.energy.period;

  if (!ledger || !measured || !ownerIn) return <Place />;
  const holders = new Map(all.map(({ id, owner }) => [id, former.some((each) => each.id === id) ? account : owner]));
  const isOwn = (meterId: number, slot: number) => sameAddress(holders.get(meterId), ownerIn(meterId, slot));
  const flows = flowsBySlot(
    ofOwner(measured, isOwn).values(),
    tradedBySlot(isOwn, ledger.deliveries.values(), ledger.orders.values()),
  );
  const range = rangeOf(period, now, back, zone.slotDuration);
  const parts = divide(flows, range, zone.slotDuration);
  return (
    <>
      <Card testId="energy-figures">
        <CardTitle
          note={name(period, range)}
          actions={
            <span className="flex flex-wrap items-center gap-2">
              <Choice
                label={words.label}
                value={period}
                options={periods.map((each) => ({ value: each, label: words[each], testId: `period-${each}` }))}
                onChange={(next) => {
                  setPeriod(next);
                  setBack(0);
                }}
              />
              <Button variant="secondary" aria-label={words.earlier} onClick={() => setBack(back + 1)}>
                ←
              </Button>
              <Button variant="secondary" aria-label={words.later} off={back === 0} onClick={() => setBack(back - 1)}>
                →
              </Button>
            </span>
          }
        >
          {text.energy.flow.title}
        </CardTitle>
        <FlowPicture flows={total(parts)} />
      </Card>
      <Suspense fallback={<Skeleton className="block h-96 w-full rounded-2xl" />}>
        <ChartCard period={period} range={range} parts={parts} />
      </Suspense>
      <UnsoldCard meters={meters} measured={measured} />
    </>
  );
}
