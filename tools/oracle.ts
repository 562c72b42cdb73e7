/** `npm run oracle -- --household N`: one household's oracle of the world that `npm run deploy` made. */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { main } from "../oracle/src/cli/main.ts";
import { integerOption, ROOT } from "./cli.ts";
import { householdDir, MOST_HOUSEHOLDS } from "./world.ts";

const { values } = parseArgs({
  options: { household: { type: "string" }, world: { type: "string", default: resolve(ROOT, ".world") } },
});
const n = integerOption("household", values.household, 1, 1, MOST_HOUSEHOLDS);
await main(["run", "--config", resolve(householdDir(values.world, n), "ioe.yaml")]);
