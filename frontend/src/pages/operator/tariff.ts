import type { Parsed } from "../../format/index.ts";
import type { Reason } from "../../text/index.ts";

const HOUR = 3_600;
/** As in Tariff.sol: the auction's book reaches so many steps above the lowest price. */
const LAST_TICK = 127n;

/**
 * First slot for which a change can be made now: notice, one slot of reserve, since it takes a block to be in the chain,
 * and a role's waiting time twice, so that there is as long again to carry it out.
 * @param delay seconds
 */
export function earliestSlot(current: number, noticeSlots: number, slotDuration: number, delay: number): number {
  return current + noticeSlots + 2 + Math.ceil((2 * delay) / slotDuration);
}

/** Slots from which new prices can be chosen to hold: as soon as allowed, and some rounder times ahead. */
export function startsAfter(current: number, noticeSlots: number, slotDuration: number, delay: number): number[] {
  const earliest = earliestSlot(current, noticeSlots, slotDuration, delay);
  const ahead = [HOUR, 24 * HOUR, 7 * 24 * HOUR].map((seconds) => current + Math.ceil(seconds / slotDuration));
  return [earliest, ...ahead.filter((slot) => slot > earliest)];
}

/** What new prices put an end to before it holds, as Tariff.sol: all that was to hold from their slot on, or later. */
export const replacedBy = <T extends { fromSlot: number }>(schedule: readonly T[], fromSlot: number): T[] =>
  schedule.filter((each) => each.fromSlot >= fromSlot);

/** As Tariff.sol: multiples of a step from the lowest price on, and room between feed-in and retail for the fee. */
export function validateTariff(
  { feedIn, retail, gridFee }: Record<"feedIn" | "retail" | "gridFee", Parsed>,
  { minPrice, tickSize }: { minPrice: bigint; tickSize: bigint },
): Reason[] {
  const all = [feedIn, retail, gridFee];
  if (all.some(({ kind }) => kind === "empty")) return [{ code: "priceMissing" }];
  const invalid = all.find((each) => each.kind === "invalid");
  if (invalid) return [{ code: "priceInvalid", message: invalid.message }];
  const [low, high, fee] = all.map(({ value }) => value ?? 0n) as [bigint, bigint, bigint];
  const isOff = (price: bigint) => price % tickSize !== 0n;
  if (isOff(low - minPrice) || isOff(high - minPrice) || isOff(fee)) return [{ code: "priceOffStep", step: tickSize }];
  if (low < minPrice) return [{ code: "priceBelow", lowest: minPrice }];
  const highest = minPrice + LAST_TICK * tickSize;
  if (low > highest || high > highest) return [{ code: "priceBeyond", highest }];
  if (low + fee >= high) return [{ code: "feeTooHigh", below: high - low }];
  return [];
}
