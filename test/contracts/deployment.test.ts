import { expect } from "chai";
import { artifacts, globalOptions, network } from "hardhat";
import { CONTRACT_NAMES, parseDeployment } from "@ioe/protocol";
import { DEMO_ZONE, deployLocalZone, LOCAL_ACCOUNTS } from "../../deploy/zone.ts";
import { ROLES } from "../../deploy/modules/Zone.ts";
import { as, D, deployZone, ethers, GRACE, PARAMETERS, WINDOW, type Zone } from "./fixture.ts";

type Holder = "operator" | "marketAdmin" | "guardian";

/** Functions that only the AccessManager's roles may call. Everything else is for everybody, or checks for itself. */
const RESTRICTED: ["registry" | "tariff" | "market" | "auction", Holder, string[]][] = [
  ["registry", "operator", ["register", "setActive"]],
  ["registry", "marketAdmin", ["addMarket"]],
  ["tariff", "operator", ["setTariff"]],
  ["market", "guardian", ["pause", "unpause"]],
  ["auction", "guardian", ["pause", "unpause"]],
];

describe("deployment", () => {
  let zone: Zone;
  beforeEach(async () => {
    zone = await deployZone();
  });

  describe("roles", () => {
    it("go to the accounts that were named, and the deployer keeps none", async () => {
      const { manager, deployer, admin, operator, guardian, marketAdmin } = zone;
      const holders: [bigint, string[]][] = [
        [ROLES.admin, [admin.address]],
        [ROLES.operator, [operator.address]],
        [ROLES.guardian, [guardian.address]],
        [ROLES.marketAdmin, [marketAdmin.address]],
      ];
      const everybody = [deployer, admin, operator, guardian, marketAdmin, zone.gridOperator, zone.dust, zone.alice];
      for (const [role, expected] of holders) {
        const members = [];
        for (const { address } of everybody) if ((await manager.hasRole(role, address)).isMember) members.push(address);
        expect(members, `role ${role}`).to.deep.equal(expected);
      }
    });

    it("cover every function of theirs and none of another's, and nothing else is closed", async () => {
      const { manager, operator, guardian, marketAdmin, admin, alice } = zone;
      const everybody = [operator, guardian, marketAdmin, admin, alice, zone.deployer];
      const allowed = async (caller: string, contract: (typeof RESTRICTED)[number][0], name: string) => {
        const selector = (
          zone[contract].interface as { getFunction(n: string): { selector: string } | null }
        ).getFunction(name)!.selector;
        return (await manager.canCall(caller, zone[contract], selector)).immediate;
      };
      for (const [contract, holder, names] of RESTRICTED) {
        for (const name of names) {
          for (const { address } of everybody) {
            expect(await allowed(address, contract, name), name).to.equal(address === zone[holder].address);
          }
        }
      }
      expect(await allowed(operator.address, "registry", "rotateSigner")).to.equal(true);
      expect(await allowed(marketAdmin.address, "registry", "rotateSigner")).to.equal(false);
    });

    it("cannot be handed out by the deployer any more", async () => {
      const { manager, deployer } = zone;
      await expect(as(manager, deployer).grantRole(ROLES.operator, deployer, 0)).to.be.revertedWithCustomError(
        manager,
        "AccessManagerUnauthorizedAccount",
      );
    });

    it("give nobody a way to anybody's balance", async () => {
      const { vault, alice, operator, admin, guardian, deployer, gridOperator, dust, manager } = zone;
      await zone.fund(alice, 1_000n);
      for (const caller of [operator, admin, guardian, deployer, gridOperator, dust]) {
        await expect(as(vault, caller).lock(alice, 1n)).to.be.revertedWithCustomError(vault, "MarketNotAllowed");
        await expect(as(vault, caller).credit(caller, 1n)).to.be.revertedWithCustomError(vault, "InsufficientPot");
        await expect(as(vault, caller).withdraw(1n, caller)).to.be.revertedWithCustomError(
          vault,
          "InsufficientBalance",
        );
      }
      // The vault and the certificates know no authority at all, so not even the manager can reach them.
      for (const {
        interface: { fragments },
      } of [vault, zone.energyToken]) {
        const names = fragments.map((fragment) => ("name" in fragment ? fragment.name : ""));
        expect(names).not.to.include("setAuthority");
      }
      expect(await manager.getTargetFunctionRole(vault, vault.getFunction("withdraw").fragment.selector)).to.equal(0n);
      await as(vault, alice).withdraw(1_000n, alice);
    });

    it("leave the way out open even when the administrator closes every contract to its roles", async () => {
      const { vault, alice, admin, manager, registry, market } = zone;
      await zone.fund(alice, 1_000n);
      for (const target of [registry, market, zone.auction, zone.tariff])
        await as(manager, admin).setTargetClosed(target, true);
      const meter = { meterId: 1, epoch: 0, since: 0, takenAt: 1, imported: 0, exported: 0 };
      await expect(registry.report([meter], ["0x"])).to.emit(registry, "ReadingRejected");
      await as(vault, alice).withdraw(1_000n, alice);
    });
  });

  it("wires the contracts to each other and makes the markets known", async () => {
    const { registry, vault, tariff, energyToken, market, manager, money, gridOperator, dust } = zone;
    for (const known of [market, zone.auction, energyToken]) expect(await registry.isMarket(known)).to.equal(true);
    expect(await vault.token()).to.equal(money.target);
    for (const contract of [registry, tariff, market]) expect(await contract.authority()).to.equal(manager.target);
    for (const contract of [tariff, energyToken, market]) expect(await contract.registry()).to.equal(registry.target);
    expect(await market.vault()).to.equal(vault.target);
    expect(await market.tariff()).to.equal(tariff.target);
    expect(await market.energyToken()).to.equal(energyToken.target);
    expect(await market.gridOperator()).to.equal(gridOperator.address);
    expect(await market.dustAccount()).to.equal(dust.address);
    expect(await market.maxDelivery()).to.equal(BigInt(PARAMETERS.maxDelivery));
    expect(await market.lineLossAllowance()).to.equal(BigInt(PARAMETERS.lineLossAllowance));
  });

  it("fits every contract into the 24 KiB that a chain takes (EIP-170)", async function () {
    // What this compiles for tests; of the code for production test/system/rehearsal.test.ts asks the chain. Counting what is
    // executed makes code longer than either.
    if (globalOptions.coverage) this.skip();
    const names = [...CONTRACT_NAMES].filter((name) => name !== "PaymentToken");
    expect(names).to.have.lengthOf(7);
    for (const name of names) {
      const { deployedBytecode } = await artifacts.readArtifact(name);
      expect((deployedBytecode.length - 2) / 2, name).to.be.within(1, 24_576);
    }
  });

  it("needs accounts for fee and dust, and times in which every delivery can be settled", async () => {
    const factory = await ethers.getContractFactory("DirectMarket");
    const { manager, registry, vault, tariff, energyToken, market, dust } = zone;
    const deploy = (max: number, loss: number, grid: string = dust.address, rest: string = dust.address) =>
      factory.deploy(manager, registry, vault, tariff, energyToken, grid, rest, max, loss);
    const zero = ethers.ZeroAddress;
    await expect(deploy(900, 300, zero)).to.be.revertedWithCustomError(market, "ZeroAddress");
    await expect(deploy(900, 300, dust.address, zero)).to.be.revertedWithCustomError(market, "ZeroAddress");
    const longest = Math.min(WINDOW - GRACE - 2 * D, 23 * D - 1);
    for (const [max, loss] of [
      [D - 1, 300],
      [longest + 1, 300],
      [900, 10_001],
    ] as const) {
      await expect(deploy(max, loss)).to.be.revertedWithCustomError(market, "TimesOutOfRange");
    }
    await deploy(longest, 10_000);
    await deploy(D, 0);
    const brief = await ethers.deployContract("MeterRegistry", [manager, 60, 120, 700, 1_000, ethers.ZeroHash]);
    const inBrief = (max: number) => factory.deploy(manager, brief, vault, tariff, energyToken, dust, dust, max, 300);
    await expect(inBrief(700 - 120 - 120 + 1)).to.be.revertedWithCustomError(market, "TimesOutOfRange");
    await inBrief(700 - 120 - 120);
  });

  it("of a local zone tells where everything is, and no two are the same world", async () => {
    const worlds = [];
    for (let i = 0; i < 2; i++) {
      const chain = await network.create();
      const deployment = await deployLocalZone(chain, "http://127.0.0.1:8545");
      expect(parseDeployment(JSON.stringify(deployment))).to.deep.equal(deployment);
      const registry = await chain.ethers.getContractAt("MeterRegistry", deployment.contracts.MeterRegistry);
      expect(await registry.slotDuration()).to.equal(BigInt(DEMO_ZONE.slotDuration));
      const manager = await chain.ethers.getContractAt("AccessManager", deployment.contracts.AccessManager);
      const signers = await chain.ethers.getSigners();
      const operator = signers[LOCAL_ACCOUNTS.operator]!;
      for (const role of Object.values(ROLES)) expect((await manager.hasRole(role, operator)).isMember).to.equal(true);
      const deployer = signers[LOCAL_ACCOUNTS.deployer]!;
      for (const role of Object.values(ROLES)) expect((await manager.hasRole(role, deployer)).isMember).to.equal(false);
      worlds.push({ hash: deployment.deploymentBlockHash, salt: (await registry.eip712Domain()).salt });
      await chain.close();
    }
    expect(worlds[0]!.hash).not.to.equal(worlds[1]!.hash);
    expect(worlds[0]!.salt).not.to.equal(worlds[1]!.salt);
  });
});
