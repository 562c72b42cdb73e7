import { expect } from "chai";
import { as, deployZone } from "./fixture.ts";

describe("TestUSD", () => {
  it("has six decimals, like the money it stands for", async () => {
    const { money } = await deployZone();
    expect(await money.decimals()).to.equal(6n);
    expect([await money.name(), await money.symbol()]).to.deep.equal(["Test USD", "tUSD"]);
    expect(await money.totalSupply()).to.equal(0n);
  });

  it("gives anybody up to the faucet's limit a draw", async () => {
    const { money, alice } = await deployZone();
    const limit = await money.FAUCET_LIMIT();
    await as(money, alice).faucet(limit);
    await as(money, alice).faucet(1n);
    expect(await money.balanceOf(alice)).to.equal(limit + 1n);
    await expect(as(money, alice).faucet(limit + 1n))
      .to.be.revertedWithCustomError(money, "FaucetLimit")
      .withArgs(limit + 1n, limit);
  });
});
