import { type ChildProcess, spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { join } from "node:path";
import { ROOT } from "../../tools/cli.ts";

const ANVIL = join(ROOT, "node_modules", ".bin", "anvil");

/** Why tests that need anvil cannot run here, nothing when they can. */
export const NO_ANVIL = existsSync(ANVIL)
  ? undefined
  : "there is no anvil for this system (package @foundry-rs/anvil-linux-amd64)";

/** A second kind of node, which can take blocks back; answers when this resolves. It ends with this process. */
export async function startAnvil(port: number, ...args: string[]): Promise<ChildProcess> {
  const child = spawn(ANVIL, ["--port", String(port), "--hardfork", "osaka", ...args], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const end = () => child.kill("SIGKILL");
  process.once("exit", end);
  child.once("exit", () => process.off("exit", end));
  await new Promise<void>((done, failed) => {
    child.once("error", failed);
    child.once("exit", (code) => failed(new Error(`anvil ended with code ${code}`)));
    child.stdout.on("data", (text: Buffer) => text.includes("Listening on") && done());
  });
  return child;
}

/**
 * The chain of a `World`, with its chain id and accounts, and a block every second: a block for each transaction would run
 * ahead of the clock.
 * @param accounts that hold coin and sign
 */
export function startLocalAnvil(port: number, accounts: number): Promise<ChildProcess> {
  return startAnvil(port, "--chain-id", "31337", "--block-time", "1", "--accounts", String(accounts));
}

/**
 * Takes the newest blocks back and mines as many others.
 * @param send a call of the node's
 * @param transactions to put into them: signed, and in which of the new blocks.
 */
export async function reorganize(
  send: (method: string, params: unknown[]) => Promise<unknown>,
  depth: number,
  transactions: readonly (readonly [string, number])[] = [],
): Promise<void> {
  await send("anvil_reorg", [depth, transactions]);
  // Its clock has gone back with the blocks, and would stay behind.
  await send("evm_setTime", [Math.floor(Date.now() / 1_000)]);
}
