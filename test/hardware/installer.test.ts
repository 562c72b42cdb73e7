import { execFileSync } from "node:child_process";
import { cpSync, existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { clockSynchronised } from "../../oracle/src/clock-synchronised.ts";
import { runNode } from "../../tools/cli.ts";
import { Processes } from "../../tools/processes.ts";
import { ROOT } from "./machine/parts.ts";
import { needs, notRun, provided } from "./needs.ts";
import { SystemCopy } from "./system-copy.ts";

const [RPC_PORT, DEVICE_PORT, LIVE_PORT] = [20_545, 20_560, 20_580];
const PATIENCE_MS = 120_000;
const PASSWORD = "sunshine";
const PASSWORD_FILE = "/root/password";
const READY = /"event":"ready"/;

describe("installer and service under a real systemd, in a copy of this system", function () {
  this.timeout(400_000);
  needs("systemd");
  let folder = "";
  let system: SystemCopy | undefined;
  const world = new Processes();
  const releases: string[] = [];

  before(async function () {
    this.timeout(900_000);
    if (process.getuid?.() !== 0) notRun(this, "a copy of this system can be changed by root only");
    system = await provided(this, () => SystemCopy.boot());
    folder = mkdtempSync(join(tmpdir(), "ioe-installer-"));
    const env = { ...process.env, PATH: `${join(process.execPath, "..")}:${process.env.PATH}` };
    const packed = execFileSync(join(ROOT, "oracle/install/pack.sh"), [folder], { env, encoding: "utf8" });
    const archive = packed.trim().split("\n").at(-1)!;
    execFileSync("tar", ["--extract", "--file", archive, "--directory", folder]);
    const first = archive.replace(/\.tar\.gz$/, "");
    for (const release of [first, `${first}-next`, `${first}-broken`]) {
      if (release !== first) cpSync(first, release, { recursive: true });
      releases.push(release);
    }
    writeFileSync(join(releases[2]!, "oracle/src/cli/commands/run.ts"), "throw new Error('broken')\n");
    copyPackages(first);
    await system.put(folder, "/root/releases");
    await startWorld();
    await system.put(process.execPath, "/usr/local/bin/given-node");
  });
  after(async () => {
    await system?.stop();
    await world.endAll();
    if (folder !== "") rmSync(folder, { recursive: true });
  });

  /** What `npm ci` would install, from this repository. */
  function copyPackages(release: string): void {
    const text = readFileSync(join(release, "package-lock.json"), "utf8");
    const { packages } = JSON.parse(text) as { packages: Record<string, { link?: boolean }> };
    for (const [path, { link }] of Object.entries(packages)) {
      const target = join(folder, "packages", path);
      if (!path.includes("node_modules/") || link || !existsSync(join(ROOT, path)) || existsSync(target)) continue;
      cpSync(join(ROOT, path), target, { recursive: true });
    }
    mkdirSync(join(folder, "packages/node_modules/@ioe"), { recursive: true });
  }

  /** Chain, contracts and simulated devices; the first household's oracle is the one that gets installed. */
  async function startWorld(): Promise<void> {
    await world.start("chain", "tools/chain.ts", ["--port", String(RPC_PORT)], /answers at/);
    const { code, output } = await runNode("tools/deploy.ts", [
      ...["--rpc-url", `http://127.0.0.1:${RPC_PORT}`, "--world", folder, "--households", "2"],
      ...["--live-port", String(LIVE_PORT), "--device-port", String(DEVICE_PORT)],
    ]);
    if (code !== 0) throw new Error(output);
    const config = join(folder, "micro-grid.yaml");
    await world.start("micro-grid", "oracle/bin/ioe.mjs", ["simulate", "--config", config], READY);
  }

  /** The household's configuration with the installation's places. */
  function installedConfig(synchronised: "required" | "ignored"): object {
    const config = parse(readFileSync(join(folder, "household-1/ioe.yaml"), "utf8")) as { chain: object };
    return {
      ...config,
      clock: { synchronised },
      chain: { ...config.chain, deployment: "./deployment.json" },
      journal: "/var/lib/ioe/journal.sqlite",
      keys: { meter: "./meter.json", sender: "./sender.json" },
    };
  }

  const run = (script: string) => system!.run(script);
  const must = (script: string) => system!.must(script);
  const inReleases = (release: string) => `/root/releases/${basename(release)}`;
  const installer = (release: string, command: string) => `${inReleases(release)}/oracle/install/install.sh ${command}`;
  const install = (release: string) =>
    installer(release, "install --node /usr/local/bin/given-node --packages /root/releases/packages");
  const show = async (property: string) => must(`systemctl show --property=${property} --value ioe`);
  const current = async () => basename(await must("readlink /opt/ioe/current"));
  const name = (release: string) => basename(release).replace(/^ioe-/, "");

  /** Waits until the service says that it works, in a process other than the one given. */
  async function untilActive(before = "0"): Promise<string> {
    for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; await pause(500)) {
      const [state, pid] = [await show("ActiveState"), await show("MainPID")];
      if (state === "active" && pid !== "0" && pid !== before) return pid;
    }
    throw new Error(`the service does not start:\n${await must("journalctl --no-pager --unit ioe | tail -40")}`);
  }

  it("installs a program, a user and a service that starts with the system", async () => {
    await must(install(releases[0]!));
    expect(await current()).to.equal(name(releases[0]!));
    expect(await must("systemctl is-enabled ioe")).to.equal("enabled");
    expect(await must("id --name --groups ioe")).to.match(/^ioe\b.*\bdialout\b/);
    expect(await must("stat --format='%a %U %G' /etc/ioe /var/lib/ioe")).to.equal("2770 root ioe\n700 ioe ioe");
    expect(await must("runuser --user ioe -- ioe help")).to.include("usage: ioe COMMAND");
  });

  it("brings a unit that this systemd understands to the last line", async () => {
    for (const unit of ["ioe.service", "ioe@agent.service", "ioe@keeper.service"])
      expect(await must(`systemd-analyze verify ${unit}`), unit).to.equal("");
  });

  it("runs with keys whose password only systemd knows", async () => {
    writeFileSync(join(folder, "ioe.yaml"), stringify(installedConfig("ignored")));
    for (const file of ["ioe.yaml", "deployment.json"]) await system!.put(join(folder, file), `/etc/ioe/${file}`);
    await must(`
      set -e
      umask 077
      printf ${PASSWORD} >${PASSWORD_FILE}
      mkdir -p /etc/credstore.encrypted
      systemd-creds encrypt --name=ioe-password ${PASSWORD_FILE} /etc/credstore.encrypted/ioe-password`);
    for (const key of ["meter", "sender"]) {
      await system!.put(join(folder, `household-1/${key}.key`), `/root/${key}.key`);
      await must(`
        set -e
        chmod 600 /root/${key}.key
        ioe keys import --from /root/${key}.key --out /etc/ioe/${key}.json --password-file ${PASSWORD_FILE}
        chown ioe: /etc/ioe/${key}.json`);
    }
    await must("systemctl start --no-block ioe");
    await untilActive();
    expect(await show("StatusText")).to.match(/^meter 1: .* relays open$/);
    expect(await must("runuser --user ioe -- ioe status")).to.match(/^meter +1, /m);
  });

  it("asks the kernel about its clock through the unit's filter of system calls", async () => {
    const configure = async (synchronised: "required" | "ignored") => {
      writeFileSync(join(folder, "ioe.yaml"), stringify(installedConfig(synchronised)));
      await system!.put(join(folder, "ioe.yaml"), "/etc/ioe/ioe.yaml");
      const before = await show("MainPID");
      await must("systemctl restart --no-block ioe");
      await untilActive(before);
    };
    const known = clockSynchronised();
    expect(known, "the kernel says so or so").to.be.a("boolean");
    await configure("required");
    await pause(5_000);
    const said = await must("journalctl --no-pager --output=cat --unit ioe");
    expect(said).not.to.include("clock.unknown");
    expect(said.includes("clock.not-synchronised")).to.equal(!known);
    await configure("ignored");
  });

  it("opens the relays from a second process when the oracle is killed, and starts it again", async () => {
    const before = await show("MainPID");
    await must(`kill -9 ${before}`);
    await untilActive(before);
    expect(await show("NRestarts")).to.equal("1");
    const said = await must("journalctl --no-pager --output=cat --unit ioe");
    expect(said)
      .to.match(/^charge: open$/m)
      .and.match(/^discharge: open$/m);
  });

  it("upgrades the running service, keeps what belongs to its owner, and rolls back", async () => {
    const before = { pid: await show("MainPID"), config: await must("cat /etc/ioe/ioe.yaml") };
    await must(install(releases[1]!));
    expect(await current()).to.equal(name(releases[1]!));
    const upgraded = await untilActive(before.pid);
    expect(await must("cat /etc/ioe/ioe.yaml")).to.equal(before.config);
    await must(installer(releases[1]!, "rollback"));
    expect(await current()).to.equal(name(releases[0]!));
    await untilActive(upgraded);
  });

  it("leaves the running service alone when the new release does not run", async () => {
    const before = await show("MainPID");
    expect((await run(install(releases[2]!))).code).to.not.equal(0);
    expect(await current()).to.equal(name(releases[0]!));
    expect(await show("MainPID")).to.equal(before);
  });

  it("starts without the credential, and says which password is missing", async () => {
    await must("rm /etc/credstore.encrypted/ioe-password && systemctl restart --no-block ioe");
    for (const deadline = performance.now() + PATIENCE_MS; performance.now() < deadline; await pause(500)) {
      // The one before may have failed as well, in being stopped: then its result is over with the next start.
      if ((await show("ActiveState")) === "failed" && (await show("Result")) === "exit-code") break;
    }
    expect(await show("Result")).to.equal("exit-code");
    expect(await must("journalctl --no-pager --output=cat --unit ioe | tail -20")).to.match(
      /keys\.meter: .*there is no terminal.*credential ioe-password/,
    );
  });

  it("uninstalls itself, and with --purge everything", async () => {
    await must(installer(releases[0]!, "uninstall"));
    expect(await must("ls /etc/ioe")).to.include("meter.json");
    await must(installer(releases[0]!, "uninstall --purge"));
    const left = await must(
      "ls -d /etc/ioe /var/lib/ioe /var/cache/ioe /opt/ioe /etc/systemd/system/ioe*.service 2>/dev/null; true",
    );
    expect(left).to.equal("");
    expect((await run("id ioe")).code).to.not.equal(0);
  });
});
