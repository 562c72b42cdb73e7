import { useFormat } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Stat } from "../../ui/index.ts";
import { batteryShares } from "./battery.ts";

const KEYS = {
  locked: "bg-sun-fill",
  free: "bg-accent",
  empty: "bg-sunken inset-ring inset-ring-line-strong",
} as const;

/** Place to keep for it while nobody has said anything yet. */
export const BATTERY_HEIGHT = "min-h-64 sm:min-h-30";

/** How full a battery is, as its own electronics say, and how much of that is still free to sell. */
export function BatteryBar({
  gauge,
  promised,
}: {
  gauge: { stateOfCharge: number; capacityWh: number };
  promised: bigint;
}) {
  const format = useFormat();
  const words = text.energy.battery;
  const { capacity, stored, locked, free, missing } = batteryShares(gauge, promised, format.units.unitsPerKWh);
  const width = (energy: bigint) => `${Number((energy * 10_000n) / capacity) / 100}%`;
  return (
    <div className={`mt-4 ${BATTERY_HEIGHT}`} data-testid="battery">
      <div
        className="flex h-4 overflow-hidden rounded-full bg-sunken inset-ring inset-ring-line-strong"
        aria-hidden="true"
      >
        <div className={KEYS.locked} style={{ width: width(locked) }} />
        <div className={KEYS.free} style={{ width: width(free) }} />
      </div>
      <dl className="mt-3 grid grid-cols-2 gap-4 sm:grid-cols-4">
        <Stat
          label={words.charge}
          note={words.of(format.energy(stored), format.energy(capacity))}
          testId="battery-charge"
        >
          {format.percent(BigInt(gauge.stateOfCharge), 1_000n)}
        </Stat>
        <Stat label={words.locked} note={words.lockedNote} testId="battery-locked">
          <Key name="locked" />
          {format.energy(locked)}
        </Stat>
        <Stat label={words.free} testId="battery-free">
          <Key name="free" />
          {format.energy(free)}
        </Stat>
        <Stat label={words.room}>
          <Key name="empty" />
          {format.energy(capacity - stored)}
        </Stat>
      </dl>
      {missing > 0n && <p className="mt-2 text-sm text-sun">{words.missing(format.energy(missing))}</p>}
      <p className="mt-2 text-sm text-muted">{words.source}</p>
    </div>
  );
}

const Key = ({ name }: { name: keyof typeof KEYS }) => (
  <i aria-hidden="true" className={`mr-1.5 inline-block size-2.5 rounded-full ${KEYS[name]}`} />
);
