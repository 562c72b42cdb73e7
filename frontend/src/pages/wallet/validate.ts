import type { Parsed } from "../../format/index.ts";
import { amountReasons, type SessionKind, sessionReasons } from "../../forms/index.ts";
import type { Reason } from "../../text/index.ts";

const common = (session: SessionKind, amount: Parsed) => [...sessionReasons(session), ...amountReasons(amount)];

const exceeds = (amount: Parsed, balance: bigint) => amount.kind === "amount" && amount.value > balance;

/** @param wallet tokens in the account's own wallet; undefined while they are read */
export function validateDeposit(session: SessionKind, amount: Parsed, wallet: bigint | undefined): Reason[] {
  const reasons = common(session, amount);
  if (wallet === undefined) reasons.push({ code: "loading" });
  else if (exceeds(amount, wallet)) reasons.push({ code: "aboveWallet", wallet });
  return reasons;
}

/** @param free vault money that no market has locked; undefined while it is read */
export function validateWithdraw(session: SessionKind, amount: Parsed, free: bigint | undefined): Reason[] {
  const reasons = common(session, amount);
  if (free === undefined) reasons.push({ code: "loading" });
  else if (exceeds(amount, free)) reasons.push({ code: "aboveFree", free });
  return reasons;
}
