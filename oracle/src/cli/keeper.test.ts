import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { StatementSync } from "node:sqlite";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { CONTRACT_NAMES, type Deployment } from "@ioe/protocol";
import { meterRegistryAbi } from "@ioe/protocol/abi";
import { expect } from "chai";
import { type Abi, decodeFunctionData, encodeFunctionResult, toHex } from "viem";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { stringify } from "yaml";
import { worldOf } from "../chain/index.ts";
import { RpcNode } from "../chain/testing/rpc-node.ts";
import { Journal, JournalError } from "../journal/index.ts";
import { runKeeper } from "./keeper.ts";

const HASH = `0x${"3".repeat(64)}` as const;

describe("ioe keeper", function () {
  this.timeout(30_000);
  let dir: string;
  let node: RpcNode;
  let deployment: Deployment;
  const key = generatePrivateKey();
  const write = Object.getOwnPropertyDescriptor(StatementSync.prototype, "run")!;

  beforeEach(async () => {
    dir = mkdtempSync(join(tmpdir(), "ioe-keeper-"));
    node = await RpcNode.start(answer);
    deployment = {
      chainId: 31_337,
      rpcUrl: node.url,
      deploymentBlock: 0,
      deploymentBlockHash: HASH,
      contracts: Object.fromEntries(
        CONTRACT_NAMES.map((name, i) => [name, `0x${String(i + 1).repeat(40)}`]),
      ) as Deployment["contracts"],
      oracles: [],
    };
    writeFileSync(join(dir, "deployment.json"), JSON.stringify(deployment));
    writeFileSync(join(dir, "sender.key"), key, { mode: 0o600 });
    const chain = { rpcUrls: [node.url], deployment: "./deployment.json", pollMs: 100 };
    const config = { chain, journal: "./keeper.sqlite", keys: { sender: "./sender.key" }, log: { level: "error" } };
    writeFileSync(join(dir, "keeper.yaml"), stringify(config));
  });
  afterEach(async () => {
    Object.defineProperty(StatementSync.prototype, "run", write);
    await node.close();
    rmSync(dir, { recursive: true });
  });

  /** A chain on which another transaction has taken the nonce of ours. */
  function answer(method: string, [first]: readonly unknown[]): unknown {
    switch (method) {
      case "eth_chainId":
        return toHex(31_337);
      case "eth_getCode":
        return "0x01";
      case "eth_getBalance":
        return toHex(10n ** 18n);
      case "eth_getTransactionCount":
        return toHex(5);
      case "eth_getBlockByNumber":
        return { number: "0x5", hash: HASH, timestamp: toHex(1_000_000), gasLimit: toHex(30_000_000) };
      case "eth_getLogs":
        return [];
      case "eth_call": {
        const abi: Abi = meterRegistryAbi;
        const { functionName } = decodeFunctionData({ abi, data: (first as { data: `0x${string}` }).data });
        const domain = ["0x0f", "", "1", 31_337n, `0x${"1".repeat(40)}`, HASH, []];
        return encodeFunctionResult({ abi, functionName, result: functionName === "eip712Domain" ? domain : 60 });
      }
      default:
        return null;
    }
  }

  it("ends, and says why, when its journal can no longer be written", async () => {
    const journal = new Journal(join(dir, "keeper.sqlite"), worldOf(deployment));
    const entry = { label: "clear", nonce: 3, target: `0x${"1".repeat(40)}`, data: "0x", gas: 1n } as const;
    const fees = { maxFeePerGas: 1n, maxPriorityFeePerGas: 1n };
    journal.addOutbox(privateKeyToAccount(key).address, entry, { hash: HASH, raw: "0x02", ...fees, cancels: false });
    journal.close();
    StatementSync.prototype.run = () => {
      throw Object.assign(new Error("database or disk is full"), { errcode: 13 });
    };
    const end: unknown = await runKeeper(join(dir, "keeper.yaml"), new AbortController().signal).catch(
      (error: unknown) => error,
    );
    expect(end).to.be.instanceOf(JournalError);
    expect((end as Error).message).to.match(/can no longer be written .*free some space on its disk and start again/);
  });
});
