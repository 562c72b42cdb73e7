import type { NetworkConnection } from "hardhat/types/network";
import { LOCAL_ACCOUNTS } from "../../deploy/zone.ts";
import type { Deployment } from "../../protocol/src/index.ts";

/** Contracts of a zone that `deployLocalZone` has made, its operator, and the account that owns the first household's meter. */
export async function partsOf({ ethers }: NetworkConnection, { contracts }: Deployment) {
  const signers = await ethers.getSigners();
  return {
    operator: signers[LOCAL_ACCOUNTS.operator]!,
    owner: signers[LOCAL_ACCOUNTS.firstHousehold]!,
    registry: await ethers.getContractAt("MeterRegistry", contracts.MeterRegistry),
    vault: await ethers.getContractAt("Vault", contracts.Vault),
    money: await ethers.getContractAt("TestUSD", contracts.PaymentToken),
    auction: await ethers.getContractAt("CallAuction", contracts.CallAuction),
    market: await ethers.getContractAt("DirectMarket", contracts.DirectMarket),
  };
}
