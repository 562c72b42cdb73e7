import type { EnergyMeter, MeterSample } from "../hardware/types.ts";
import type { Registers } from "./interpolate.ts";
import type { Offsets } from "./plausibility.ts";

export interface RegisterRecord {
  lastReading(meterId: number): { takenAt: number; imported: bigint; exported: bigint } | undefined;
  addRegisterOffsets(meterId: number, offsets: Offsets & { reason: "replaced"; since: number }): void;
}

/**
 * Puts on record that the meter was replaced or reset: its registers are counted on from the last reading.
 * @param since now, Unix seconds.
 * @returns what the meter shows, and the reading (`at`: Unix seconds) from which it counts on.
 * @throws DeviceError; an Error that says what is in the way.
 */
export async function replaceMeter(
  record: RegisterRecord,
  meterId: number,
  meter: EnergyMeter,
  since: number,
  signal: AbortSignal,
): Promise<{ shown: MeterSample; from: Registers }> {
  const last = record.lastReading(meterId);
  if (!last)
    throw new Error(`meter ${meterId} has no reading yet: there is nothing to go on from; just start the oracle`);
  if (since < last.takenAt) {
    const iso = (unixS: number) => new Date(unixS * 1_000).toISOString();
    throw new Error(`the clock says ${iso(since)}, before the last reading (${iso(last.takenAt)}); set it first`);
  }
  const shown = await meter.read(signal);
  record.addRegisterOffsets(meterId, {
    imported: last.imported - shown.imported,
    exported: last.exported - shown.exported,
    reason: "replaced",
    since,
  });
  return { shown, from: { at: last.takenAt, imported: last.imported, exported: last.exported } };
}
