/** `npm run chain`: a local Hardhat chain for development. */
import { parseArgs } from "node:util";
import { JsonRpcProvider } from "ethers";
import { network } from "hardhat";
import { endWithParent, integerOption, requireFreePort } from "./cli.ts";

const { values } = parseArgs({
  options: { port: { type: "string" }, "with-parent": { type: "boolean" } },
});
const port = integerOption("port", values.port, 8545, 1, 65_535);
await requireFreePort(port, "chain", "port");

const server = await network.createServer("local", "127.0.0.1", port);
await server.listen();
endWithParent(() => server.close());
const url = `http://127.0.0.1:${port}`;
await setClock(url);
console.log(`Chain 31337 answers at ${url}`);

/** The chain's clock begins with the reading of the configuration, which on a busy machine is many seconds ago. */
async function setClock(url: string): Promise<void> {
  const provider = new JsonRpcProvider(url, undefined, { staticNetwork: true });
  await provider.send("evm_mine", []);
  const { timestamp } = (await provider.getBlock("latest"))!;
  const behind = Math.floor(Date.now() / 1_000) - timestamp;
  if (behind > 0) await provider.send("evm_increaseTime", [behind]);
  await provider.send("evm_mine", []);
  provider.destroy();
}
