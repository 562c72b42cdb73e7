/** What every form checks first. Pure; the reasons' words are in `text/`. */
import type { Parsed } from "../format/index.ts";
import type { Reason } from "../text/index.ts";

export type SessionKind = "none" | "wrongNetwork" | "ready";

export function sessionReasons(session: SessionKind): Reason[] {
  if (session === "none") return [{ code: "noWallet" }];
  return session === "wrongNetwork" ? [{ code: "wrongNetwork" }] : [];
}

/** Why a form has no meter to be for: they are still being read, or the account has none (that may do it). */
export type MeterLack = "loading" | "noMeter" | "noSeller";

/** There must be a meter, which the operator has not blocked. */
export function meterReasons(meter: { id: number; active: boolean } | undefined, lack: MeterLack): Reason[] {
  if (!meter) return [{ code: lack }];
  return meter.active ? [] : [{ code: "meterInactive", meterId: meter.id }];
}

/** An amount must be there, be one, and be more than nothing. */
export function amountReasons(amount: Parsed): Reason[] {
  if (amount.kind === "empty") return [{ code: "amountMissing" }];
  if (amount.kind === "invalid") return [{ code: "amountInvalid", message: amount.message }];
  return amount.value === 0n ? [{ code: "amountZero" }] : [];
}
