/**
 * What a household will give or take in a slot, from what it gave and took: the seasonal naive forecast (the mean of the
 * same time of day on the days before; R. J. Hyndman, G. Athanasopoulos, "Forecasting: Principles and Practice", 3rd ed.,
 * 5.2), corrected by what the last slots were off, which fades with the distance, as the residuals of J. W. Taylor,
 * "Short-term electricity demand forecasting using double seasonal exponential smoothing", J. Oper. Res. Soc. 54 (2003).
 * Without a day before, the last slots alone (persistence).
 *
 * It knows no weather, no weekdays and no summer time: a change of any of them is learnt from the last slots first, and
 * from the days as they come in.
 */

/** Energy a household gave (positive) or took (negative) in a slot, energy units; nothing when that is not known. */
export type Balance = (slot: number) => bigint | undefined;

export interface History {
  readonly balance: Balance;
  /** Newest slot that can be known. */
  readonly newest: number;
  /** Slots of a day, and how many days back there is something to know. */
  readonly perDay: number;
  readonly days: number;
}

/** So many slots say how today differs from other days. */
const RECENT_SLOTS = 4;
/** What is left of today's difference one slot further on; at 15 min half of it is gone after 80 min. */
const FADE = { part: 7n, whole: 8n };

const SECONDS_PER_DAY = 86_400;

/** The days before that the registry still knows. Slots that do not divide a day have no time of day. */
export function seasonOf(slotDuration: number, claimWindow: number): Pick<History, "perDay" | "days"> {
  const whole = SECONDS_PER_DAY % slotDuration === 0;
  return { perDay: SECONDS_PER_DAY / slotDuration, days: whole ? Math.floor(claimWindow / SECONDS_PER_DAY) : 0 };
}

/** Slots whose balance a forecast of these slots looks at. */
export function slotsBehind(slots: readonly number[], { newest, perDay, days }: Omit<History, "balance">): number[] {
  const recent = recentOf(newest);
  const usual = [...recent, ...slots].flatMap((slot) => daysBefore(slot, perDay, days));
  return [...new Set([...recent, ...usual])];
}

/** @returns energy units, rounded towards zero: rather too little than too much; nothing when nothing is known. */
export function expectedTowardsZero(slot: number, history: History): bigint | undefined {
  const { balance, newest } = history;
  const recent = known(recentOf(newest).map((s) => ({ is: balance(s), usual: usualOf(s, history) })));
  const usual = usualOf(slot, history);
  if (usual === undefined) return mean(recent.map(({ is }) => is));
  const off = mean(recent.flatMap(({ is, usual: other }) => (other === undefined ? [] : [is - other]))) ?? 0n;
  const distance = BigInt(Math.max(0, slot - newest));
  return usual + (off * FADE.part ** distance) / FADE.whole ** distance;
}

function usualOf(slot: number, { balance, perDay, days }: History): bigint | undefined {
  return mean(known(daysBefore(slot, perDay, days).map((s) => ({ is: balance(s) }))).map(({ is }) => is));
}

function recentOf(newest: number): number[] {
  return Array.from({ length: RECENT_SLOTS }, (_, i) => newest - i);
}

function daysBefore(slot: number, perDay: number, days: number): number[] {
  return Array.from({ length: days }, (_, i) => slot - (i + 1) * perDay);
}

function known<T extends { is: bigint | undefined }>(items: T[]): (T & { is: bigint })[] {
  return items.filter((item): item is T & { is: bigint } => item.is !== undefined);
}

/** Towards zero. */
function mean(values: readonly bigint[]): bigint | undefined {
  if (values.length === 0) return undefined;
  return values.reduce((a, b) => a + b, 0n) / BigInt(values.length);
}
