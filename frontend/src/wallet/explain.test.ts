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
import { expect } from "chai";
import {
  type Abi,
  type AbiParameter,
  ContractFunctionRevertedError,
  encodeErrorResult,
  type Hex,
  HttpRequestError,
  InternalRpcError,
  UnknownBundleIdError,
  UserRejectedRequestError,
} from "viem";
import { createFormat } from "../format/index.ts";
import { en } from "../text/en/index.ts";
import { ERROR_ABI, explain, explainRevert, isForgotten, isUnanswered } from "./explain.ts";

const format = createFormat({ unitsPerKWh: 1_000n, moneyDecimals: 6, moneySign: "$" });
const plain = (text: string | undefined) => text?.replaceAll("\u00a0", " ");

/** Without the types that tie a literal ABI to its arguments: here both come out of a table. */
const encode = encodeErrorResult as (error: { abi: Abi; errorName: string; args: readonly unknown[] }) => Hex;

/** Some value of the type, as viem decodes it. */
function sample({ type }: AbiParameter): unknown {
  if (type === "address") return "0x00000000000000000000000000000000000000aa";
  if (type === "string") return "text";
  if (type === "bool") return true;
  if (type.startsWith("bytes")) return `0x${"11".repeat(Number(type.slice(5) || 4))}`;
  return Number(/\d+/.exec(type)?.[0] ?? 256) <= 48 ? 150 : 150n;
}

describe("errors of the contracts", () => {
  const abis = {
    directMarketAbi,
    callAuctionAbi,
    vaultAbi,
    paymentTokenAbi,
    energyTokenAbi,
    meterRegistryAbi,
    tariffAbi,
    accessManagerAbi: accessManagerAbi.filter((item) => item.type === "error" && item.name.startsWith("AccessManager")),
  };
  for (const [name, abi] of Object.entries(abis)) {
    for (const item of abi) {
      if (item.type !== "error") continue;
      it(`${name}: ${item.name} has a sentence with its figures`, () => {
        const data = encode({ abi: [item], errorName: item.name, args: item.inputs.map(sample) });
        const explanation = explainRevert(data, format);
        expect(explanation?.sentence, `add ${item.name} to frontend/src/text/en/errors.ts`).to.be.a("string");
        expect(explanation?.sentence).to.match(/^[A-Z0-9].*\.$/);
        expect(explanation?.sentence).to.not.match(/undefined|NaN|\[object/);
      });
    }
  }
  it("has no sentence for an error that does not exist any more", () => {
    const known = new Set<string>(ERROR_ABI.map((item) => item.name));
    expect(Object.keys(en.errors).filter((name) => !known.has(name))).to.deep.equal([]);
  });
});

describe("explain", () => {
  const reverted = (errorName: "ExceedsRemaining" | "InsufficientBalance", args: readonly unknown[]) => {
    const abi = errorName === "ExceedsRemaining" ? directMarketAbi : vaultAbi;
    const data = encode({ abi, errorName, args });
    // The market's own ABI knows nothing of the vault's errors, as in a real call.
    return new ContractFunctionRevertedError({ abi: directMarketAbi, functionName: "buy", data });
  };
  it("gives figures with their units", () => {
    const { sentence } = explain(reverted("ExceedsRemaining", [500, 120]), format);
    expect(plain(sentence)).to.equal("Only 0.12 kWh is left of this offer; 0.5 kWh was asked for.");
  });
  it("understands an error that came out of another contract", () => {
    const owner = "0x00000000000000000000000000000000000000aa";
    const { sentence, advice } = explain(reverted("InsufficientBalance", [owner, 20_000n, 5_000n]), format);
    expect(plain(sentence)).to.equal("0.02 $ is needed, but only 0.005 $ is free in the vault.");
    expect(advice).to.contain("Deposit first");
  });
  it("knows a no from a failure", () => {
    expect(explain(new UserRejectedRequestError(new Error("no")), format).rejected).to.equal(true);
    expect(explain(new Error("boom"), format)).to.deep.include({
      rejected: false,
      sentence: "That did not work: boom",
    });
  });
  it("tells an empty fee balance and a wallet of another chain apart", () => {
    expect(explain(new Error("sender doesn't have enough funds to send tx"), format).sentence).to.contain("fee");
    expect(explain(new Error("Nonce too high. Expected nonce to be 2"), format).advice).to.contain("wallet");
  });
  it("tells a node that does not answer, and a wallet that knows nothing any more, from an answer", () => {
    const busy = new HttpRequestError({ url: "http://node", status: 429 });
    expect(isUnanswered(new Error("call", { cause: busy }))).to.equal(true);
    expect(isUnanswered(reverted("InsufficientBalance", [`0x${"11".repeat(20)}`, 2n, 1n]))).to.equal(false);
    expect(isForgotten(new UnknownBundleIdError(new Error("id")))).to.equal(true);
    for (const passing of [busy, new InternalRpcError(new Error("busy"))]) expect(isForgotten(passing)).to.equal(false);
  });
});
