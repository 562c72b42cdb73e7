import { expect } from "chai";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { as, deployZone, ethers, networkHelpers, type Zone } from "./fixture.ts";

const MAX = 2n ** 256n - 1n;

describe("Vault", () => {
  let zone: Zone;
  beforeEach(async () => {
    zone = await deployZone();
  });

  /** What the owner of test money signs so that the vault may take it. */
  async function permit(owner: HardhatEthersSigner, value: bigint) {
    const { money, vault } = zone;
    const deadline = (await networkHelpers.time.latest()) + 3_600;
    const { chainId } = await ethers.provider.getNetwork();
    const signature = await owner.signTypedData(
      { name: "Test USD", version: "1", chainId, verifyingContract: await money.getAddress() },
      {
        Permit: [
          { name: "owner", type: "address" },
          { name: "spender", type: "address" },
          { name: "value", type: "uint256" },
          { name: "nonce", type: "uint256" },
          { name: "deadline", type: "uint256" },
        ],
      },
      {
        owner: owner.address,
        spender: await vault.getAddress(),
        value,
        nonce: await money.nonces(owner),
        deadline,
      },
    );
    const { v, r, s } = ethers.Signature.from(signature);
    return { deadline, v, r, s };
  }

  describe("deposit", () => {
    it("credits what arrives", async () => {
      const { vault, money, alice } = zone;
      await as(money, alice).faucet(100n);
      await as(money, alice).approve(vault, 100n);
      await expect(as(vault, alice).deposit(60n)).to.emit(vault, "Deposited").withArgs(alice.address, 60n);
      expect(await vault.free(alice)).to.equal(60n);
      expect(await money.balanceOf(vault)).to.equal(60n);
    });

    it("needs money and an allowance", async () => {
      const { vault, money, alice } = zone;
      await expect(as(vault, alice).deposit(0n)).to.be.revertedWithCustomError(vault, "ZeroAmount");
      await as(money, alice).faucet(100n);
      await expect(as(vault, alice).deposit(1n)).to.be.revertedWithCustomError(money, "ERC20InsufficientAllowance");
      await as(money, alice).approve(vault, 1_000n);
      await expect(as(vault, alice).deposit(101n)).to.be.revertedWithCustomError(money, "ERC20InsufficientBalance");
    });

    it("threat: fee-on-transfer: only what arrives is credited, so that everybody can be paid out", async () => {
      const { deployer, bob } = zone;
      const fee = await ethers.deployContract("FeeToken");
      const vault = await ethers.deployContract("Vault", [fee]);
      await fee.transfer(bob, 10_000n);
      for (const [account, amount] of [
        [deployer, 1_000n],
        [bob, 999n],
      ] as const) {
        await as(fee, account).approve(vault, MAX);
        await as(vault, account).deposit(amount);
      }
      expect(await vault.free(deployer)).to.equal(990n);
      expect(await vault.free(bob)).to.equal(990n);
      expect(await fee.balanceOf(vault)).to.equal(1_980n);
      for (const account of [deployer, bob]) await as(vault, account).withdraw(990n, account);
      expect(await fee.balanceOf(vault)).to.equal(0n);
    });

    it("threat: reentrant token and receiver: with a token that calls back the vault cannot be entered twice", async () => {
      const { deployer } = zone;
      const token = await ethers.deployContract("ReentrantToken");
      const vault = await ethers.deployContract("Vault", [token]);
      await token.approve(vault, MAX);
      await token.transfer(token, 500n);
      const permit: [bigint, number, number, string, string, string[]] = [
        100n,
        0,
        27,
        ethers.ZeroHash,
        ethers.ZeroHash,
        [],
      ];
      for (const data of [
        vault.interface.encodeFunctionData("deposit", [100n]),
        vault.interface.encodeFunctionData("depositWithPermit", permit),
        vault.interface.encodeFunctionData("withdraw", [1n, deployer.address]),
      ]) {
        for (const enter of [
          () => vault.deposit(100n),
          () => vault.depositWithPermit(...permit),
          () => vault.withdraw(150n, deployer),
        ]) {
          await token.arm(vault, data);
          await enter();
          expect(await token.succeeded()).to.equal(false);
          expect(await token.returned()).to.equal(ethers.id("ReentrancyGuardReentrantCall()").slice(0, 10));
          await token.arm(ethers.ZeroAddress, "0x");
          await token.approve(vault, MAX);
        }
      }
      expect(await vault.free(deployer)).to.equal(150n);
      expect(await token.balanceOf(vault)).to.equal(150n);
    });
  });

  describe("depositWithPermit", () => {
    it("deposits and allows the markets with one signature", async () => {
      const { vault, money, alice, market, carol } = zone;
      await as(money, alice).faucet(100n);
      const { deadline, v, r, s } = await permit(alice, 100n);
      const markets = [await market.getAddress(), carol.address];
      await expect(as(vault, alice).depositWithPermit(100n, deadline, v, r, s, markets))
        .to.emit(vault, "MarketAllowed")
        .withArgs(alice.address, markets[0], true);
      expect(await vault.free(alice)).to.equal(100n);
      for (const allowed of markets) expect(await vault.allowed(alice, allowed)).to.equal(true);
    });

    it("threat: front-run permit: a stranger who sends it first does no harm", async () => {
      const { vault, money, alice, stranger } = zone;
      await as(money, alice).faucet(100n);
      const { deadline, v, r, s } = await permit(alice, 100n);
      await as(money, stranger).permit(alice, vault, 100n, deadline, v, r, s);
      await as(vault, alice).depositWithPermit(100n, deadline, v, r, s, []);
      expect(await vault.free(alice)).to.equal(100n);
    });

    it("takes nothing without a valid permit or an allowance", async () => {
      const { vault, money, alice, bob, market } = zone;
      await as(money, alice).faucet(100n);
      const { deadline, v, r, s } = await permit(bob, 100n);
      await expect(
        as(vault, alice).depositWithPermit(100n, deadline, v, r, s, [await market.getAddress()]),
      ).to.be.revertedWithCustomError(money, "ERC20InsufficientAllowance");
      expect(await vault.allowed(alice, market)).to.equal(false);
      await expect(as(vault, alice).depositWithPermit(0n, deadline, v, r, s, [])).to.be.revertedWithCustomError(
        vault,
        "ZeroAmount",
      );
    });

    it("works as a plain deposit for a token without permits", async () => {
      const fee = await ethers.deployContract("FeeToken");
      const vault = await ethers.deployContract("Vault", [fee]);
      await fee.approve(vault, MAX);
      await vault.depositWithPermit(100n, 0, 27, ethers.ZeroHash, ethers.ZeroHash, []);
      expect(await vault.free(zone.deployer)).to.equal(99n);
    });
  });

  describe("withdraw", () => {
    beforeEach(async () => {
      await zone.fund(zone.alice, 100n);
    });

    it("pays free money out to anybody its owner names", async () => {
      const { vault, money, alice, carol } = zone;
      await expect(as(vault, alice).withdraw(40n, carol))
        .to.emit(vault, "Withdrawn")
        .withArgs(alice.address, carol.address, 40n);
      expect(await money.balanceOf(carol)).to.equal(40n);
      await as(vault, alice).withdraw(60n, alice);
      expect(await vault.free(alice)).to.equal(0n);
      expect(await money.balanceOf(vault)).to.equal(0n);
    });

    it("refuses more than is free, nothing, and nobody", async () => {
      const { vault, alice, bob } = zone;
      await expect(as(vault, alice).withdraw(101n, alice))
        .to.be.revertedWithCustomError(vault, "InsufficientBalance")
        .withArgs(alice.address, 101n, 100n);
      await expect(as(vault, bob).withdraw(1n, bob)).to.be.revertedWithCustomError(vault, "InsufficientBalance");
      await expect(as(vault, alice).withdraw(0n, alice)).to.be.revertedWithCustomError(vault, "ZeroAmount");
      await expect(as(vault, alice).withdraw(1n, ethers.ZeroAddress)).to.be.revertedWithCustomError(
        vault,
        "ZeroAddress",
      );
    });

    it("does not strand money in the vault itself", async () => {
      const { vault, alice } = zone;
      await expect(as(vault, alice).withdraw(1n, vault))
        .to.be.revertedWithCustomError(vault, "InvalidReceiver")
        .withArgs(vault.target);
    });
  });

  describe("markets", () => {
    beforeEach(async () => {
      await zone.fund(zone.alice, 100n);
      await as(zone.vault, zone.alice).setAllowed(zone.carol, true);
    });

    it("lock money of accounts that allowed them, and credit it to anybody", async () => {
      const { vault, alice, bob, carol } = zone;
      await as(vault, carol).lock(alice, 70n);
      expect([await vault.free(alice), await vault.pot(carol)]).to.deep.equal([30n, 70n]);
      await as(vault, carol).credit(bob, 50n);
      expect([await vault.free(bob), await vault.pot(carol)]).to.deep.equal([50n, 20n]);
      await as(vault, bob).withdraw(50n, bob);
    });

    it("threat: market locking money of an account that never allowed it, or no longer does", async () => {
      const { vault, alice, bob, carol } = zone;
      await expect(as(vault, bob).lock(alice, 1n))
        .to.be.revertedWithCustomError(vault, "MarketNotAllowed")
        .withArgs(alice.address, bob.address);
      await as(vault, carol).lock(alice, 10n);
      await expect(as(vault, alice).setAllowed(carol, false))
        .to.emit(vault, "MarketAllowed")
        .withArgs(alice.address, carol.address, false);
      await expect(as(vault, carol).lock(alice, 1n)).to.be.revertedWithCustomError(vault, "MarketNotAllowed");
      await as(vault, carol).credit(alice, 10n);
      expect(await vault.free(alice)).to.equal(100n);
    });

    it("cannot lock more than is free", async () => {
      await expect(as(zone.vault, zone.carol).lock(zone.alice, 101n))
        .to.be.revertedWithCustomError(zone.vault, "InsufficientBalance")
        .withArgs(zone.alice.address, 101n, 100n);
    });

    it("can lose their own pot and nobody else's", async () => {
      const { vault, alice, bob, carol } = zone;
      await as(vault, carol).lock(alice, 70n);
      await expect(as(vault, bob).credit(bob, 1n))
        .to.be.revertedWithCustomError(vault, "InsufficientPot")
        .withArgs(bob.address, 1n, 0n);
      await expect(as(vault, carol).credit(carol, 71n))
        .to.be.revertedWithCustomError(vault, "InsufficientPot")
        .withArgs(carol.address, 71n, 70n);
      await expect(as(vault, carol).credit(ethers.ZeroAddress, 1n)).to.be.revertedWithCustomError(vault, "ZeroAddress");
    });

    it("need an address", async () => {
      await expect(as(zone.vault, zone.alice).setAllowed(ethers.ZeroAddress, true)).to.be.revertedWithCustomError(
        zone.vault,
        "ZeroAddress",
      );
    });
  });

  it("needs a token", async () => {
    const factory = await ethers.getContractFactory("Vault");
    await expect(factory.deploy(ethers.ZeroAddress)).to.be.revertedWithCustomError(zone.vault, "ZeroAddress");
    expect(await zone.vault.token()).to.equal(zone.money.target);
  });
});
