/** From registers to energy by slot. Pure; energy in energy units. */

export interface SlotEnergy {
  imported: bigint;
  exported: bigint;
}

/** `ReadingAccepted`, and whether the registry started anew with it (`Rebased`). */
export interface ReadingLog {
  meterId: number;
  slot: number;
  takenAt: number;
  imported: bigint;
  exported: bigint;
  rebased: boolean;
  blockNumber: bigint;
  blockHash: `0x${string}` | null;
  logIndex: number | null;
}

interface Limits {
  maxPowerW: (meterId: number) => number;
  unitsPerKWh: bigint;
}

const JOULES_PER_KWH = 3_600_000n;

/** What a meter's registers showed before a slot's first step and after its last one. */
export interface SlotRegisters {
  before: SlotEnergy;
  after: SlotEnergy;
}

type BySlot<T> = ReadonlyMap<number, ReadonlyMap<number, T>>;

/** Energy and registers by meter and slot, and the readings up to which they are known. */
export interface ReadingSum {
  last: ReadonlyMap<number, ReadingLog>;
  slots: BySlot<SlotEnergy>;
  registers: BySlot<SlotRegisters>;
}

/** Raise it when the fields above change: browsers keep sums between visits. */
export const READINGS_SHAPE = 1;

export const NO_READINGS: ReadingSum = { last: new Map(), slots: new Map(), registers: new Map() };

/**
 * The difference of two readings belongs to the slot of the later one. After a gap the registry books nothing, but the
 * registers went on: such a step counts too, unless it goes back or is more than the meter can have seen (another device).
 * A meter's first reading is its own beginning.
 */
export function addReadings(sum: ReadingSum, logs: readonly ReadingLog[], limits: Limits): ReadingSum {
  const last = new Map(sum.last);
  const slots = copyOf(sum.slots);
  const registers = copyOf(sum.registers);
  for (const log of logs) {
    const { meterId, slot } = log;
    const before = last.get(meterId);
    last.set(meterId, log);
    const shown = ofMeter(registers, meterId);
    shown.set(slot, { before: shown.get(slot)?.before ?? energyOf(before ?? log), after: energyOf(log) });
    if (!before || (log.rebased && !isPossible(before, log, limits))) continue;
    const energy = ofMeter(slots, meterId);
    const { imported, exported } = energy.get(slot) ?? { imported: 0n, exported: 0n };
    energy.set(slot, {
      imported: imported + log.imported - before.imported,
      exported: exported + log.exported - before.exported,
    });
  }
  return { last, slots, registers };
}

const energyOf = ({ imported, exported }: ReadingLog): SlotEnergy => ({ imported, exported });

const copyOf = <T>(meters: BySlot<T>) => new Map([...meters].map(([id, slots]) => [id, new Map(slots)]));

function ofMeter<T>(meters: Map<number, Map<number, T>>, meterId: number): Map<number, T> {
  let slots = meters.get(meterId);
  if (!slots) meters.set(meterId, (slots = new Map<number, T>()));
  return slots;
}

/** As the registry judges a step: at most a tenth more than the meter's rated power. */
function isPossible(before: ReadingLog, after: ReadingLog, { maxPowerW, unitsPerKWh }: Limits): boolean {
  const joules = (BigInt(maxPowerW(after.meterId)) * BigInt(after.takenAt - before.takenAt) * 11n) / 10n;
  const most = (joules * unitsPerKWh) / JOULES_PER_KWH;
  return [after.imported - before.imported, after.exported - before.exported].every(
    (step) => step >= 0n && step <= most,
  );
}
