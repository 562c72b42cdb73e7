import {
  accessManagerAbi,
  callAuctionAbi,
  directMarketAbi,
  energyTokenAbi,
  meterRegistryAbi,
  paymentTokenAbi,
  tariffAbi,
  vaultAbi,
} from "@ioe/protocol/abi";
import { BaseError, decodeErrorResult, type Hex } from "viem";
import type { Format } from "../format/index.ts";
import { type ErrorArgs, type Explanation, sayError, text } from "../text/index.ts";

/** Every custom error a call of the dApp can end with: a market's call may fail in the vault, the token or the registry. */
export const ERROR_ABI = [
  ...directMarketAbi,
  ...callAuctionAbi,
  ...vaultAbi,
  ...paymentTokenAbi,
  ...energyTokenAbi,
  ...meterRegistryAbi,
  ...tariffAbi,
  ...accessManagerAbi.filter((item) => item.type === "error" && item.name.startsWith("AccessManager")),
].filter((item) => item.type === "error");

export interface Failure extends Explanation {
  /** The person said no in the wallet. */
  rejected: boolean;
}

function argsOf(names: readonly string[], values: readonly unknown[], format: Format): ErrorArgs {
  const raw = (name: string) => {
    const at = names.indexOf(name);
    if (at < 0) throw new Error(`the error has no argument ${name}`);
    return values[at];
  };
  const integer = (name: string) => BigInt(raw(name) as bigint | number);
  return {
    energy: (name) => format.energy(integer(name)),
    moneyUp: (name) => format.moneyUp(integer(name)),
    moneyDown: (name) => format.moneyDown(integer(name)),
    price: (name) => format.price(integer(name)),
    time: (name) => format.timeWithSeconds(Number(integer(name))),
    id: (name) => String(raw(name)),
  };
}

/** The sentence for raw revert data, undefined when it is none of the contracts' errors. */
export function explainRevert(data: Hex, format: Format): Explanation | undefined {
  try {
    const { errorName, args, abiItem } = decodeErrorResult({ abi: ERROR_ABI, data });
    const names = abiItem.type === "error" ? abiItem.inputs.map((input) => input.name ?? "") : [];
    return sayError(errorName, argsOf(names, args ?? [], format));
  } catch {
    return undefined;
  }
}

const REJECTED = 4001;
const NONCE = /nonce (too (low|high)|.*(mismatch|expected))/i;
const NO_FEES = /insufficient funds|doesn't have enough funds|exceeds the balance of the account/i;

/** An error, and what caused it. */
function causesOf(error: unknown): unknown[] {
  const causes: unknown[] = [];
  for (let at = error; at && !causes.includes(at); at = (at as { cause?: unknown }).cause) causes.push(at);
  return causes;
}

const hasName = (error: unknown, name: RegExp) => causesOf(error).some((cause) => name.test((cause as Error).name));

/** The node could not be asked: that says nothing about what it was asked. */
export const isUnanswered = (error: unknown) => hasName(error, /^(HttpRequestError|TimeoutError|SocketClosedError)$/);

/** The wallet cannot say what became of calls that it carries out as one. */
export const isForgotten = (error: unknown) =>
  hasName(error, /^(UnknownBundleIdError|UnsupportedProviderMethodError|MethodNot(Found|Supported)RpcError)$/);

/** What went wrong with a transaction or a signature, in plain words. */
export function explain(error: unknown, format: Format): Failure {
  const causes = causesOf(error);
  const messages = causes.map((cause) => (cause as Error).message ?? "").join("\n");

  if (causes.some((cause) => (cause as { code?: number }).code === REJECTED)) {
    return { rejected: true, sentence: text.failure.rejected };
  }
  for (const cause of causes) {
    const { raw, data, reason } = cause as { raw?: Hex; data?: unknown; reason?: string };
    const revert = raw ?? (typeof data === "string" && data.startsWith("0x") ? (data as Hex) : undefined);
    const explanation = revert && revert !== "0x" ? explainRevert(revert, format) : undefined;
    if (explanation) return { rejected: false, ...explanation };
    if (reason) return { rejected: false, sentence: text.failure.refused(reason) };
  }
  if (NO_FEES.test(messages)) return { rejected: false, ...text.failure.noFees };
  if (NONCE.test(messages)) return { rejected: false, ...text.failure.nonce };
  if (isUnanswered(error)) return { rejected: false, ...text.failure.noAnswer };
  const known = causes.find((cause) => cause instanceof BaseError);
  return {
    rejected: false,
    sentence: text.failure.unknown(
      known instanceof BaseError ? known.shortMessage : ((error as Error)?.message ?? String(error)),
    ),
  };
}
