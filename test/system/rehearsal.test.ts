/**
 * A community's first day on a second kind of node (anvil, with the Osaka upgrade): the deployment command with a
 * parameter file and contracts as they are compiled for production, killed twice in the middle, then trades through the public
 * contracts until the money is withdrawn.
 */
import { type ChildProcess, spawn } from "node:child_process";
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { createServer, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { HardhatEthersSigner } from "@nomicfoundation/hardhat-ethers/types";
import { expect } from "chai";
import {
  type BaseContract,
  type ContractTransactionResponse,
  hexlify,
  type Interface,
  randomBytes,
  Signature,
  Wallet,
} from "ethers";
import { network } from "hardhat";
import { parse, stringify } from "yaml";
import { journalDir } from "../../deploy/network.ts";
import { parseParameters } from "../../deploy/parameters.ts";
import { CONTRACT_NAMES, parseDeployment, type Deployment } from "../../protocol/src/deployment.ts";
import { packOrderId } from "../../protocol/src/order.ts";
import { endOf, slotOf } from "../../protocol/src/slots.ts";
import { registryDomain, TYPES, type Reading, type RegistryDomain } from "../../protocol/src/typedData.ts";
import { ROOT } from "../../tools/cli.ts";
import { production } from "../../tools/deploy-network.ts";
import { notRun } from "../hardware/needs.ts";
import { NO_ANVIL, startAnvil } from "./anvil.ts";
import { freePorts } from "./world.ts";

/** No chain that anybody uses, so that the command treats it like a real one. */
const CHAIN_ID = 20_261_122;
/** First account of anvil's own phrase; worth nothing anywhere else. */
const DEPLOYER_KEY = "0xac0974bec39a17e36ba4a6b4d238ff944bacb478cbed5efcae784d7bf4f2ff80";
const DEPLOYER = new Wallet(DEPLOYER_KEY).address;
/** The production compile takes a minute of a free core, once for each change of a contract; beside other worlds longer. */
const COMPILE_MS = 1_200_000;
/** EIP-170: what a chain takes. */
const MOST_CODE = 24_576;
const TRANSACTIONS = 22;
const DAY_S = 86_400;
const SLOT_S = 60;
const GATE_S = 15;
const OPERATOR_DELAY_S = 3_600;
const ENERGY = 1_000n; // 1 kWh
const PRICE = 100_000n;
const FEE = 20_000n;
const RETAIL = 300_000n;

type Connection = Awaited<ReturnType<typeof network.create>>;

describe("rehearsal on anvil", function () {
  let anvil: ChildProcess;
  let rpcUrl: string;
  let connection: Connection;
  let dir: string;
  let file: string;
  let token: string;
  let people: Record<"admin" | "operator" | "grid" | "dust" | "seller" | "buyer" | "stranger", HardhatEthersSigner>;

  before(async function () {
    if (NO_ANVIL) notRun(this, NO_ANVIL);
    this.timeout(COMPILE_MS);
    await production();
    dir = await mkdtemp(join(tmpdir(), "ioe-rehearsal-"));
    const port = await freePorts(1);
    rpcUrl = `http://127.0.0.1:${port}`;
    anvil = await startAnvil(port, "--chain-id", String(CHAIN_ID));
    connection = await network.create({ network: "localhost", override: { url: rpcUrl } });
    const [, admin, operator, grid, dust, seller, buyer, stranger] = await connection.ethers.getSigners();
    people = {
      admin: admin!,
      operator: operator!,
      grid: grid!,
      dust: dust!,
      seller: seller!,
      buyer: buyer!,
      stranger: stranger!,
    };
    token = await (await connection.ethers.deployContract("TestUSD", { signer: stranger! })).getAddress();
    file = join(dir, "zone.yaml");
    await writeFile(file, await parameterFile(rpcUrl, token, people));
  });

  after(async () => {
    await connection?.close();
    anvil?.kill();
    if (file) await rm(journalDir(parseParameters(await readFile(file, "utf8"))), { recursive: true, force: true });
    if (dir) await rm(dir, { recursive: true, force: true });
  });

  it("says what it would cost, without a key and without sending anything", async () => {
    const { code, output } = await deploy({ args: ["--dry-run"] }, "");
    expect(output).to.match(new RegExp(`${TRANSACTIONS} transactions, [\\d,]+ gas`));
    expect(output).not.to.include("P-256");
    expect(code).to.equal(0);
    expect(await connection.ethers.provider.getTransactionCount(DEPLOYER)).to.equal(0);
  });

  it("sends nothing unless somebody agrees", async () => {
    const { code, output } = await deploy({ args: [] });
    expect(output).to.include("pass --yes");
    expect(code).to.equal(1);
    expect(await connection.ethers.provider.getTransactionCount(DEPLOYER)).to.equal(0);
  });

  it("killed before a transaction leaves, and killed before its hash comes back, it finishes without deploying twice", async () => {
    const unsent = await Trap.before(rpcUrl, 3, "request");
    await deploy({ url: unsent.url, killedBy: unsent });
    expect(await connection.ethers.provider.getTransactionCount(DEPLOYER)).to.equal(2);

    const unanswered = await Trap.before(rpcUrl, 6, "answer");
    const second = await deploy({ url: unanswered.url, killedBy: unanswered });
    expect(second.output).to.include("was not sent; it is sent now");
    expect(await connection.ethers.provider.getTransactionCount(DEPLOYER)).to.equal(8);

    const third = await deploy({ args: ["--yes"] });
    expect(third.output).to.include("was sent as 0x").and.to.include("Read back from the chain: all");
    expect(third.code).to.equal(0);
    expect(await connection.ethers.provider.getTransactionCount(DEPLOYER)).to.equal(TRANSACTIONS);
  });

  it("run again, it changes nothing and writes the same record", async () => {
    const record = await readFile(join(dir, "deployment.json"), "utf8");
    const { code } = await deploy({ args: ["--yes"] });
    expect(code).to.equal(0);
    expect(await readFile(join(dir, "deployment.json"), "utf8")).to.equal(record);
    expect(await connection.ethers.provider.getTransactionCount(DEPLOYER)).to.equal(TRANSACTIONS);
  });

  it("has put code of production on the chain, within the 24 KiB that a chain takes (EIP-170)", async () => {
    const { contracts } = parseDeployment(await readFile(join(dir, "deployment.json"), "utf8"));
    const { artifacts } = await production();
    for (const name of CONTRACT_NAMES) {
      if (name === "PaymentToken") continue;
      const code = await connection.ethers.provider.getCode(contracts[name]);
      const { deployedBytecode } = await artifacts.readArtifact(name);
      expect(code, name).to.have.lengthOf(deployedBytecode.length);
      expect((code.length - 2) / 2, name).to.be.within(1, MOST_CODE);
    }
  });

  it("lets anybody check the zone against its file, and names what differs", async () => {
    const other = join(dir, "other.yaml");
    await writeFile(other, (await readFile(file, "utf8")).replace(/gridFee: "?0.02"?/, "gridFee: 0.04"));
    const { code, output } = await deploy({ args: ["--check", "--parameters", other] }, "");
    expect(output).to.match(/first slot, feed-in, retail, grid fee: should be 0, 80000, 300000, 40000, is .* 20000/);
    expect(output.match(/should be/g), "differences").to.have.lengthOf(1);
    expect(code).to.equal(1);
  });

  it("trades directly and by auction, settles what was measured, and pays everything out", async () => {
    const zone = await Zone.open(connection, join(dir, "deployment.json"));
    const { registry, market, auction, vault, money, manager } = zone;
    const { operator, seller, buyer, stranger, grid, dust } = people;

    const meters = { seller: new Meter(zone.domain), buyer: new Meter(zone.domain) };
    for (const [meter, owner] of [
      [meters.seller, seller],
      [meters.buyer, buyer],
    ] as const) {
      const args = [owner.address, 4, 1_000_000, 1, meter.key.address, await meter.proves(owner.address)] as const;
      const at = zone.as(registry, operator);
      await expectRevert(at.register(...args), manager.interface.getError("AccessManagerNotScheduled")!.selector);
      const data = (registry.interface as Interface).encodeFunctionData("register", args);
      await mined(zone.as(manager, operator).schedule(registry, data, 0));
      await zone.pass(OPERATOR_DELAY_S);
      await mined(at.register(...args));
      meter.id = Number(await registry.meterCount());
    }

    await zone.depositInOneSignature(buyer, 1_000_000n);
    await zone.depositInOneSignature(seller, 1_000_000n);

    // A kilowatt-hour now, all of it delivered within a slot.
    const slot = slotOf(await zone.now(), SLOT_S) + 1;
    await zone.goTo(endOf(slot - 1, SLOT_S) + 1);
    await zone.report([await meters.seller.restart(slot), await meters.buyer.restart(slot)], stranger);
    await mined(zone.as(market, seller).list(meters.seller.id, ENERGY, 0, PRICE, 1, endOf(slot, SLOT_S) + DAY_S));
    await mined(zone.as(market, buyer).buy(1, meters.buyer.id, ENERGY, PRICE + FEE, endOf(slot, SLOT_S)));
    await zone.goTo(endOf(slot, SLOT_S) + 1);
    await zone.report(
      [await meters.seller.step(slot, ENERGY, 0n), await meters.buyer.step(slot, 0n, ENERGY)],
      stranger,
    );
    await mined(zone.as(market, stranger).close(1));
    expect(await vault.free(buyer)).to.equal(1_000_000n - PRICE - FEE);
    expect(await vault.free(seller)).to.equal(1_000_000n + PRICE);
    expect(await vault.free(grid)).to.equal(FEE);

    // The same in a slot two ahead, but only half of it is delivered.
    const next = slot + 3;
    const ask = { slot: next, meterId: meters.seller.id, side: 1, tick: 20, energy: ENERGY };
    const bid = { slot: next, meterId: meters.buyer.id, side: 0, tick: 80, energy: ENERGY };
    const ids = [packOrderId({ ...ask, side: "ask" }), packOrderId({ ...bid, side: "bid" })];
    await mined(zone.as(auction, seller).placeOrders([ask]));
    await mined(zone.as(auction, buyer).placeOrders([bid]));
    await zone.goTo(endOf(next - 1, SLOT_S) - GATE_S + 1);
    await mined(zone.as(auction, stranger).clear(next));
    const { price, volume } = await auction.auctionOf(next);
    expect([price, volume]).to.deep.equal([150_000n, ENERGY]);
    await zone.goTo(endOf(next - 1, SLOT_S) + 1);
    await zone.report([await meters.seller.restart(next)], stranger);
    await zone.goTo(endOf(next, SLOT_S) + 1);
    await zone.report([await meters.seller.step(next, ENERGY / 2n, 0n)], stranger);
    await mined(zone.as(auction, stranger).settle(ids));
    const half = ENERGY / 2n;
    const penalty = (half * (RETAIL - FEE - price)) / 1_000n;
    const sold = (half * price) / 1_000n;
    const cost = (half * (price + FEE)) / 1_000n;
    expect(await vault.free(seller)).to.equal(1_000_000n + PRICE + sold - penalty);
    expect(await vault.free(buyer)).to.equal(1_000_000n - PRICE - FEE - cost + penalty);

    for (const account of [seller, buyer, grid]) {
      const free = await vault.free(account);
      const before = await money.balanceOf(account);
      await mined(zone.as(vault, account).withdraw(free, account));
      expect((await money.balanceOf(account)) - before).to.equal(free);
    }
    expect(await vault.free(dust)).to.equal(0n);
    expect(await money.balanceOf(vault)).to.equal(0n);
  });

  /** Runs the command; a trap kills it the way a power cut would. */
  async function deploy(
    { args = ["--yes"], url, killedBy }: { args?: string[]; url?: string; killedBy?: Trap },
    key = DEPLOYER_KEY,
  ): Promise<{ code: number | null; output: string }> {
    const out = join(dir, "deployment.json");
    const all = ["tools/deploy.ts", "--parameters", file, "--out", out, ...args];
    const child = spawn(process.execPath, all, {
      cwd: ROOT,
      env: { ...process.env, IOE_DEPLOYER_KEY: key || undefined, IOE_RPC_URL: url ?? rpcUrl },
      stdio: ["ignore", "pipe", "pipe"],
    });
    let output = "";
    for (const stream of [child.stdout, child.stderr]) stream.on("data", (text: Buffer) => (output += text.toString()));
    const ended = new Promise<number | null>((done) => child.once("close", done));
    if (killedBy) {
      await Promise.race([killedBy.sprung, ended]);
      child.kill("SIGKILL");
    }
    const code = await ended;
    await killedBy?.close();
    return { code, output };
  }
});

/** The example of the repository with its blanks filled in. */
async function parameterFile(
  rpcUrl: string,
  token: string,
  people: Record<string, HardhatEthersSigner>,
): Promise<string> {
  const example = await readFile(join(ROOT, "deploy", "parameters.example.yaml"), "utf8");
  const plan = parse(example, { schema: "failsafe" }) as Record<string, Record<string, unknown>>;
  const roles = plan.roles as Record<string, { account: string; delay: string }>;
  for (const name of ["admin", "marketAdmin", "guardian"]) roles[name]!.account = people.admin!.address;
  roles.operator = { account: people.operator!.address, delay: String(OPERATOR_DELAY_S) };
  return stringify({
    ...plan,
    name: `local-rehearsal-${Date.now()}`,
    chain: { id: CHAIN_ID, rpcUrl, confirmations: 1 },
    salt: hexlify(randomBytes(32)),
    token: { address: token, decimals: 6 },
    time: { ...plan.time, slot: SLOT_S, gateClosure: GATE_S, grace: 120, claimWindow: 1_800, maxDelivery: 900 },
    accounts: { gridOperator: people.grid!.address, dust: people.dust!.address },
    roles,
  });
}

/** Stands between the command and its node, and lets the n-th transaction or the answer to it vanish. */
class Trap {
  readonly sprung: Promise<void>;
  readonly #server: Server;
  #left: number;

  static async before(target: string, transaction: number, swallows: "request" | "answer"): Promise<Trap> {
    const trap = new Trap(target, transaction, swallows);
    await new Promise<void>((done) => trap.#server.listen(0, "127.0.0.1", done));
    return trap;
  }

  private constructor(target: string, transaction: number, swallows: "request" | "answer") {
    this.#left = transaction;
    let spring: () => void;
    this.sprung = new Promise((done) => (spring = done));
    this.#server = createServer((request, response) => {
      void bodyOf(request).then(async (body) => {
        const catches = body.includes("eth_sendRawTransaction") && --this.#left === 0;
        if (catches && swallows === "request") return spring();
        const headers = { "content-type": "application/json" };
        const answer = await (await fetch(target, { method: "POST", headers, body })).text();
        if (catches) return spring();
        response.writeHead(200, headers).end(answer);
      });
    });
  }

  get url(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((done) => this.#server.close(done));
  }
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  let body = "";
  for await (const chunk of request) body += String(chunk);
  return body;
}

interface SignedReading {
  reading: Reading;
  signature: string;
}

/** A meter's key and registers. */
class Meter {
  readonly key = Wallet.createRandom();
  id = 0;
  readonly #domain: RegistryDomain;
  #registers = { since: 0, takenAt: 0, imported: 0n, exported: 0n };

  constructor(domain: RegistryDomain) {
    this.#domain = domain;
  }

  proves(owner: string): Promise<string> {
    return this.key.signTypedData(this.#domain, { Possession: [...TYPES.Possession] }, { owner });
  }

  /** The first reading of a slot, whatever was before. */
  restart(slot: number): Promise<SignedReading> {
    return this.#sign({ ...this.#registers, since: 0, takenAt: endOf(slot - 1, SLOT_S) });
  }

  /** The reading that closes the slot. */
  step(slot: number, exported: bigint, imported: bigint): Promise<SignedReading> {
    const { takenAt, ...before } = this.#registers;
    return this.#sign({
      since: takenAt,
      takenAt: endOf(slot, SLOT_S),
      imported: before.imported + imported,
      exported: before.exported + exported,
    });
  }

  async #sign(registers: Omit<Reading, "meterId" | "epoch">): Promise<SignedReading> {
    this.#registers = registers;
    const reading = { ...registers, meterId: this.id, epoch: 0 };
    return { reading, signature: await this.key.signTypedData(this.#domain, { Reading: [...TYPES.Reading] }, reading) };
  }
}

/** The deployed zone, found through its record alone. */
class Zone {
  readonly #connection: Connection;
  readonly domain: RegistryDomain;
  readonly manager;
  readonly registry;
  readonly vault;
  readonly market;
  readonly auction;
  readonly money;

  private constructor(
    connection: Connection,
    domain: RegistryDomain,
    contracts: Awaited<ReturnType<typeof contractsOf>>,
  ) {
    this.#connection = connection;
    this.domain = domain;
    this.manager = contracts.manager;
    this.registry = contracts.registry;
    this.vault = contracts.vault;
    this.market = contracts.market;
    this.auction = contracts.auction;
    this.money = contracts.money;
  }

  static async open(connection: Connection, record: string): Promise<Zone> {
    const deployment = parseDeployment(await readFile(record, "utf8"));
    const contracts = await contractsOf(connection, deployment);
    const { chainId, zone } = deployment;
    return new Zone(connection, registryDomain(chainId, deployment.contracts.MeterRegistry, zone!.salt), contracts);
  }

  /** The contract as that account calls it. */
  as<C extends BaseContract>(contract: C, account: HardhatEthersSigner): C {
    return contract.connect(account) as C;
  }

  async now(): Promise<number> {
    return (await this.#connection.ethers.provider.getBlock("latest"))!.timestamp;
  }

  async pass(seconds: number): Promise<void> {
    await this.goTo((await this.now()) + seconds);
  }

  async goTo(timestamp: number): Promise<void> {
    await this.#connection.provider.request({ method: "evm_setNextBlockTimestamp", params: [timestamp] });
    await this.#connection.provider.request({ method: "evm_mine" });
  }

  async report(readings: SignedReading[], relayer: HardhatEthersSigner): Promise<void> {
    const signatures = readings.map(({ signature }) => signature);
    const bare = readings.map(({ reading }) => reading);
    await mined(this.as(this.registry, relayer).report(bare, signatures));
  }

  /** Faucet, then a deposit with a permit that also lets both markets lock the money. */
  async depositInOneSignature(owner: HardhatEthersSigner, value: bigint): Promise<void> {
    await mined(this.as(this.money, owner).faucet(value));
    const domain = {
      name: await this.money.name(),
      version: "1",
      chainId: CHAIN_ID,
      verifyingContract: await this.money.getAddress(),
    };
    const Permit = ["owner:address", "spender:address", "value:uint256", "nonce:uint256", "deadline:uint256"].map(
      (field) => {
        const [name, type] = field.split(":");
        return { name: name!, type: type! };
      },
    );
    const deadline = (await this.now()) + DAY_S;
    const permit = { owner: owner.address, spender: await this.vault.getAddress(), value, nonce: 0, deadline };
    const { v, r, s } = Signature.from(await owner.signTypedData(domain, { Permit }, permit));
    const markets = [await this.market.getAddress(), await this.auction.getAddress()];
    await mined(this.as(this.vault, owner).depositWithPermit(value, deadline, v, r, s, markets));
  }
}

async function contractsOf({ ethers }: Connection, { contracts }: Deployment) {
  return {
    manager: await ethers.getContractAt("AccessManager", contracts.AccessManager),
    registry: await ethers.getContractAt("MeterRegistry", contracts.MeterRegistry),
    vault: await ethers.getContractAt("Vault", contracts.Vault),
    market: await ethers.getContractAt("DirectMarket", contracts.DirectMarket),
    auction: await ethers.getContractAt("CallAuction", contracts.CallAuction),
    money: await ethers.getContractAt("TestUSD", contracts.PaymentToken),
  };
}

/** Anvil answers before it has mined. */
async function mined(sent: Promise<ContractTransactionResponse>): Promise<void> {
  await (await sent).wait();
}

async function expectRevert(sent: Promise<unknown>, error: string): Promise<void> {
  const reason = await sent.then(
    () => "no revert",
    (thrown: Error) => thrown.message,
  );
  expect(reason).to.include(error);
}
