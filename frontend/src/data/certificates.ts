import { type MeterKind, KINDS } from "./meters.ts";

/** A certificate's id is its UTC day and source: `day << 8 | kind`; pools of several sources are "mixed". */
export function describeCertificate(id: bigint): { day: number; source: MeterKind | "mixed" } {
  return { day: Number(id >> 8n), source: KINDS[Number(id & 0xffn)] ?? "mixed" };
}
