import { useFormat, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";

/** @returns a function that names a slot by its times: "14:05 – 14:06". */
export function useSlotTime() {
  const { slotDuration } = useZone();
  const format = useFormat();
  const clock = (timestamp: number) =>
    slotDuration % 60 === 0 ? format.time(timestamp) : format.timeWithSeconds(timestamp);
  return {
    start: (slot: number) => clock(slot * slotDuration),
    range: (slot: number) => text.auction.range(clock(slot * slotDuration), clock((slot + 1) * slotDuration)),
  };
}
