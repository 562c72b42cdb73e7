import type { Deployment } from "@ioe/protocol";
import { expect } from "chai";
import { ChainError } from "./errors.ts";
import { ChainUnreachable, checkNodes } from "./startup.ts";
import { RpcNode } from "./testing/rpc-node.ts";

const HASH = `0x${"5".repeat(64)}` as const;
const address = (digit: number) => `0x${String(digit).repeat(40)}` as const;
const deployment = {
  chainId: 31_337,
  deploymentBlock: 4,
  deploymentBlockHash: HASH,
  contracts: { MeterRegistry: address(1), DirectMarket: address(2), CallAuction: address(3) },
} as Deployment;
/** Nobody listens there. */
const NOWHERE = "http://127.0.0.1:9";

describe("the nodes at the start", () => {
  let nodes: RpcNode[];
  beforeEach(() => (nodes = []));
  afterEach(() => Promise.all(nodes.map((node) => node.close())));

  /** A node that fits, but for the methods that are given. */
  async function node(other: Record<string, unknown> = {}): Promise<RpcNode> {
    const fits: Record<string, unknown> = {
      eth_chainId: "0x7a69",
      eth_getBlockByNumber: { number: "0x4", hash: HASH, timestamp: "0x1", transactions: [] },
      eth_getCode: "0x60",
    };
    const started = await RpcNode.start((method) => ({ ...fits, ...other })[method]);
    nodes.push(started);
    return started;
  }

  const rejection = (urls: string[]) =>
    checkNodes(deployment, urls).then(
      () => undefined,
      (error: unknown) => error as Error,
    );

  it("are all asked, and all fit", async () => {
    expect(await checkNodes(deployment, [(await node()).url, (await node()).url])).to.deep.equal([]);
  });

  const wrong: [string, Record<string, unknown>, RegExp][] = [
    ["another chain", { eth_chainId: "0x1" }, /: the node is on chain 1, the deployment file is for chain 31337;/],
    [
      "another chain with the same number",
      { eth_getBlockByNumber: { number: "0x4", hash: `0x${"6".repeat(64)}`, timestamp: "0x1", transactions: [] } },
      /: this deployment file belongs to another chain;/,
    ],
  ];
  for (const [what, other, message] of wrong) {
    it(`are refused for one on ${what}, behind one that fits, without showing how to get in there`, async () => {
      const { port } = await node(other);
      const error = await rejection([(await node()).url, `http://ann:secret@127.0.0.1:${port}/v3/secret?key=secret`]);
      expect(error).to.be.instanceOf(ChainError);
      expect(error!.message).to.match(message).and.not.contain("secret");
      expect(error!.message).to.contain(`chain.rpcUrls.1 (http://127.0.0.1:${port}): `);
    });
  }

  const behind: [string, Record<string, unknown>, RegExp][] = [
    ["the block", { eth_getBlockByNumber: null }, /: this deployment file belongs to another chain;/],
    ["the contracts", { eth_getCode: "0x" }, /: there is no contract at 0x1{40} \(MeterRegistry\);/],
  ];
  for (const [what, other, message] of behind) {
    it(`are warned of where one does not have ${what} yet, and refused where none has`, async () => {
      const { url } = await node(other);
      expect(await checkNodes(deployment, [(await node()).url, url])).to.have.length(1);
      const error = await rejection([NOWHERE, url]);
      expect(error).to.be.instanceOf(ChainError);
      expect(error!.message).to.match(message);
    });
  }

  it("are warned of where one does not answer", async () => {
    const [warning, ...others] = await checkNodes(deployment, [NOWHERE, (await node()).url]);
    expect(warning).to.match(/^chain\.rpcUrls\.0 \(http:\/\/127\.0\.0\.1:9\) does not answer \(.+\)/);
    expect(others).to.deep.equal([]);
  });

  it("are waited for when none answers", async () => {
    const error = await rejection([NOWHERE, `${NOWHERE}/v3/secret`]);
    expect(error).to.be.instanceOf(ChainUnreachable);
    expect(error!.message).to.match(/^no Ethereum node answers at http:\/\/127\.0\.0\.1:9, http:\/\/127\.0\.0\.1:9 \(/);
  });
});
