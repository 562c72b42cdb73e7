/**
 * What somebody could try that no single contract's tests cover. All threats have "threat:" in their title:
 * `npx hardhat test mocha --grep "threat:"`.
 */
import { expect } from "chai";
import { slotOf } from "@ioe/protocol";
import ZoneModule, { ROLES } from "../../deploy/modules/Zone.ts";
import {
  as,
  D,
  deployZone,
  ethers,
  ignition,
  Kind,
  keyOf,
  networkHelpers,
  PARAMETERS,
  Rejection,
  SALT,
  signPossession,
  startDelivery,
  WINDOW,
} from "./fixture.ts";

const HOUR = 3_600;

describe("Threats", () => {
  it("threat: double mint: what was sold is not minted again, nor what was minted", async () => {
    const { zone, seller, buyer, slot } = await startDelivery({ energy: 300, slots: 1, kind: Kind.Solar });
    const { energyToken, alice, bob } = zone;
    await zone.at(slot + 1, 1);
    await zone.report(seller.step((slot + 1) * D, 500n), buyer.step((slot + 1) * D, 0n, 500n));
    await zone.market.close(1);
    const id = await energyToken.idOf(slot, Kind.Solar);
    expect(await energyToken.balanceOf(bob, id)).to.equal(300n);

    const mint = () => as(energyToken, alice).mintUnsold(seller.id, slot, 1_000);
    await mint();
    expect(await energyToken.balanceOf(alice, id)).to.equal(200n);
    await expect(mint()).to.be.revertedWithCustomError(energyToken, "NothingToMint");
    await zone.at(slot + 1, WINDOW + 1);
    await expect(mint()).to.be.revertedWithCustomError(zone.registry, "ClaimWindowClosed");
    expect(await energyToken.totalSupply(id)).to.equal(500n);
  });

  it("threat: gas burning signer: a contract in the place of a key is never called", async () => {
    const zone = await deployZone();
    const { registry, operator, alice } = zone;
    const burner = await ethers.deployContract("HostileReceiver");
    await burner.setMood(2);
    const signer = await burner.getAddress();
    await expect(
      as(registry, operator).register(alice, Kind.Solar, 1_000, 1, signer, `0x${"11".repeat(65)}`),
    ).to.be.revertedWithCustomError(registry, "BadPossession");
    // An ERC-7913 signer that names the burner as its verifier.
    await expect(
      as(registry, operator).register(alice, Kind.Solar, 1_000, 1, `${signer}${"22".repeat(64)}`, "0x11"),
    ).to.be.revertedWithCustomError(registry, "UnsupportedSigner");

    // Whatever comes as a signature, a rejected reading costs about what a good one does.
    const meter = await zone.addMeter(alice, Kind.Solar);
    const slot = await zone.nextSlot();
    await zone.at(slot, 1);
    const good = await meter.restart(slot * D);
    const bad = { reading: good.reading, signature: `0x${"ff".repeat(500)}` };
    const report = await zone.report(bad, bad, bad, good);
    await expect(report)
      .to.emit(registry, "ReadingRejected")
      .withArgs(meter.id, slot * D, Rejection.BadSignature);
    await expect(report).to.emit(registry, "ReadingAccepted");
    expect((await report.wait())!.gasUsed).to.be.lessThan(200_000n);
  });

  describe("admin abuse", () => {
    const DELAY = 48 * HOUR;

    /** A zone whose far-reaching powers wait for two days. */
    async function deployDelayed() {
      const zone = await deployZone();
      const { admin, operator, guardian, marketAdmin, gridOperator, dust, money } = zone;
      const delayed = await ignition.deploy(ZoneModule, {
        parameters: {
          Zone: {
            ...PARAMETERS,
            adminDelay: DELAY,
            operatorDelay: 0,
            marketAdminDelay: DELAY,
            marketAdmin: marketAdmin.address,
            salt: SALT,
            admin: admin.address,
            operator: operator.address,
            guardian: guardian.address,
            gridOperator: gridOperator.address,
            dustAccount: dust.address,
            paymentToken: await money.getAddress(),
          },
        },
      });
      return {
        ...zone,
        manager: await ethers.getContractAt("AccessManager", await delayed.manager.getAddress()),
        registry: await ethers.getContractAt("MeterRegistry", await delayed.registry.getAddress()),
        vault: await ethers.getContractAt("Vault", await delayed.vault.getAddress()),
        tariff: await ethers.getContractAt("Tariff", await delayed.tariff.getAddress()),
        energyToken: await ethers.getContractAt("EnergyToken", await delayed.energyToken.getAddress()),
        market: await ethers.getContractAt("DirectMarket", await delayed.directMarket.getAddress()),
        auction: await ethers.getContractAt("CallAuction", await delayed.callAuction.getAddress()),
      };
    }

    it("threat: admin abuse: the market admin adds a market only in public and two days ahead, and it reaches nobody's money", async () => {
      const { manager, registry, vault, money, marketAdmin, admin, alice, carol } = await deployDelayed();
      await as(money, alice).faucet(100n);
      await as(money, alice).approve(vault, 100n);
      await as(vault, alice).deposit(100n);

      const add = () => as(registry, marketAdmin).addMarket(carol);
      await expect(add()).to.be.revertedWithCustomError(manager, "AccessManagerNotScheduled");
      const data = registry.interface.encodeFunctionData("addMarket", [carol.address]);
      await expect(as(manager, marketAdmin).schedule(registry, data, 0)).to.emit(manager, "OperationScheduled");
      await networkHelpers.time.increase(DELAY - 60);
      await expect(add()).to.be.revertedWithCustomError(manager, "AccessManagerNotReady");
      // The administrator can stop it in the meantime.
      await as(manager, admin).cancel.staticCall(marketAdmin, registry, data);
      await networkHelpers.time.increase(60);
      await add();
      expect(await registry.isMarket(carol)).to.equal(true);
      await expect(as(vault, carol).lock(alice, 1n)).to.be.revertedWithCustomError(vault, "MarketNotAllowed");
      await expect(as(vault, carol).credit(carol, 1n)).to.be.revertedWithCustomError(vault, "InsufficientPot");
      await as(vault, alice).withdraw(100n, alice);
    });

    it("threat: admin abuse: operator and market admin cannot do each other's calls, nor announce them", async () => {
      const { manager, registry, tariff, operator, marketAdmin, alice, carol, domain } = await deployDelayed();
      const soon = slotOf(await networkHelpers.time.latest(), D) + 9;
      const key = keyOf("a meter");
      const here = { ...domain, verifyingContract: (await registry.getAddress()) as `0x${string}` };
      const possession = await signPossession(key, alice, here);
      await as(registry, operator).register(alice, Kind.Solar, 1_000, 1, key.address, possession);
      const { feedIn, retail, gridFee } = PARAMETERS;
      await expect(as(registry, operator).addMarket(carol)).to.be.revertedWithCustomError(
        registry,
        "AccessManagedUnauthorized",
      );
      const add = registry.interface.encodeFunctionData("addMarket", [carol.address]);
      await expect(as(manager, operator).schedule(registry, add, 0)).to.be.revertedWithCustomError(
        manager,
        "AccessManagerUnauthorizedCall",
      );
      const calls = [
        () => as(registry, marketAdmin).register(alice, Kind.Solar, 1_000, 1, key.address, possession),
        () => as(registry, marketAdmin).rotateSigner(1, soon, carol.address, "0x", "0x"),
        () => as(registry, marketAdmin).setActive(1, false),
        () => as(tariff, marketAdmin).setTariff(soon, feedIn, retail, gridFee),
      ];
      for (const call of calls) {
        await expect(call()).to.be.revertedWithCustomError(registry, "AccessManagedUnauthorized");
      }
    });

    it("threat: admin abuse: the operator can neither pause, nor seize, nor change the current slot's prices", async () => {
      const { manager, registry, market, auction, tariff, energyToken, operator, alice } = await deployDelayed();
      for (const target of [market, auction]) {
        for (const call of [() => as(target, operator).pause(), () => as(target, operator).unpause()]) {
          await expect(call()).to.be.revertedWithCustomError(target, "AccessManagedUnauthorized");
        }
      }
      await expect(as(energyToken, operator).mint(operator, 1, Kind.Solar, 1)).to.be.revertedWithCustomError(
        energyToken,
        "NotMarket",
      );
      await expect(as(registry, operator).claimExport(1, 1, 1)).to.be.revertedWithCustomError(registry, "NotMarket");
      const now = slotOf(await networkHelpers.time.latest(), D);
      await expect(
        as(tariff, operator).setTariff(now, PARAMETERS.feedIn, PARAMETERS.retail, 0n),
      ).to.be.revertedWithCustomError(tariff, "TariffTooSoon");
      await expect(as(manager, operator).grantRole(ROLES.guardian, alice, 0)).to.be.revertedWithCustomError(
        manager,
        "AccessManagerUnauthorizedAccount",
      );
    });

    it("threat: admin abuse: the guardian can pause and unpause, and nothing else", async () => {
      const { manager, registry, market, auction, tariff, guardian, alice } = await deployDelayed();
      for (const target of [market, auction]) {
        await as(target, guardian).pause();
        await as(target, guardian).unpause();
      }
      const calls = [
        () => as(registry, guardian).register(alice, Kind.Solar, 1, 1, "0x", "0x"),
        () => as(registry, guardian).setActive(1, false),
        () => as(registry, guardian).addMarket(alice),
        () => as(tariff, guardian).setTariff(2n ** 40n - 1n, PARAMETERS.feedIn, PARAMETERS.retail, 0n),
      ];
      for (const call of calls) await expect(call()).to.be.revertedWithCustomError(market, "AccessManagedUnauthorized");
      await expect(as(manager, guardian).grantRole(ROLES.operator, guardian, 0)).to.be.revertedWithCustomError(
        manager,
        "AccessManagerUnauthorizedAccount",
      );
    });

    it("threat: admin abuse: the administrator changes nothing at once, and vault and certificates never", async () => {
      const { manager, registry, vault, energyToken, market, admin } = await deployDelayed();
      const calls = [
        () => as(manager, admin).grantRole(ROLES.operator, admin, 0),
        () => as(manager, admin).setTargetClosed(market, true),
        () => as(manager, admin).setTargetFunctionRole(market, ["0x8456cb59"], ROLES.operator),
        () => as(manager, admin).updateAuthority(registry, admin),
      ];
      for (const call of calls) {
        await expect(call()).to.be.revertedWithCustomError(manager, "AccessManagerNotScheduled");
      }
      for (const contract of [vault, energyToken]) expect(contract.interface.hasFunction("authority")).to.equal(false);
    });
  });
});
