// Writes package.json and package-lock.json of a Pi's installation into a folder: the workspaces oracle and protocol and
// what they need, at the versions and hashes of the repository's lock file.
//
//   node oracle/install/lock.mjs FOLDER
import { readFileSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

const root = resolve(import.meta.dirname, "../..");
const WORKSPACES = ["oracle", "protocol"];
const read = (file) => JSON.parse(readFileSync(join(root, file), "utf8"));

const { name, version, license, type } = read("package.json");
const lock = read("package-lock.json");
const kept = {};

/** Where a package that is asked for at a place is found: as Node does, from the innermost node_modules outwards. */
function locate(wanted, place) {
  for (let at = place; ; at = at.slice(0, Math.max(0, at.lastIndexOf("/")))) {
    const path = `${at === "" ? "" : `${at}/`}node_modules/${wanted}`;
    if (path in lock.packages) return path;
    if (at === "") return undefined;
  }
}

function keep(path) {
  if (path in kept) return;
  const entry = lock.packages[path];
  kept[path] = entry;
  if (entry.link) return keep(entry.resolved);
  const { dependencies, optionalDependencies = {}, peerDependencies = {}, peerDependenciesMeta } = entry;
  const peers = Object.keys(peerDependencies).filter((peer) => !peerDependenciesMeta?.[peer]?.optional);
  for (const wanted of [...Object.keys({ ...dependencies, ...optionalDependencies }), ...peers]) {
    const found = locate(wanted, path);
    if (found) keep(found);
    else if (!(wanted in optionalDependencies)) {
      throw new Error(`package-lock.json lacks ${wanted}, which ${path} needs; run: npm install`);
    }
  }
}

for (const workspace of WORKSPACES) keep(workspace);
// The links by which npm finds the workspaces.
for (const [path, entry] of Object.entries(lock.packages)) {
  if (entry.link && WORKSPACES.includes(entry.resolved)) kept[path] = entry;
}
const sorted = Object.fromEntries(
  Object.keys(lock.packages)
    .filter((path) => path in kept)
    .map((path) => [path, kept[path]]),
);
const manifest = { name, version, private: true, license, type, workspaces: WORKSPACES };
const head = { name, version, license, workspaces: WORKSPACES };
const { lockfileVersion } = lock;
const write = (file, content) => writeFileSync(join(process.argv[2], file), `${JSON.stringify(content, null, 2)}\n`);
write("package.json", manifest);
write("package-lock.json", { name, version, lockfileVersion, requires: true, packages: { "": head, ...sorted } });
