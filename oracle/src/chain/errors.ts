import {
  BaseError,
  ContractFunctionRevertedError,
  ContractFunctionZeroDataError,
  HttpRequestError,
  InsufficientFundsError,
  TimeoutError,
  type Abi,
} from "viem";

/** The chain is not the one the deployment file speaks of, or not in a state to work with. Not worth a retry. */
export class ChainError extends Error {
  override readonly name = "ChainError";
}

/** Whether no node answered, rather than one that said no. */
export function isUnanswered(error: unknown): boolean {
  const unanswered = (cause: unknown) => cause instanceof HttpRequestError || cause instanceof TimeoutError;
  return error instanceof BaseError && error.walk(unanswered) !== null;
}

/** What a contract said no with. */
export interface Revert {
  /** Name of the custom error, if the contract gave one this version knows. */
  readonly name: string | undefined;
  /** One sentence for the log. */
  readonly sentence: string;
}

/** What a person can do about the refusals the oracle may meet. */
const HINTS: Record<string, string> = {
  DeliveryIsClosed: "somebody else has closed it already",
  DeliveryNotDue: "the sender is not a party of it and may close it only once both meters are final after the deadline",
  SlotOutOfRange: "the slot is not one of the delivery's",
  UnknownMeter: "no meter with this number is registered",
  LengthMismatch: "readings and signatures do not match in number",
  NotYourMeter: "the sender is neither the meter's owner nor its trader; let the owner call setTrader",
  MeterInactive: "the operator has to make the meter active before it can trade",
  MeterOnlyBuys: "a meter of kind Load or Grid has nothing to sell",
  MarketNotAllowed: "the account has to let the market lock money of the vault (setAllowed)",
  InsufficientBalance: "there is not enough free money in the vault; deposit some",
  GateClosed: "it is too late for orders in this slot",
  NotYourOrder: "it was placed for another account, which alone may change it",
  OrderUnknown: "it is cancelled or settled already",
  EnforcedPause: "the guardian has paused the market",
};

/** The refusal in an error of viem, or nothing when the error is something else (a node that does not answer). */
export function revertOf(error: unknown): Revert | undefined {
  if (!(error instanceof BaseError)) return undefined;
  const reverted = error.walk((cause) => cause instanceof ContractFunctionRevertedError);
  if (reverted instanceof ContractFunctionRevertedError) {
    const { data, reason, signature } = reverted;
    if (!data)
      return {
        name: undefined,
        sentence: reason ?? (signature ? `unknown error ${signature}` : "reverted without a reason"),
      };
    const text = `${data.errorName}${describeArguments(data.abiItem, data.args)}`;
    const hint = HINTS[data.errorName];
    return { name: data.errorName, sentence: hint ? `${text}: ${hint}` : text };
  }
  if (error.walk((cause) => cause instanceof ContractFunctionZeroDataError)) {
    return { name: undefined, sentence: "the address holds no such contract" };
  }
  if (error.walk((cause) => cause instanceof InsufficientFundsError)) {
    return {
      name: "InsufficientFunds",
      sentence: "the sender cannot pay for the gas; send it some of the chain's coin",
    };
  }
  return undefined;
}

function describeArguments(item: Abi[number], values: readonly unknown[] | undefined): string {
  if (!values?.length) return "";
  const inputs = "inputs" in item ? item.inputs : [];
  return `(${values.map((value, i) => `${inputs[i]?.name || i}: ${String(value)}`).join(", ")})`;
}
