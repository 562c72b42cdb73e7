/** `npm run chain`: a local Hardhat chain for development. */
import { parseArgs } from "node:util";
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
console.log(`Chain 31337 answers at http://127.0.0.1:${port}`);
