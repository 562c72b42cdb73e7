/** What must be true of a chain before anything is sent to it. */
import { createHash, generateKeyPairSync, sign } from "node:crypto";
import type { NetworkConnection } from "hardhat/types/network";
import type { ZonePlan } from "./parameters.ts";
import type { Estimate } from "./network.ts";

/** The chain or an account on it is not what the plan needs. */
export class PreflightError extends Error {
  override readonly name = "PreflightError";
}

/** Asked of the chain without the deployer's key. */
export interface Findings {
  /** What a person should know and may go on with. */
  warnings: string[];
  /** Wei for one unit of gas, as the node proposes it. */
  gasPrice: bigint;
}

/** `PUSH0 PUSH0 TSTORE`, `PUSH0 PUSH0 PUSH0 MCOPY`: both came with the Cancun fork, for which the contracts are compiled. */
const CANCUN = "0x5f5f5d5f5f5f5e00";
/** EIP-7951. */
const P256_PRECOMPILE = "0x0000000000000000000000000000000000000100";
/** Order of the curve P-256. */
const N = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const SAMPLE_BLOCKS = 50;
/** A slot's clearing has to find its way into one of so many blocks at least. */
const CLEARING_BLOCKS = 3;

/** @throws PreflightError */
export async function preflight(
  { ethers, provider }: NetworkConnection,
  { chain, token, parameters }: ZonePlan,
  { largest }: Estimate,
): Promise<Findings> {
  const node = ethers.provider;
  const chainId = Number(
    await provider.request({ method: "eth_chainId" }).catch((error: Error) => {
      throw new PreflightError(`no node answers (${error.message}); chain.rpcUrl says where it is`);
    }),
  );
  if (chainId !== chain.id) {
    throw new PreflightError(`the node is on chain ${chainId}, chain.id says ${chain.id}: one of them is wrong`);
  }
  await node.call({ data: CANCUN }).catch(() => {
    throw new PreflightError(
      "the chain lacks transient storage or MCOPY (Ethereum's Cancun upgrade), which the contracts use: choose another",
    );
  });
  const head = (await node.getBlock("latest"))!;
  if (head.gasLimit < largest) {
    throw new PreflightError(
      `a block of the chain takes ${head.gasLimit} gas, the largest contract needs ${largest}: choose another chain`,
    );
  }
  if ((await node.getCode(token.address)) === "0x") {
    throw new PreflightError(`token.address: there is no contract at ${token.address} on chain ${chainId}`);
  }
  const money = await ethers.getContractAt("TestUSD", token.address);
  const decimals = await money.decimals().catch(() => undefined);
  if (decimals === undefined)
    throw new PreflightError(`token.address: ${token.address} is no ERC-20: it tells no decimals`);
  if (Number(decimals) !== token.decimals) {
    throw new PreflightError(
      `token.decimals is ${token.decimals}, but the token has ${decimals}: every price would be wrong`,
    );
  }

  const warnings: string[] = [];
  if (!(await money.DOMAIN_SEPARATOR().catch(() => undefined))) {
    warnings.push("The token has no permit (ERC-2612): a deposit takes an approval and a second transaction.");
  }
  if (!(await verifiesP256(node))) {
    warnings.push(
      "The chain has no P-256 precompile (EIP-7951): readings of secure elements cost about ten times the gas.",
    );
  }
  const earlier = head.number >= SAMPLE_BLOCKS ? await node.getBlock(head.number - SAMPLE_BLOCKS) : null;
  const blockTime = earlier ? (head.timestamp - earlier.timestamp) / SAMPLE_BLOCKS : 0;
  if (parameters.gateClosure < CLEARING_BLOCKS * blockTime) {
    warnings.push(
      `A block takes about ${blockTime} s: in ${parameters.gateClosure} s after gate closure a clearing may come too late, and the slot is void.`,
    );
  }
  return { warnings, gasPrice: (await node.getFeeData()).gasPrice ?? 0n };
}

/** What can be asked only once the deployer is known. @throws PreflightError */
export async function checkDeployer(
  { ethers }: NetworkConnection,
  { accounts }: ZonePlan,
  deployer: string,
  cost: bigint,
): Promise<void> {
  for (const [role, account] of Object.entries(accounts)) {
    if (account.toLowerCase() !== deployer.toLowerCase()) continue;
    throw new PreflightError(
      `${role} is the deployer's own account ${deployer}, which must end without any part in the zone`,
    );
  }
  const balance = await ethers.provider.getBalance(deployer);
  if (balance < cost) {
    const { formatEther } = ethers;
    throw new PreflightError(
      `the deployer ${deployer} has ${formatEther(balance)} of the chain's coin, the deployment costs about ${formatEther(cost)}`,
    );
  }
}

/** Asks the precompile about a signature that is right. */
async function verifiesP256(node: NetworkConnection["ethers"]["provider"]): Promise<boolean> {
  const { privateKey, publicKey } = generateKeyPairSync("ec", { namedCurve: "P-256" });
  const message = Buffer.from("kWh");
  const signature = sign("sha256", message, { key: privateKey, dsaEncoding: "ieee-p1363" });
  let s = BigInt(`0x${signature.subarray(32).toString("hex")}`);
  if (s > N / 2n) s = N - s;
  const { x, y } = publicKey.export({ format: "jwk" });
  const data = Buffer.concat([
    createHash("sha256").update(message).digest(),
    signature.subarray(0, 32),
    Buffer.from(s.toString(16).padStart(64, "0"), "hex"),
    Buffer.from(x!, "base64url"),
    Buffer.from(y!, "base64url"),
  ]);
  const answer = await node.call({ to: P256_PRECOMPILE, data: `0x${data.toString("hex")}` }).catch(() => "0x");
  return /^0x0{63}1$/.test(answer);
}
