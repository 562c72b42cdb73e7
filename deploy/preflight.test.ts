import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { network } from "hardhat";
import type { NetworkConnection } from "hardhat/types/network";
import { parseEther } from "ethers";
import { parseParameters, type ZonePlan } from "./parameters.ts";
import { checkDeployer, preflight, PreflightError } from "./preflight.ts";

const NEEDED = { transactions: 22, gas: 20_000_000n, largest: 5_000_000n };

describe("before anything is sent", function () {
  this.timeout(20_000);

  let chain: NetworkConnection;
  let plan: ZonePlan;

  before(async () => {
    chain = await network.create();
    const token = await (await chain.ethers.deployContract("TestUSD")).getAddress();
    const account = (await chain.ethers.getSigners())[1]!.address;
    const example = readFileSync(join(import.meta.dirname, "parameters.example.yaml"), "utf8");
    plan = parseParameters(
      example
        .replaceAll('""', account)
        .replace("salt:", `salt: 0x${"5a".repeat(32)}`)
        .replace(/address: .*/, `address: "${token}"`)
        .replace("id: 11155111", "id: 31337"),
    );
  });

  after(() => chain.close());

  async function refusal(changes: Partial<ZonePlan>, on = chain, needed = NEEDED): Promise<string> {
    const error = await preflight(on, { ...plan, ...changes }, needed).then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    expect(error).to.be.instanceOf(PreflightError);
    return error!.message;
  }

  it("is content with a chain and a token that are what the file says", async () => {
    const { warnings, gasPrice } = await preflight(chain, plan, NEEDED);
    expect(warnings).to.deep.equal([]);
    expect(gasPrice > 0n).to.equal(true);
  });

  it("refuses another chain, and one whose blocks are too small", async () => {
    expect(await refusal({ chain: { ...plan.chain, id: 1 } })).to.include(
      "the node is on chain 31337, chain.id says 1",
    );
    expect(await refusal({}, chain, { ...NEEDED, largest: 10n ** 12n })).to.include("the largest contract needs");
  });

  it("refuses a chain without transient storage", async () => {
    const old = await network.create({ override: { hardfork: "shanghai" } });
    expect(await refusal({}, old)).to.include("lacks transient storage");
    await old.close();
  });

  it("warns of a chain on which secure elements are dear", async () => {
    const older = await network.create({ override: { hardfork: "cancun" } });
    await older.ethers.deployContract("TestUSD"); // the same account and nonce give the same address
    expect((await preflight(older, plan, NEEDED)).warnings.join()).to.include("no P-256 precompile");
    await older.close();
  });

  it("refuses a token that is not there, is none, or counts in other decimals", async () => {
    const nobody = plan.accounts.admin;
    expect(await refusal({ token: { ...plan.token, address: nobody } })).to.include("there is no contract at");
    const address = await (await chain.ethers.deployContract("TickBookHarness")).getAddress();
    expect(await refusal({ token: { ...plan.token, address } })).to.include("tells no decimals");
    expect(await refusal({ token: { ...plan.token, decimals: 18 } })).to.include("but the token has 6");
  });

  it("refuses a deployer who would keep a role, or cannot pay", async () => {
    const [deployer] = await chain.ethers.getSigners();
    const check = (accounts: ZonePlan["accounts"], cost: bigint) =>
      checkDeployer(chain, { ...plan, accounts }, deployer!.address, cost).then(
        () => "content",
        (error: Error) => error.message,
      );
    expect(await check(plan.accounts, 1n)).to.equal("content");
    const keeps = { ...plan.accounts, guardian: deployer!.address.toLowerCase() };
    expect(await check(keeps, 1n)).to.include("guardian is the deployer's own account");
    expect(await check(plan.accounts, parseEther("1000000"))).to.include("the deployment costs about 1000000.0");
  });
});
