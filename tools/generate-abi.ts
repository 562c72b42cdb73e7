/** Writes the contracts' ABIs as typed constants for oracle and dApp: `npm run build` runs it after the compiler. */
import { mkdir, readFile, writeFile } from "node:fs/promises";
import { dirname, resolve } from "node:path";

const root = resolve(import.meta.dirname, "..");
const sources: Record<string, string> = {
  accessManagerAbi: "@openzeppelin/contracts/access/manager/AccessManager.sol/AccessManager.json",
  meterRegistryAbi: "contracts/metering/MeterRegistry.sol/MeterRegistry.json",
  vaultAbi: "contracts/money/Vault.sol/Vault.json",
  tariffAbi: "contracts/pricing/Tariff.sol/Tariff.json",
  energyTokenAbi: "contracts/token/EnergyToken.sol/EnergyToken.json",
  directMarketAbi: "contracts/market/DirectMarket.sol/DirectMarket.json",
  callAuctionAbi: "contracts/market/CallAuction.sol/CallAuction.json",
  paymentTokenAbi: "contracts/dev/TestUSD.sol/TestUSD.json",
};

let text = "// Generated from the compiler's artifacts by tools/generate-abi.ts.\n";
for (const [name, path] of Object.entries(sources)) {
  const artifact = JSON.parse(await readFile(resolve(root, "artifacts", path), "utf8")) as { abi: unknown };
  text += `\nexport const ${name} = ${JSON.stringify(artifact.abi, null, 2)} as const;\n`;
}
const target = resolve(root, "protocol/src/generated/abi.ts");
await mkdir(dirname(target), { recursive: true });
// An unchanged file keeps its date, so that the page does not reload for nothing.
if ((await readFile(target, "utf8").catch(() => "")) !== text) await writeFile(target, text);
