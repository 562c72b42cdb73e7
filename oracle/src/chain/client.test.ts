import { expect } from "chai";
import { createChainClient, nodesOf } from "./client.ts";
import { Refusal, RpcNode } from "./testing/rpc-node.ts";

describe("the client of several nodes", () => {
  let nodes: RpcNode[];
  beforeEach(() => (nodes = []));
  afterEach(() => Promise.all(nodes.map((node) => node.close())));

  async function urlOf(answer: () => unknown): Promise<string> {
    nodes.push(await RpcNode.start(answer));
    return nodes.at(-1)!.url;
  }

  /** Number of the newest block when the first node answers so, and the second one with 2. */
  const asked = async (first: () => unknown) =>
    createChainClient([await urlOf(first), await urlOf(() => "0x2")]).getBlockNumber();

  const reason = (work: Promise<unknown>) =>
    work.then(
      () => undefined,
      (error: Error) => error.message,
    );

  it("asks the first", async () => {
    expect(await asked(() => "0x1")).to.equal(1n);
  });

  const refusals: [string, Refusal][] = [
    ["a range that is too large", new Refusal("block range too large", -32_005)],
    ["a range that is too large, with a status of HTTP", new Refusal("block range too large", -32_600, 400)],
    ["a revert", new Refusal("execution reverted: GateClosed", 3)],
    ["an error of its own", new Refusal("header not found")],
  ];
  for (const [what, refusal] of refusals) {
    it(`believes a node that answers with ${what}`, async () => {
      expect(await reason(asked(() => refusal))).to.contain(refusal.error.message);
    });
  }

  it("asks the next one when a node does not answer", async () => {
    const gone = () => {
      throw new Error("gone");
    };
    expect(await asked(gone)).to.equal(2n);
  });

  for (const status of [401, 403, 429, 503]) {
    it(`asks the next one when a node turns everybody away with status ${status}`, async () => {
      expect(await asked(() => new Refusal("not now", -32_005, status))).to.equal(2n);
    });
  }

  it("is taken apart into its nodes, each of which answers for itself", async () => {
    const client = createChainClient([await urlOf(() => "0x1"), await urlOf(() => new Refusal("no"))]);
    const [first, second, ...others] = nodesOf(client);
    expect(await first!.getBlockNumber()).to.equal(1n);
    expect(await reason(second!.getBlockNumber())).to.contain("no");
    expect(others).to.deep.equal([]);
  });
});
