/** What every form checks first. Pure; the reasons' words are in `text/`. */
import { sameAddress } from "../data/address.ts";
import type { Parsed } from "../format/index.ts";
import type { Reason } from "../text/index.ts";

export type SessionKind = "none" | "wrongNetwork" | "ready";

export function sessionReasons(session: SessionKind): Reason[] {
  if (session === "none") return [{ code: "noWallet" }];
  return session === "wrongNetwork" ? [{ code: "wrongNetwork" }] : [];
}

/** What only the owner can mend, for who trades with the owner's money: a remedy of one's own would not help. */
const OWNERS: Partial<Record<Reason["code"], Reason>> = {
  depositFirst: { code: "ownerDepositsFirst" },
  notEnoughMoney: { code: "ownerDepositsFirst" },
  marketNotAllowed: { code: "ownerAllowsFirst" },
  auctionNotAllowed: { code: "ownerAllowsFirst" },
};

/** The reasons as they are for an account that trades for a meter: its own, or somebody else's. */
export function asTrader(
  reasons: readonly Reason[],
  account: string | undefined,
  meter: { owner: string } | undefined,
): Reason[] {
  if (!meter || sameAddress(meter.owner, account)) return [...reasons];
  return reasons.map((reason) => OWNERS[reason.code] ?? reason);
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
