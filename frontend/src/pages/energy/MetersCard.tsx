import { zeroAddress } from "viem";
import {
  kindOf,
  type Meter,
  useFills,
  useFormat,
  useLedger,
  useLive,
  useNow,
  useOffers,
  useRegisters,
  useZone,
} from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { KIND_ICONS } from "./icons.ts";
import { BATTERY_HEIGHT, BatteryBar } from "./BatteryBar.tsx";
import { clearedAsks, promisedBy } from "./promised.ts";
import { Badge, Card, CardTitle, Icon, Skeleton, Stat } from "../../ui/index.ts";
import { useAccountName, useMeterName } from "../../wallet/index.ts";

/** Energy a meter has promised; undefined while it is read. */
function usePromised(meterId: number): bigint | undefined {
  const zone = useZone();
  const ledger = useLedger();
  const offers = useOffers();
  const now = useNow();
  const cleared = ledger && clearedAsks(ledger, meterId);
  const fills = useFills(cleared?.map(({ id }) => id) ?? []);
  return ledger && offers && fills && promisedBy(meterId, ledger, offers, fills, now, zone.slotDuration);
}

export function MetersCard({ meters }: { meters: Meter[] }) {
  return (
    <Card testId="my-meters">
      <CardTitle>{text.energy.meters.title}</CardTitle>
      <ul className="divide-y divide-line">
        {meters.map((meter) => (
          <MeterRow key={meter.id} meter={meter} />
        ))}
      </ul>
    </Card>
  );
}

function MeterRow({ meter }: { meter: Meter }) {
  const format = useFormat();
  const registers = useRegisters(meter.id);
  const live = useLive(meter.id);
  const promised = usePromised(meter.id);
  const meterName = useMeterName();
  const accountName = useAccountName();
  const words = text.energy.meters;
  const kind = kindOf(meter);
  const figure = (energy: bigint | undefined) =>
    energy === undefined ? <Skeleton className="h-6 w-24" /> : format.energyFixed(energy);
  const powerW = live.state === "live" ? live.figures.powerW : undefined;
  const gauge = live.figures?.battery;
  const isRead = registers && registers.takenAt > 0;
  return (
    <li className="py-4 first:pt-0 last:pb-0" data-testid="meter-row">
      <div className="mb-3 flex items-center gap-3">
        <span className="grid size-9 shrink-0 place-items-center rounded-xl bg-accent-soft text-accent">
          <Icon name={kind ? KIND_ICONS[kind] : "energy"} />
        </span>
        <div className="min-w-0 grow">
          <h3 className="font-semibold">{meterName(meter.id)}</h3>
          <p className="text-sm text-muted">
            {meter.trader !== zeroAddress && words.trader(accountName(meter.trader))}
          </p>
        </div>
        {!meter.active && <Badge tone="sun">{words.inactive}</Badge>}
      </div>
      <dl className="grid grid-cols-2 gap-4 sm:grid-cols-4">
        <Stat
          label={`${words.taken}, ${words.register}`}
          testId="meter-imported"
          note={
            isRead ? words.read(format.timeWithSeconds(registers.takenAt)) : registers ? words.noReading : text.nbsp
          }
        >
          {figure(registers?.imported)}
        </Stat>
        <Stat label={`${words.given}, ${words.register}`} testId="meter-exported">
          {figure(registers?.exported)}
        </Stat>
        <Stat label={words.power} note={powerW === undefined ? words.powerNone : words.powerLive} testId="meter-power">
          {powerW === undefined
            ? "–"
            : powerW === 0
              ? words.rests
              : (powerW > 0 ? words.gives : words.takes)(format.power(Math.abs(powerW)))}
        </Stat>
        {!gauge && (
          <Stat label={words.promised} note={words.promisedNote} testId="meter-promised">
            {promised === undefined ? <Skeleton className="h-6 w-16" /> : format.energy(promised)}
          </Stat>
        )}
      </dl>
      {gauge && promised !== undefined ? (
        <BatteryBar gauge={gauge} promised={promised} />
      ) : (
        kind === "battery" &&
        (live.state === "connecting" ? (
          <Skeleton className={`mt-4 block w-full ${BATTERY_HEIGHT}`} />
        ) : (
          <p className="mt-3 text-sm text-muted">{text.energy.battery.none}</p>
        ))
      )}
    </li>
  );
}
