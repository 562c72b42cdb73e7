/** Energy by meter and slot: registers, trades, and the rest that the utility must charge or pay for. Pure. */
import { formatKWh } from "@ioe/protocol";
import type { Measured, Traded } from "../../data/index.ts";

interface Units {
  slotDuration: number;
  unitsPerKWh: bigint;
}

/** Energy units. imported = bought + fromUtility, exported = sold + toUtility, always. */
export interface SlotLine {
  meterId: number;
  slot: number;
  imported: bigint;
  exported: bigint;
  /** What was traded, as far as the meter saw it: lines lose a little of what was bought, and the auction is take-or-pay. */
  bought: bigint;
  sold: bigint;
  fromUtility: bigint;
  toUtility: bigint;
}

const least = (a: bigint, b: bigint) => (a < b ? a : b);

/** Oldest first. @param traded by meter and slot */
export function slotLines(measured: Measured, traded: ReadonlyMap<number, ReadonlyMap<number, Traded>>): SlotLine[] {
  return [...measured]
    .flatMap(([meterId, slots]) =>
      [...slots].map(([slot, { imported, exported }]) => {
        const trades = traded.get(meterId)?.get(slot);
        const bought = least(trades?.bought ?? 0n, imported);
        const sold = least(trades?.sold ?? 0n, exported);
        const [fromUtility, toUtility] = [imported - bought, exported - sold];
        return { meterId, slot, imported, exported, bought, sold, fromUtility, toUtility };
      }),
    )
    .sort((a, b) => a.slot - b.slot || a.meterId - b.meterId);
}

/** RFC 4180, exact, as `billsToCsv`. */
export function slotsToCsv(lines: readonly SlotLine[], { slotDuration, unitsPerKWh }: Units): string {
  const kWh = (energy: bigint) => formatKWh(energy, unitsPerKWh);
  const head = [
    "slot start (UTC)",
    "slot",
    "meter",
    "imported (kWh)",
    "exported (kWh)",
    "bought locally (kWh)",
    "sold locally (kWh)",
    "from the utility (kWh)",
    "to the utility (kWh)",
  ];
  const rows = lines.map(({ meterId, slot, imported, exported, bought, sold, fromUtility, toUtility }) => [
    new Date(slot * slotDuration * 1000).toISOString(),
    String(slot),
    String(meterId),
    ...[imported, exported, bought, sold, fromUtility, toUtility].map(kWh),
  ]);
  return [head, ...rows].map((cells) => `${cells.join(",")}\r\n`).join("");
}
