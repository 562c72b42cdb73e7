import { buildModule } from "@nomicfoundation/hardhat-ignition/modules";
import { id } from "ethers";

/** Roles of the AccessManager. The admin only hands them out. */
export const ROLES = { admin: 0n, operator: 1n, guardian: 2n, marketAdmin: 3n } as const;

const selectors = (...signatures: string[]) => signatures.map((signature) => id(signature).slice(0, 10));

/** What each role may call; everything else is open to everybody, or to nobody. */
export const POWERS = {
  registryOperator: selectors(
    "register(address,uint8,uint32,uint32,bytes,bytes)",
    "rotateSigner(uint32,uint40,bytes,bytes,bytes)",
    "setActive(uint32,bool)",
  ),
  registryMarketAdmin: selectors("addMarket(address)"),
  tariffOperator: selectors("setTariff(uint40,uint64,uint64,uint64)"),
  marketGuardian: selectors("pause()", "unpause()"),
};

/** The payment token of a local chain. */
export const TestMoney = buildModule("TestMoney", (m) => ({ token: m.contract("TestUSD") }));

/**
 * One zone: every meter in it can reach every other. Immutable contracts, wired without a cycle; the deployer adds the
 * markets, hands all powers to other accounts, each behind its delay in seconds, and keeps none. A guardian has no delay:
 * a pause comes at once or too late.
 */
export default buildModule("Zone", (m) => {
  const deployer = m.getAccount(0);
  const admin = m.getParameter<string>("admin");
  const operator = m.getParameter<string>("operator");
  const guardian = m.getParameter<string>("guardian");
  const marketAdmin = m.getParameter<string>("marketAdmin");
  const adminDelay = m.getParameter<number>("adminDelay");
  const operatorDelay = m.getParameter<number>("operatorDelay");
  const marketAdminDelay = m.getParameter<number>("marketAdminDelay");

  const manager = m.contract("AccessManager", [deployer]);
  const registry = m.contract("MeterRegistry", [
    manager,
    m.getParameter<number>("slotDuration"),
    m.getParameter<number>("grace"),
    m.getParameter<number>("claimWindow"),
    m.getParameter<number>("unitsPerKWh"),
    m.getParameter<string>("salt"),
  ]);
  const vault = m.contract("Vault", [m.getParameter<string>("paymentToken")]);
  const tariff = m.contract("Tariff", [
    manager,
    registry,
    m.getParameter<bigint>("minPrice"),
    m.getParameter<bigint>("tickSize"),
    m.getParameter<number>("noticeSlots"),
    m.getParameter<bigint>("feedIn"),
    m.getParameter<bigint>("retail"),
    m.getParameter<bigint>("gridFee"),
  ]);
  const energyToken = m.contract("EnergyToken", [registry]);
  const directMarket = m.contract("DirectMarket", [
    manager,
    registry,
    vault,
    tariff,
    energyToken,
    m.getParameter<string>("gridOperator"),
    m.getParameter<string>("dustAccount"),
    m.getParameter<number>("maxDelivery"),
    m.getParameter<number>("lineLossAllowance"),
  ]);
  const callAuction = m.contract("CallAuction", [
    manager,
    registry,
    vault,
    tariff,
    energyToken,
    m.getParameter<string>("gridOperator"),
    m.getParameter<string>("dustAccount"),
    m.getParameter<number>("gateClosure"),
    m.getParameter<number>("openAhead"),
    m.getParameter<number>("minOrder"),
  ]);

  const powers = [
    m.call(manager, "setTargetFunctionRole", [registry, POWERS.registryOperator, ROLES.operator], {
      id: "registryOperator",
    }),
    m.call(manager, "setTargetFunctionRole", [tariff, POWERS.tariffOperator, ROLES.operator], { id: "tariffOperator" }),
    m.call(manager, "setTargetFunctionRole", [directMarket, POWERS.marketGuardian, ROLES.guardian], {
      id: "marketGuardian",
    }),
    m.call(manager, "setTargetFunctionRole", [callAuction, POWERS.marketGuardian, ROLES.guardian], {
      id: "auctionGuardian",
    }),
    m.call(manager, "setTargetFunctionRole", [registry, POWERS.registryMarketAdmin, ROLES.marketAdmin], {
      id: "marketAdmin",
    }),
  ];
  const mayAdd = m.call(manager, "grantRole", [ROLES.marketAdmin, deployer, 0], {
    id: "lendMarketAdmin",
    after: powers,
  });
  const added = [
    m.call(registry, "addMarket", [directMarket], { id: "addDirectMarket", after: [mayAdd] }),
    m.call(registry, "addMarket", [callAuction], { id: "addCallAuction", after: [mayAdd] }),
    m.call(registry, "addMarket", [energyToken], { id: "addEnergyToken", after: [mayAdd] }),
  ];
  const returned = m.call(manager, "revokeRole", [ROLES.marketAdmin, deployer], {
    id: "returnMarketAdmin",
    after: added,
  });
  const granted = [
    m.call(manager, "grantRole", [ROLES.marketAdmin, marketAdmin, marketAdminDelay], {
      id: "grantMarketAdmin",
      after: [returned],
    }),
    m.call(manager, "grantRole", [ROLES.operator, operator, operatorDelay], { id: "grantOperator", after: [returned] }),
    m.call(manager, "grantRole", [ROLES.guardian, guardian, 0], { id: "grantGuardian", after: [returned] }),
    m.call(manager, "grantRole", [ROLES.admin, admin, adminDelay], { id: "grantAdmin", after: [returned] }),
  ];
  m.call(manager, "renounceRole", [ROLES.admin, deployer], { id: "deployerLeaves", after: granted });

  return { manager, registry, vault, tariff, energyToken, directMarket, callAuction };
});
