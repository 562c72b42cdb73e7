/** `npm run build`: compiles the contracts (their Solidity tests only when they are run) and writes their ABIs for oracle and dApp. */
import { die, runNode } from "./cli.ts";

/** Compiles; returns the compiler's words when it fails. */
export async function build(): Promise<{ ok: boolean; output: string }> {
  const compiled = await runNode("node_modules/hardhat/dist/src/cli.js", ["build", "--no-tests"]);
  if (compiled.code !== 0) return { ok: false, output: compiled.output };
  const generated = await runNode("tools/generate-abi.ts", []);
  return { ok: generated.code === 0, output: generated.output };
}

if (import.meta.main) {
  const { ok, output } = await build();
  if (!ok) die(output);
}
