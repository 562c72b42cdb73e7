import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { Processes } from "./processes.ts";

/** A child that takes a while to end, and then says so. */
const SLOW = `
  process.on("SIGTERM", () => setTimeout(() => {
    console.log("ended");
    process.exit();
  }, 200));
  setInterval(() => {}, 60_000);
  console.log("ready");`;

describe("child processes", () => {
  let dir: string;

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), "ioe-processes-"));
    await writeFile(join(dir, "slow.mjs"), SLOW);
  });

  after(() => rm(dir, { recursive: true, force: true }));

  it("are waited for by everybody who ends them", async () => {
    const lines: string[] = [];
    const processes = new Processes({ onLine: (_name, line) => lines.push(line) });
    await processes.start("slow", join(dir, "slow.mjs"), [], /ready/);
    const first = processes.end("slow");
    await processes.end("slow");
    expect(lines).to.deep.equal(["ready", "ended"]);
    await first;
    await processes.end("slow");
  });
});
