// npm leaves out Hardhat's native engine when npm itself runs on a Node older than the engine asks for (it sees an
// optional package for another Node). The `node` dependency is in place by now, so asking npm once more, on that
// newer Node, brings the engine. Does nothing when Hardhat is not installed (an oracle-only install on a Pi).
import { execSync } from "node:child_process";
import { createRequire } from "node:module";

const require = createRequire(import.meta.url);

function probe(how, name) {
  try {
    how(name);
    return true;
  } catch {
    return false;
  }
}

const engine = "@nomicfoundation/edr";
if (probe(require.resolve, engine) && !probe(require, engine)) {
  execSync("npm install --no-save --ignore-scripts --no-audit --no-fund", { stdio: "inherit" });
}
