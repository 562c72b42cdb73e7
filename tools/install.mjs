// Runs before `npm start` and `npm test`, on whatever Node the system has: installs what is missing. The scripts
// themselves then run on the Node that the `node` dependency brought, which npm puts first on the PATH.
import { execSync } from "node:child_process";
import { existsSync, statSync } from "node:fs";
import { delimiter, dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";

const root = resolve(dirname(fileURLToPath(import.meta.url)), "..");
// As npm does for scripts, also when this is run by hand.
process.env.PATH = resolve(root, "node_modules/.bin") + delimiter + process.env.PATH;
const lock = resolve(root, "package-lock.json");
const installed = resolve(root, "node_modules/.package-lock.json");

if (!existsSync(installed) || statSync(installed).mtimeMs < statSync(lock).mtimeMs) {
  console.log("Installing packages (once, about a minute) …");
  execSync("npm ci --no-audit --no-fund --loglevel=error", { cwd: root, stdio: "inherit" });
}
// Adding a single package with an older npm can have dropped what this brings back.
await import("./postinstall.mjs");

const version = execSync("node --version", { cwd: root, encoding: "utf8" }).trim();
const [major = 0, minor = 0] = version.slice(1).split(".").map(Number);
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `This runs on Node 22.18 or newer, and ${version} is what npm finds. The package "node" brings one, but its install ` +
      `script did not run: allow it ("npm rebuild node"), or install a newer Node yourself.`,
  );
  process.exit(1);
}
