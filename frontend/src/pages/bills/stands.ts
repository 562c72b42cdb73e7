/** The register readings that a bill begins and ends with. Pure; energy units. */
import type { Registered, SlotEnergy } from "../../data/index.ts";
import type { SlotLine } from "./slots.ts";

export interface MeterStand {
  meterId: number;
  first: SlotEnergy;
  last: SlotEnergy;
  counted: SlotEnergy;
  /** counted − (last − first): not zero when the device was replaced or its registers jumped. */
  correction: SlotEnergy;
}

/** One for each meter that was read in the lines' time. @param lines oldest first. */
export function standsOf(lines: readonly SlotLine[], registered: Registered): MeterStand[] {
  const meterIds = [...new Set(lines.map(({ meterId }) => meterId))].sort((a, b) => a - b);
  return meterIds.flatMap((meterId) => {
    const own = lines.filter((line) => line.meterId === meterId);
    const first = registered.get(meterId)?.get(own[0]!.slot)?.before;
    const last = registered.get(meterId)?.get(own.at(-1)!.slot)?.after;
    if (!first || !last) return [];
    const counted = {
      imported: own.reduce((sum, line) => sum + line.imported, 0n),
      exported: own.reduce((sum, line) => sum + line.exported, 0n),
    };
    const correction = {
      imported: counted.imported - (last.imported - first.imported),
      exported: counted.exported - (last.exported - first.exported),
    };
    return [{ meterId, first, last, counted, correction }];
  });
}
