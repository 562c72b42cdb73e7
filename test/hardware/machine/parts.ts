/** Parts of an emulated machine, fetched once into a folder that git ignores: Debian packages, Node, native addons. */
import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync } from "node:fs";
import { join, resolve } from "node:path";
import { Unavailable, aptGet, npmPack, run } from "../fetch.ts";

export const ROOT = resolve(import.meta.dirname, "../../..");
const CACHE = join(ROOT, ".cache/hardware");

export type Arch = "arm64" | "amd64";
/** What npm and Node call the architecture. */
const NODE_ARCH: Record<Arch, string> = { arm64: "arm64", amd64: "x64" };

/** Folder in the cache; made by `fill` when it is not there yet. */
function cached(name: string, fill: (folder: string) => void): string {
  const folder = join(CACHE, name);
  if (existsSync(folder)) return folder;
  const unfinished = `${folder}.${process.pid}`;
  rmSync(unfinished, { recursive: true, force: true });
  mkdirSync(unfinished, { recursive: true });
  fill(unfinished);
  renameSync(unfinished, folder);
  return folder;
}

/**
 * Unpacked files of a Debian package; nothing is installed. apt keeps its lists for foreign architectures in the cache,
 * so this needs no rights and leaves the machine as it is.
 */
export function debianPackage(name: string, arch: Arch): string {
  return cached(`debian-${arch}/${name}`, (folder) => {
    const wanted = `${name}:${arch}`;
    aptGet(`the Debian package ${wanted} cannot be downloaded`, aptOptions(arch), ["download", wanted], folder);
    const file = readdirSync(folder).find((entry) => entry.endsWith(".deb"))!;
    execFileSync("dpkg-deb", ["-x", file, "."], { cwd: folder });
    rmSync(join(folder, file));
  });
}

/** The package of Debian's current kernel, and its version as the kernel says it. */
export function debianKernel(arch: Arch): { folder: string; version: string } {
  const options = aptOptions(arch);
  const find = () => {
    const { output } = run("apt-cache", [...options, "depends", `linux-image-${arch}:${arch}`], CACHE);
    return /Depends: (linux-image-(\d\S*?))(?::\S+)?\s/.exec(`${output}\n`);
  };
  const known = existsSync(join(CACHE, `debian-${arch}`))
    ? readdirSync(join(CACHE, `debian-${arch}`)).find((entry) => /^linux-image-\d[^/]*[a-z0-9]$/.test(entry))
    : undefined;
  if (known) return { folder: debianPackage(known, arch), version: known.slice("linux-image-".length) };
  mkdirSync(CACHE, { recursive: true });
  let found = find();
  if (!found) {
    aptGet(`Debian's package lists for ${arch} cannot be had`, options, ["update"], CACHE);
    found = find();
  }
  if (!found) throw new Unavailable(`apt knows no package linux-image-${arch}; this needs Debian's package lists`);
  return { folder: debianPackage(found[1]!, arch), version: found[2]! };
}

/** The Node that npm scripts run on, for another architecture. */
export function nodeBinary(arch: Arch): string {
  if (process.arch === NODE_ARCH[arch]) return process.execPath;
  const { dependencies } = JSON.parse(readFileSync(join(ROOT, "package.json"), "utf8")) as {
    dependencies: { node: string };
  };
  return join(npmPackage(`node-linux-${NODE_ARCH[arch]}`, dependencies.node), "bin/node");
}

/** koffi's native part for an architecture, of the version that is installed. */
export function koffiAddon(arch: Arch): { name: string; folder: string } {
  const name = `@koromix/koffi-linux-${NODE_ARCH[arch]}`;
  const installed = join(ROOT, "node_modules", name);
  const { version } = JSON.parse(readFileSync(join(ROOT, "node_modules/koffi/package.json"), "utf8")) as {
    version: string;
  };
  return { name, folder: existsSync(installed) ? installed : npmPackage(name, version) };
}

/** A copy of the package epoll with its native part built for this Node; needs python3, make and g++. */
export function epollAddon(): string {
  const { version } = JSON.parse(readFileSync(join(ROOT, "node_modules/epoll/package.json"), "utf8")) as {
    version: string;
  };
  return cached(`epoll-${version}-node${process.versions.modules}`, (folder) => {
    cpSync(join(ROOT, "node_modules/epoll"), folder, { recursive: true });
    for (const name of ["bindings", "nan", "file-uri-to-path"]) {
      cpSync(join(ROOT, "node_modules", name), join(folder, "node_modules", name), { recursive: true });
    }
    const headers = npmPackage(`node-linux-${process.arch}`, process.versions.node);
    // By its variable, which goes before the option and which npm sets where the system's npmrc names a nodedir.
    const nodedir = `npm_config_nodedir=${headers}`;
    const { ok, output } = run("env", [nodedir, process.execPath, nodeGyp(), "rebuild"], folder);
    if (!ok) throw new Unavailable(`the native addon epoll cannot be built:\n${output}`);
  });
}

/** npm brings node-gyp and tells its scripts where; a shell asks npm. */
function nodeGyp(): string {
  const ask = ["exec", "--call", "echo $npm_config_node_gyp"];
  return (
    process.env.npm_config_node_gyp ??
    execFileSync("npm", ask, { encoding: "utf8", stdio: ["ignore", "pipe", "ignore"] }).trim()
  );
}

function npmPackage(name: string, version: string): string {
  const file = `${name.replace("@", "").replace("/", "-")}-${version}`;
  return cached(`npm/${file}`, (folder) => {
    npmPack(name, version, folder);
    execFileSync("tar", ["xzf", `${file}.tgz`, "--strip-components=1"], { cwd: folder });
    rmSync(join(folder, `${file}.tgz`));
  });
}

function aptOptions(arch: Arch): string[] {
  const state = join(CACHE, "apt");
  for (const folder of ["lists/partial", "archives/partial"]) mkdirSync(join(state, folder), { recursive: true });
  return [
    `APT::Architecture=${arch}`,
    `APT::Architectures=${arch}`,
    `Dir::State::lists=${state}/lists`,
    `Dir::State::status=/dev/null`,
    `Dir::Cache=${state}`,
    `APT::Sandbox::User=root`,
  ].flatMap((option) => ["-o", option]);
}
