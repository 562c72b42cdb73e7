/**
 * `npm run dapp`: the page with hot reload, against the world in `.world` (or IOE_DEPLOYMENT).
 * `npm run dapp -- --built`: the page as it is published, service worker and all.
 * What is made for it stays in `frontend/dist` and `frontend/node_modules/.vite`, or in IOE_DAPP_FILES, so that several
 * servers do not write over each other's.
 */
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { build, createServer, preview } from "vite";
import { endWithParent, ROOT } from "./cli.ts";

const { values } = parseArgs({
  options: { built: { type: "boolean", default: false }, "with-parent": { type: "boolean", default: false } },
});
const files = process.env.IOE_DAPP_FILES;
const settings = {
  root: resolve(ROOT, "frontend"),
  configFile: resolve(ROOT, "frontend/vite.config.ts"),
  ...(files && { cacheDir: resolve(files, "vite"), build: { outDir: resolve(files, "dist"), emptyOutDir: true } }),
};

async function serveBuilt() {
  await build({ ...settings, logLevel: "warn" });
  return preview(settings);
}

async function serveSources() {
  const server = await createServer(settings);
  return server.listen();
}

const server = await (values.built ? serveBuilt() : serveSources());
endWithParent(() => server.close());
console.log(`The dApp is at ${server.resolvedUrls?.local[0] ?? "its port"}`);
