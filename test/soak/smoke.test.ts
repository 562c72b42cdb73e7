import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { runNode } from "../../tools/cli.ts";

/** As `npm run soak`, but short: what it finds in an hour stands in bench/results. */
describe("a micro-grid under random faults", () => {
  it("keeps registers, money, contacts and memory as they have to be", async function () {
    this.timeout(1_200_000);
    const folder = await mkdtemp(join(tmpdir(), "ioe-soak-"));
    const size = ["--minutes", "3", "--households", "4", "--seed", "1"];
    const { code, output } = await runNode("tools/soak.ts", [...size, "--report", folder]);
    await rm(folder, { recursive: true });
    expect(code, output).to.equal(0);
  });
});
