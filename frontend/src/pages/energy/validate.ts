import { isAddress } from "viem";
import type { Parsed } from "../../format/index.ts";
import { amountReasons, type SessionKind, sessionReasons } from "../../forms/index.ts";
import type { Reason } from "../../text/index.ts";

/** What keeps certificates from being retired; empty when nothing does. */
export function validateRetire(
  session: SessionKind,
  amount: Parsed,
  balance: bigint,
  beneficiary: string,
  purpose: string,
): Reason[] {
  const reasons = [...sessionReasons(session), ...amountReasons(amount)];
  if (amount.kind === "amount" && amount.value > balance) reasons.push({ code: "aboveCertificates", balance });
  if (!isAddress(beneficiary.trim())) reasons.push({ code: "addressInvalid" });
  if (purpose.trim() === "") reasons.push({ code: "purposeMissing" });
  return reasons;
}
