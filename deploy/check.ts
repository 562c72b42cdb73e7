/** Holds a deployed zone against its parameter file, reading everything from the chain. */
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";
import type { Deployment } from "../protocol/src/deployment.ts";
import { POWERS, ROLES } from "./modules/Zone.ts";
import type { ZonePlan } from "./parameters.ts";

/** One thing that the plan promises. */
export interface Claim {
  what: string;
  expected: string;
  found: string;
}

/** What the plan promises and the chain does not keep; empty when all is well. */
export const broken = (claims: readonly Claim[]): Claim[] => claims.filter(({ expected, found }) => expected !== found);

/**
 * Everything that can be read of a zone: code, immutable values, wiring, first tariff, powers and their delays.
 * @param deployer must be without any power, when it is known.
 */
export async function claimsOf(
  hre: HardhatRuntimeEnvironment,
  { ethers }: NetworkConnection,
  { parameters: p, accounts, token, salt, chain }: ZonePlan,
  { contracts, chainId }: Deployment,
  deployer?: string,
): Promise<Claim[]> {
  const claims: Claim[] = [];
  const claim = async (what: string, expected: unknown, found: Promise<unknown>) =>
    claims.push({ what, expected: text(expected), found: text(await found.catch((error: Error) => error.message)) });

  const manager = await ethers.getContractAt("AccessManager", contracts.AccessManager);
  const registry = await ethers.getContractAt("MeterRegistry", contracts.MeterRegistry);
  const vault = await ethers.getContractAt("Vault", contracts.Vault);
  const tariff = await ethers.getContractAt("Tariff", contracts.Tariff);
  const energyToken = await ethers.getContractAt("EnergyToken", contracts.EnergyToken);
  const market = await ethers.getContractAt("DirectMarket", contracts.DirectMarket);
  const auction = await ethers.getContractAt("CallAuction", contracts.CallAuction);

  await claim("chain", chain.id, Promise.resolve(chainId));
  for (const name of [
    "AccessManager",
    "MeterRegistry",
    "Vault",
    "Tariff",
    "EnergyToken",
    "DirectMarket",
    "CallAuction",
  ] as const) {
    const { deployedBytecode, immutableReferences = {} } = await hre.artifacts.readArtifact(name);
    const blank = (code: string) => withoutImmutables(code, Object.values(immutableReferences).flat());
    const found = ethers.provider.getCode(contracts[name]);
    await claim(
      `${name}: code, but for its immutable values`,
      ethers.id(blank(deployedBytecode)),
      found.then((code) => ethers.id(blank(code))),
    );
  }

  await claim("MeterRegistry: authority", contracts.AccessManager, registry.authority());
  await claim("MeterRegistry: slot", p.slotDuration, registry.slotDuration());
  await claim("MeterRegistry: grace", p.grace, registry.grace());
  await claim("MeterRegistry: claim window", p.claimWindow, registry.claimWindow());
  await claim("MeterRegistry: units per kWh", p.unitsPerKWh, registry.unitsPerKWh());
  await claim(
    "MeterRegistry: community salt",
    salt,
    registry.eip712Domain().then((domain) => domain.salt),
  );
  const ring = registry.ringSlots().then((slots) => (slots - 1n) * BigInt(p.slotDuration) >= BigInt(p.claimWindow));
  await claim("MeterRegistry: its ring of bookings outlasts the claim window", true, ring);
  await claim("Vault: token", token.address, vault.token());

  await claim("Tariff: authority", contracts.AccessManager, tariff.authority());
  await claim("Tariff: registry", contracts.MeterRegistry, tariff.registry());
  await claim("Tariff: lowest price", p.minPrice, tariff.minPrice());
  await claim("Tariff: tick", p.tickSize, tariff.tickSize());
  await claim("Tariff: notice, slots", p.noticeSlots, tariff.noticeSlots());
  const first = tariff
    .schedule()
    .then(([prices]) => prices && [prices.fromSlot, prices.feedIn, prices.retail, prices.gridFee]);
  await claim("Tariff: first slot, feed-in, retail, grid fee", [0, p.feedIn, p.retail, p.gridFee], first);
  await claim("EnergyToken: registry", contracts.MeterRegistry, energyToken.registry());

  for (const [name, contract] of [
    ["DirectMarket", market],
    ["CallAuction", auction],
  ] as const) {
    await claim(`${name}: authority`, contracts.AccessManager, contract.authority());
    await claim(`${name}: registry`, contracts.MeterRegistry, contract.registry());
    await claim(`${name}: vault`, contracts.Vault, contract.vault());
    await claim(`${name}: tariff`, contracts.Tariff, contract.tariff());
    await claim(`${name}: energy token`, contracts.EnergyToken, contract.energyToken());
    await claim(`${name}: grid operator`, accounts.gridOperator, contract.gridOperator());
    await claim(`${name}: dust account`, accounts.dustAccount, contract.dustAccount());
  }
  await claim("DirectMarket: longest delivery", p.maxDelivery, market.maxDelivery());
  await claim("DirectMarket: line-loss allowance, 1/10000", p.lineLossAllowance, market.lineLossAllowance());
  await claim("CallAuction: gate closure", p.gateClosure, auction.gateClosure());
  await claim("CallAuction: slots ahead", p.openAhead, auction.openAhead());
  await claim("CallAuction: smallest order", p.minOrder, auction.minOrder());
  for (const name of ["DirectMarket", "CallAuction", "EnergyToken"] as const) {
    await claim(`MeterRegistry: ${name} may claim`, true, registry.isMarket(contracts[name]));
  }

  const holders = [
    ["admin", accounts.admin, p.adminDelay],
    ["operator", accounts.operator, p.operatorDelay],
    ["guardian", accounts.guardian, 0],
    ["marketAdmin", accounts.marketAdmin, p.marketAdminDelay],
  ] as const;
  for (const [role, account, delay] of holders) {
    await claim(`${role}: ${account}, delay in seconds`, [true, delay], manager.hasRole(ROLES[role], account));
    if (deployer) await claim(`${role}: not the deployer`, [false, 0], manager.hasRole(ROLES[role], deployer));
  }
  for (const [target, selectors, role] of [
    ["MeterRegistry", POWERS.registryOperator, ROLES.operator],
    ["MeterRegistry", POWERS.registryMarketAdmin, ROLES.marketAdmin],
    ["Tariff", POWERS.tariffOperator, ROLES.operator],
    ["DirectMarket", POWERS.marketGuardian, ROLES.guardian],
    ["CallAuction", POWERS.marketGuardian, ROLES.guardian],
  ] as const) {
    for (const selector of selectors) {
      await claim(`${target}: role for ${selector}`, role, manager.getTargetFunctionRole(contracts[target], selector));
    }
  }
  return claims;
}

function text(value: unknown): string {
  if (Array.isArray(value)) return value.map(text).join(", ");
  const string = String(value);
  return string.startsWith("0x") ? string.toLowerCase() : string;
}

/** Runtime code with zeros where the constructor writes. */
function withoutImmutables(code: string, places: readonly { start: number; length: number }[]): string {
  const bytes = Buffer.from(code.slice(2), "hex");
  for (const { start, length } of places) bytes.fill(0, start, start + length);
  return `0x${bytes.toString("hex")}`;
}
