import { createRequire } from "node:module";
import toolbox from "@nomicfoundation/hardhat-toolbox-mocha-ethers";
import { configVariable, defineConfig } from "hardhat/config";

// The compiler comes from the npm package, so that a build needs no download and is the same everywhere.
const path = createRequire(import.meta.url).resolve("solc/soljson.js");
// How long the property tests search: `IOE_FUZZ=20 npx hardhat test solidity` searches twenty times as long.
const effort = Number(process.env.IOE_FUZZ ?? 1);
const settings = { evmVersion: "cancun", optimizer: { enabled: true, runs: 200 } };
// What is deployed runs for years: large code, still below 24 KiB, for cheap calls.
const deployed = { ...settings, optimizer: { enabled: true, runs: 1_000_000 }, viaIR: true };

export default defineConfig({
  plugins: [toolbox],
  solidity: {
    npmFilesToBuild: ["@openzeppelin/contracts/access/manager/AccessManager.sol"],
    profiles: {
      default: { version: "0.8.37", path, settings },
      production: { version: "0.8.37", path, settings: deployed },
    },
  },
  paths: { ignition: "deploy", tests: { mocha: "test/contracts", solidity: "test/solidity" } },
  test: {
    solidity: {
      // Where `npm run prove` lets the invariants count what was called.
      fsPermissions: { dangerouslyReadWriteDirectory: ["cache"] },
      fuzz: { runs: 256 * effort },
      // Any number will do: values seen in storage and code make the search slow and no better.
      invariant: {
        runs: 4 * effort,
        depth: 250,
        failOnRevert: true,
        shrinkRunLimit: 200,
        includeStorage: false,
        includePushBytes: false,
      },
    },
  },
  coverage: { skipFiles: ["contracts/dev/**"] },
  typechain: { outDir: "types/contracts" },
  networks: {
    // On a busy machine a transaction runs a second or more later than its gas was estimated for.
    default: { type: "edr-simulated", chainType: "l1", hardfork: "osaka", gasMultiplier: 1.2 },
    // What `npm run chain` serves. Interval mining keeps time moving; blocks of one second may share its timestamp, or the
    // chain would run ahead of the clock under load.
    local: {
      type: "edr-simulated",
      chainType: "l1",
      hardfork: "osaka",
      mining: { auto: true, interval: 1_000 },
      allowBlocksWithSameTimestamp: true,
      loggingEnabled: false,
      accounts: { count: 40 },
    },
    localhost: { type: "http", chainType: "l1", url: process.env.IOE_RPC_URL ?? "http://127.0.0.1:8545" },
    // Any chain that a parameter file names (npm run deploy -- --parameters FILE). The deployer's key comes from the keystore:
    // npx hardhat keystore set IOE_DEPLOYER_KEY; or from the environment variable of that name.
    evm: {
      type: "http",
      chainType: "generic",
      url: process.env.IOE_RPC_URL ?? "http://127.0.0.1:8545",
      accounts: [configVariable("IOE_DEPLOYER_KEY")],
    },
  },
});
