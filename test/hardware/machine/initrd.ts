/**
 * The file system of an emulated machine: busybox, Node, its C libraries, the oracle's sources and what they import, as
 * an archive the kernel unpacks into memory ("newc" format, Documentation/driver-api/early-userspace/buffer-format).
 */
import { execFileSync } from "node:child_process";
import {
  closeSync,
  existsSync,
  lstatSync,
  openSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  statSync,
  writeSync,
} from "node:fs";
import { basename, dirname, join } from "node:path";
import { type Arch, ROOT, debianKernel, debianPackage, koffiAddon, nodeBinary } from "./parts.ts";

const LIBRARIES = ["libc6", "libstdc++6", "libgcc-s1"];
/** Packages the drivers import, besides koffi's native part. */
const PACKAGES = ["koffi", "zod"];
/** Programs for the machine, at the same place as in the repository. */
export const GUEST = "test/hardware/machine/guest";
/** Largest kernel module that is unpacked. */
const MODULE_SIZE = { maxBuffer: 64 * 2 ** 20 };
const DIRECTORY = 0o040_755;
const PROGRAM = 0o100_755;
const FILE = 0o100_644;
const LINK = 0o120_777;
const CONSOLE = 0o020_600;

/** The first process: file systems, the modules that were asked for, then a shell on the serial line. */
function init(modules: readonly string[]): string {
  return [
    "#!/bin/sh",
    "mount -t devtmpfs dev /dev",
    "mount -t proc proc /proc",
    "mount -t sysfs sys /sys",
    "mount -t tracefs trace /sys/kernel/tracing",
    "mkdir -p /run /dev/pts",
    ...modules.map((module) => `insmod /modules/${module}`),
    "stty -echo -onlcr",
    "echo '<booted>'",
    'PS1="" PS2="" exec sh',
    "",
  ].join("\n");
}

/**
 * Writes the archive.
 * @param modules kernel modules with their options, in the order of loading ("i2c-stub.ko chip_addr=0x40")
 */
export function writeInitrd(path: string, arch: Arch, modules: readonly string[] = []): void {
  const archive = new Archive(path);
  for (const folder of ["dev", "proc", "sys", "tmp", "root"]) archive.folder(folder);
  archive.device("dev/console", 5, 1);
  archive.file("init", Buffer.from(init(modules)), PROGRAM);

  const busybox = join(debianPackage("busybox-static", arch), "bin/busybox");
  archive.file("bin/busybox", readFileSync(busybox), PROGRAM);
  for (const applet of [
    "sh",
    "mount",
    "mkdir",
    "insmod",
    "stty",
    "grep",
    "dmesg",
    "tail",
    "sed",
    "cat",
    "kill",
    "sleep",
    "mkfifo",
    "ls",
    "ps",
    "i2cget",
    "i2cset",
  ]) {
    archive.link(`bin/${applet}`, "busybox");
  }
  archive.file("bin/node", readFileSync(nodeBinary(arch)), PROGRAM);
  for (const library of LIBRARIES) archive.tree(debianPackage(library, arch), "", (name) => /\.so(\.\d+)*$/.test(name));

  const sources = (name: string) => /(\.ts|package\.json)$/.test(name) && !name.endsWith(".test.ts");
  archive.tree(join(ROOT, "oracle/src"), "oracle/src", sources);
  archive.file("oracle/package.json", readFileSync(join(ROOT, "oracle/package.json")));
  archive.tree(join(import.meta.dirname, "guest"), GUEST, sources);
  archive.file("package.json", Buffer.from(`{"type":"module"}`));
  const code = (name: string) => /(\.[cm]?js|package\.json|\.node)$/.test(name);
  const koffi = koffiAddon(arch);
  archive.tree(koffi.folder, `node_modules/${koffi.name}`, code);
  for (const name of PACKAGES) {
    // The oracle's own version, where another workspace has a different one.
    const path = [`oracle/node_modules/${name}`, `node_modules/${name}`].find((each) => existsSync(join(ROOT, each)))!;
    archive.tree(join(ROOT, path), path, code);
  }
  if (modules.length > 0) {
    const { folder, version } = debianKernel(arch);
    const wanted = new Set(modules.map((module) => module.split(" ")[0]!));
    const tree = join(folder, "lib/modules", version, "kernel");
    for (const entry of readdirSync(tree, { recursive: true, encoding: "utf8" })) {
      const name = basename(entry, ".xz");
      if (!wanted.delete(name)) continue;
      const file = join(tree, entry);
      // Newer kernels come with compressed modules.
      const module = entry.endsWith(".xz") ? execFileSync("xz", ["-dc", file], MODULE_SIZE) : readFileSync(file);
      archive.file(`modules/${name}`, module);
    }
    if (wanted.size > 0) throw new Error(`Debian's kernel ${version} has no module ${[...wanted].join(", ")}`);
  }
  archive.end();
}

class Archive {
  readonly #fd: number;
  readonly #folders = new Set<string>([".", ""]);
  #inode = 0;

  constructor(path: string) {
    this.#fd = openSync(path, "w");
  }

  folder(name: string): void {
    if (this.#folders.has(name)) return;
    this.#folders.add(name);
    this.folder(dirname(name));
    this.#entry(name, DIRECTORY, Buffer.alloc(0));
  }

  file(name: string, content: Buffer, mode = FILE): void {
    this.folder(dirname(name));
    this.#entry(name, mode, content);
  }

  link(name: string, target: string): void {
    this.folder(dirname(name));
    this.#entry(name, LINK, Buffer.from(target));
  }

  device(name: string, major: number, minor: number): void {
    this.folder(dirname(name));
    this.#entry(name, CONSOLE, Buffer.alloc(0), major, minor);
  }

  /** The files of a folder whose names pass, with the links among them. */
  tree(from: string, to: string, wanted: (name: string) => boolean): void {
    for (const entry of readdirSync(from)) {
      const source = join(from, entry);
      const target = to === "" ? entry : `${to}/${entry}`;
      const status = lstatSync(source);
      if (status.isDirectory()) this.tree(source, target, wanted);
      else if (!wanted(entry)) continue;
      else if (status.isSymbolicLink()) this.link(target, readlinkSync(source));
      else this.file(target, readFileSync(source), statSync(source).mode & 0o111 ? PROGRAM : FILE);
    }
  }

  end(): void {
    this.#entry("TRAILER!!!", 0, Buffer.alloc(0));
    closeSync(this.#fd);
  }

  #entry(name: string, mode: number, content: Buffer, major = 0, minor = 0): void {
    // magic, then 13 numbers of 8 hexadecimal digits: ino mode uid gid nlink mtime filesize dev(2) rdev(2) namesize check
    const fields = [++this.#inode, mode, 0, 0, 1, 0, content.length, 0, 0, major, minor, name.length + 1, 0];
    const header = `070701${fields.map((field) => field.toString(16).padStart(8, "0")).join("")}`;
    this.#write(Buffer.from(`${header}${name}\0`));
    this.#write(content);
  }

  #write(bytes: Buffer): void {
    writeSync(this.#fd, bytes);
    const rest = bytes.length % 4;
    if (rest > 0) writeSync(this.#fd, Buffer.alloc(4 - rest));
  }
}
