import { expect } from "chai";
import type { Parsed } from "../../format/index.ts";
import { validateDeposit, validateWithdraw } from "./validate.ts";

const amount = (value: bigint): Parsed => ({ kind: "amount", value });
const empty: Parsed = { kind: "empty" };

describe("wallet forms", () => {
  it("deposit: up to the last base unit of the wallet", () => {
    expect(validateDeposit("ready", amount(100n), 100n)).to.deep.equal([]);
    expect(validateDeposit("ready", amount(101n), 100n)).to.deep.equal([{ code: "aboveWallet", wallet: 100n }]);
    expect(validateDeposit("ready", amount(1n), undefined)).to.deep.equal([{ code: "loading" }]);
  });
  it("withdraw: up to what no market has locked", () => {
    expect(validateWithdraw("ready", amount(100n), 100n)).to.deep.equal([]);
    expect(validateWithdraw("ready", amount(101n), 100n)).to.deep.equal([{ code: "aboveFree", free: 100n }]);
  });
  it("wallet and network come before everything else", () => {
    expect(validateDeposit("none", empty, undefined)[0]).to.deep.equal({ code: "noWallet" });
    expect(validateWithdraw("wrongNetwork", empty, 5n)[0]).to.deep.equal({ code: "wrongNetwork" });
    expect(validateDeposit("ready", amount(0n), 5n)[0]).to.deep.equal({ code: "amountZero" });
    expect(validateDeposit("ready", { kind: "invalid", message: "no" }, 5n)[0]?.code).to.equal("amountInvalid");
  });
});
