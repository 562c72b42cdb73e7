/** `npm run deploy -- --parameters FILE`: a zone on any EVM chain. */
import { existsSync } from "node:fs";
import { mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { dirname, join, relative, resolve } from "node:path";
import { createInterface } from "node:readline/promises";
import { formatEther, formatUnits } from "ethers";
import { createHardhatRuntimeEnvironment } from "hardhat/hre";
import type { HardhatRuntimeEnvironment } from "hardhat/types/hre";
import type { NetworkConnection } from "hardhat/types/network";
import { broken, claimsOf } from "../deploy/check.ts";
import { deploymentIdOf, deployZone, estimate, journalDir, type Estimate } from "../deploy/network.ts";
import { parseParameters, type ZonePlan } from "../deploy/parameters.ts";
import { checkDeployer, preflight } from "../deploy/preflight.ts";
import config from "../hardhat.config.ts";
import { type Deployment, parseDeployment } from "../protocol/src/deployment.ts";
import { die, ROOT } from "./cli.ts";

export interface NetworkOptions {
  /** Parameter file. */
  parameters: string;
  /** Network of hardhat.config.ts; without it, the node that the parameter file names. */
  network?: string;
  /** Where the deployment record goes. */
  out?: string;
  /** Says what it would cost and sends nothing. */
  dryRun: boolean;
  /** Reads a deployed zone and compares; sends nothing. */
  check: boolean;
  /** Does not ask before it sends. */
  yes: boolean;
}

/** Chains that live on a developer's machine: nobody asks before sending there. */
const LOCAL_CHAINS = [31_337, 1_337];
/** What a zone consists of, and a token to ask for its name and decimals. All the others would double the compiler's time. */
const SOURCES = [
  "npm:@openzeppelin/contracts/access/manager/AccessManager.sol",
  "contracts/metering/MeterRegistry.sol",
  "contracts/money/Vault.sol",
  "contracts/pricing/Tariff.sol",
  "contracts/token/EnergyToken.sol",
  "contracts/market/DirectMarket.sol",
  "contracts/market/CallAuction.sol",
  "contracts/dev/TestUSD.sol",
];
/** Gas prices move while a deployment runs. */
const RESERVE_PERCENT = 130n;

export async function deployToNetwork(options: NetworkOptions): Promise<void> {
  const plan = await readPlan(options.parameters);
  const hre = await production();
  // Only a deployment has to know who deploys.
  const sends = !options.dryRun && !options.check;
  const connection = await hre.network.create({
    network: options.network ?? "evm",
    override: {
      ...(options.network ? {} : { url: process.env.IOE_RPC_URL ?? plan.chain.rpcUrl }),
      ...(sends ? {} : { accounts: "remote" }),
    },
  });
  try {
    const record = resolve(options.out ?? join(ROOT, "deploy", "records", `${deploymentIdOf(plan)}.json`));
    if (options.check) await check(hre, connection, plan, await readRecord(record));
    else await deploy(hre, connection, plan, record, options);
  } finally {
    await connection.close();
  }
}

async function deploy(
  hre: HardhatRuntimeEnvironment,
  connection: NetworkConnection,
  plan: ZonePlan,
  record: string,
  options: NetworkOptions,
): Promise<void> {
  const deployer = options.dryRun ? undefined : await deployerOf(connection);
  const resumes = existsSync(join(journalDir(plan), "journal.jsonl"));
  const expected = await estimate(hre, plan);
  const { warnings, gasPrice } = await preflight(connection, plan, expected);
  for (const warning of warnings) console.log(`Note: ${warning}`);
  tellCost(plan, expected, gasPrice);
  if (!deployer) return;

  const cost = resumes ? 0n : (expected.gas * gasPrice * RESERVE_PERCENT) / 100n;
  await checkDeployer(connection, plan, deployer, cost);
  console.log(`Deployer: ${deployer}`);
  if (resumes) console.log(`Goes on with the deployment in ${relative(ROOT, journalDir(plan))}.`);
  if (!options.yes && !LOCAL_CHAINS.includes(plan.chain.id)) await confirm(plan);

  const deployment = await deployZone(hre, connection, plan, console.log);
  const claims = await claimsOf(hre, connection, plan, deployment, deployer);
  tellClaims(broken(claims), claims.length);
  await writeRecord(record, deployment);
  console.log(`\n${JSON.stringify(deployment.contracts, null, 2)}\n`);
  console.log(nextSteps(plan, relative(process.cwd(), record), options));
}

async function check(
  hre: HardhatRuntimeEnvironment,
  connection: NetworkConnection,
  plan: ZonePlan,
  deployment: Deployment,
): Promise<void> {
  const claims = await claimsOf(hre, connection, plan, deployment);
  tellClaims(broken(claims), claims.length);
}

/** Address whose key deploys. */
async function deployerOf({ ethers }: NetworkConnection): Promise<string> {
  const [signer] = await ethers
    .getSigners()
    .catch((error: Error): never =>
      die(
        "The deployer's key is not known. Put it into Hardhat's keystore (npx hardhat keystore set IOE_DEPLOYER_KEY) or into " +
          `the environment variable of that name.\n${error.message}`,
      ),
    );
  return signer?.address ?? die("The network has no account to deploy from; see hardhat.config.ts.");
}

async function readPlan(file: string): Promise<ZonePlan> {
  const text = await readFile(file, "utf8").catch((error: Error) => die(`--parameters: ${error.message}`));
  return parseParameters(text, file);
}

/** Production contracts are compiled into a folder of their own, beside those of development; what has not changed only once. */
export async function production(): Promise<HardhatRuntimeEnvironment> {
  const [buildProfile, folder] = ["production", "cache/production"];
  const paths = { ...config.paths, artifacts: `${folder}/artifacts`, cache: `${folder}/cache` };
  const own = { ...config, paths, typechain: { dontOverrideCompile: true } };
  const hre = await createHardhatRuntimeEnvironment(own, { buildProfile }, ROOT);
  const build = hre.tasks.getTask("build");
  await build.run({ quiet: true, noTests: true, defaultBuildProfile: buildProfile, files: SOURCES });
  return hre;
}

function tellCost({ name, chain }: ZonePlan, { transactions, gas, largest }: Estimate, gasPrice: bigint): void {
  console.log(
    `${name} on chain ${chain.id}: ${transactions} transactions, ${gas.toLocaleString("en")} gas (the largest ` +
      `${largest.toLocaleString("en")}); at ${formatUnits(gasPrice, "gwei")} gwei ${formatEther(gas * gasPrice)} of the chain's ` +
      "coin, to which a rollup adds its data fee.",
  );
}

/** Ends the process with an error when the chain does not keep what the file promises. */
function tellClaims(wrong: ReturnType<typeof broken>, count: number): void {
  if (wrong.length === 0) {
    console.log(`Read back from the chain: all ${count} values are what the parameter file says.`);
    return;
  }
  const lines = wrong.map(({ what, expected, found }) => `  ${what}: should be ${expected}, is ${found}`);
  die(`The deployed zone is not what the parameter file says:\n${lines.join("\n")}`);
}

async function confirm({ name, chain }: ZonePlan): Promise<void> {
  if (!process.stdin.isTTY) die("Nobody is here to be asked; pass --yes to send without a question.");
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(
    `This spends real coins. Type the zone's name (${name}) to deploy it to chain ${chain.id}: `,
  );
  terminal.close();
  if (answer.trim() !== name) die("Nothing was sent.");
}

async function readRecord(file: string): Promise<Deployment> {
  const text = await readFile(file, "utf8").catch((error: Error) =>
    die(`There is no deployment record to check (${error.message}); name it with --out.`),
  );
  return parseDeployment(text);
}

/** Complete, or not there at all. */
async function writeRecord(file: string, deployment: Deployment): Promise<void> {
  await mkdir(dirname(file), { recursive: true });
  await writeFile(`${file}.new`, `${JSON.stringify(deployment, null, 2)}\n`);
  await rename(`${file}.new`, file);
}

function nextSteps(plan: ZonePlan, record: string, { parameters, out }: NetworkOptions): string {
  const { operatorDelay } = plan.parameters;
  return `The deployment record is in ${record}. Next:
  1. Keep ${parameters}, ${record} and ${relative(process.cwd(), journalDir(plan))} (commit them; they hold no secret).
  2. Publish the source:  IOE_RPC_URL=${plan.chain.rpcUrl} npx hardhat ignition verify ${deploymentIdOf(plan)} --network evm
  3. Anybody can check:   npm run deploy -- --parameters ${parameters} --check${out ? ` --out ${record}` : ""}
  4. Operator ${plan.accounts.operator}: register meters. A call of the operator is announced with
     AccessManager.schedule(target, data, 0) and made ${operatorDelay} s later.
  5. Oracles:             chain.deployment: ${record} in each ioe.yaml
  6. A keeper:            ioe keeper --config keeper.yaml, with a funded account
  7. The dApp:            IOE_DEPLOYMENT=${record} npm run dapp`;
}
