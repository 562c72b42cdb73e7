/**
 * `npm run deploy`: contracts, meters and configurations for a local chain that already runs.
 * `npm run deploy -- --parameters FILE [--dry-run | --check] [--network NAME] [--out FILE] [--yes]`: a zone on any EVM chain.
 */
import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { network } from "hardhat";
import { die, integerOption, ROOT } from "./cli.ts";
import { deployToNetwork } from "./deploy-network.ts";
import { demoHouseholds } from "./households.ts";
import { buildWorld, MOST_HOUSEHOLDS } from "./world.ts";

const { values } = parseArgs({
  options: {
    "rpc-url": { type: "string", default: process.env.IOE_RPC_URL ?? "http://127.0.0.1:8545" },
    world: { type: "string", default: resolve(ROOT, ".world") },
    households: { type: "string" },
    "live-port": { type: "string" },
    "device-port": { type: "string" },
    "dapp-port": { type: "string" },
    agents: { type: "boolean", default: false },
    parameters: { type: "string" },
    network: { type: "string" },
    out: { type: "string" },
    "dry-run": { type: "boolean", default: false },
    check: { type: "boolean", default: false },
    yes: { type: "boolean", default: false },
  },
});
if (values.parameters !== undefined) {
  const { parameters, network: name, out, check, yes } = values;
  const dryRun = values["dry-run"];
  await deployToNetwork({ parameters, network: name, out, dryRun, check, yes }).catch((error: Error) =>
    die(error.message),
  );
  process.exit(0);
}
const rpcUrl = values["rpc-url"];
const dir = resolve(values.world);
const households = integerOption("households", values.households, 3, 2, MOST_HOUSEHOLDS);

const connection = await network.create({ network: "localhost", override: { url: rpcUrl } });
await connection.provider.request({ method: "eth_chainId" }).catch((error: Error) => {
  die(
    `No chain answers at ${rpcUrl} (${error.message}). Start one with "npm run chain", or name another with --rpc-url.`,
  );
});
await mkdir(dir, { recursive: true });
const deployment = await buildWorld(connection, {
  dir,
  rpcUrl,
  households: demoHouseholds(households),
  livePort: integerOption("live-port", values["live-port"], 9101, 1, 65_000),
  devicePort: integerOption("device-port", values["device-port"], 15_020, 1, 65_000),
  dappPort: integerOption("dapp-port", values["dapp-port"], 5173, 1, 65_535),
  agents: values.agents,
});
await connection.close();
console.log(JSON.stringify(deployment.contracts, null, 2));
console.log(`Written to ${dir}`);
