import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { type OracleConfig, parseConfig } from "../config/index.ts";
import type { Finding } from "./finding.ts";
import { type Host, thisHost } from "./host.ts";
import { checkSystem } from "./system.ts";

/** A computer of which only the given files exist; everything else is as it should be. */
function pi(root: string, files: Record<string, string>, change: Partial<Host> = {}): Host {
  for (const [path, text] of Object.entries(files)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  return {
    ...thisHost(root),
    denied: (path) => (path in files || !path.startsWith("/dev/") ? undefined : "ENOENT"),
    run: () => Promise.resolve("15s\n"),
    clockSynchronised: () => true,
    nodeVersion: "24.21.0",
    architecture: "arm64",
    ...change,
  };
}

describe("doctor, on the computer itself", () => {
  let root: string;
  let config: OracleConfig;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), "ioe-doctor-"));
    config = parseConfig(
      stringify({
        chain: { rpcUrls: ["http://127.0.0.1:8545"], deployment: "d.json" },
        journal: join(root, "journal.sqlite"),
        keys: { meter: "m", sender: "s" },
        meter: {
          id: 1,
          driver: "modbus",
          host: "127.0.0.1",
          map: "siemens-pac3200",
          scope: "branch",
          maxPowerW: 8_000,
        },
      }),
    );
  });
  afterEach(() => rmSync(root, { recursive: true }));

  const relay = (settings: object) => ({ ...config, relays: { charge: settings } }) as unknown as OracleConfig;
  const find = (findings: Finding[], check: string) => findings.find((finding) => finding.check === check);

  it("is content with a Pi as it should be", async () => {
    const findings = await checkSystem(pi(root, { "/dev/watchdog": "" }), config);
    expect(findings.filter(({ level }) => level !== "ok")).to.deep.equal([]);
  });

  const wrong: [string, Partial<Host>, string, Finding["level"], RegExp][] = [
    ["an old Node", { nodeVersion: "22.17.1" }, "node", "error", /older than 22\.18/],
    ["a 32-bit system", { architecture: "arm" }, "64-bit", "error", /64-bit Raspberry Pi OS/],
    ["a clock nobody sets", { clockSynchronised: () => false }, "time", "error", /timedatectl set-ntp/],
    ["a watchdog nobody feeds", { run: () => Promise.resolve("0\n") }, "watchdog", "warning", /RuntimeWatchdogSec=15/],
    ["a journal of somebody else", { denied: () => "EACCES" }, "journal", "error", /chown ioe/],
    ["a card that fills up", { freeBytes: () => Promise.resolve(1e8) }, "journal", "warning", /95 MB free/],
    ["a full card", { freeBytes: () => Promise.resolve(1e6) }, "journal", "error", /1 MB free/],
  ];
  for (const [what, change, check, level, message] of wrong) {
    it(`sees ${what}`, async () => {
      const finding = find(await checkSystem(pi(root, { "/dev/watchdog": "" }, change), config), check);
      expect(finding?.level).to.equal(level);
      expect(`${finding?.message} ${finding?.todo}`).to.match(message);
    });
  }

  it("believes timedatectl where the kernel's flag is hidden", async () => {
    const run = (command: string) => Promise.resolve(command === "timedatectl" ? "yes\n" : "15s\n");
    const host = pi(root, {}, { clockSynchronised: () => false, run });
    expect(find(await checkSystem(host, config), "time")?.level).to.equal("ok");
  });

  it("sees a serial adapter that is not there, and one that may not be used", async () => {
    const device = relay({ driver: "any", serial: { path: "/dev/serial/by-id/usb-1" } });
    expect(find(await checkSystem(pi(root, {}), device), "device")?.message).to.match(/usb-1 is not there/);
    const locked = pi(root, {}, { denied: (path) => (path.includes("serial") ? "EACCES" : undefined) });
    expect(find(await checkSystem(locked, device), "device")?.todo).to.match(/usermod -aG dialout ioe/);
  });

  describe("pins at boot", () => {
    const CONFIG_TXT = "/boot/firmware/config.txt";
    const cases: [string, object, string, Finding["level"]][] = [
      ["active-low on a pulled-up pin", { line: "GPIO5", activeLow: true }, "", "ok"],
      ["active-low on a pulled-down pin", { line: "GPIO17", activeLow: true }, "", "error"],
      ["active-high on a pulled-down pin", { line: "GPIO17", activeLow: false }, "", "ok"],
      ["active-high on a pulled-up pin", { line: "GPIO8", activeLow: false }, "", "error"],
      ["a late rescue by config.txt", { line: "GPIO17", activeLow: true }, "gpio=17=op,dh\n", "warning"],
      ["the same for a range", { line: "GPIO17", activeLow: true }, "[all]\ngpio=4,9-27=pu\n", "warning"],
      ["a rescue that is commented out", { line: "GPIO17", activeLow: true }, "#gpio=17=pu\n", "error"],
      ["a config.txt that makes it worse", { line: "GPIO5", activeLow: true }, "gpio=5=pu\ngpio=5=pd\n", "error"],
      ["a driven level, whatever the pull says", { line: "GPIO5", activeLow: true }, "gpio=5=op,dl,pu\n", "error"],
    ];
    for (const [what, pin, configTxt, level] of cases) {
      it(`${level}: ${what}`, async () => {
        for (const driver of [{ driver: "gpio" }, { driver: "rpi-gpio", line: undefined, pin: 0 }]) {
          const { line } = pin as { line: string };
          const settings = { ...pin, ...driver, ...("pin" in driver ? { pin: Number(line.slice(4)) } : {}) };
          const findings = await checkSystem(pi(root, { [CONFIG_TXT]: configTxt }), relay(settings));
          expect(find(findings, "relay charge")?.level).to.equal(level);
        }
      });
    }

    it("asks for pins that let go when the process dies", async () => {
      const gpio = relay({ driver: "gpio", line: "GPIO5", activeLow: true });
      const parameter = "/sys/module/pinctrl_bcm2835/parameters/persist_gpio_outputs";
      const level = async (files: Record<string, string>) => {
        rmSync(join(root, "sys"), { recursive: true, force: true });
        rmSync(join(root, "boot"), { recursive: true, force: true });
        return find(await checkSystem(pi(root, files), gpio), "gpio release")?.level;
      };
      expect(await level({})).to.equal("warning");
      expect(await level({ [CONFIG_TXT]: "dtparam=i2c_arm=on,strict_gpiod\n" })).to.equal("ok");
      expect(await level({ [parameter]: "N\n" })).to.equal("ok");
      expect(await level({ [parameter]: "Y\n", [CONFIG_TXT]: "dtparam=strict_gpiod\n" }), "not rebooted").to.equal(
        "warning",
      );
    });
  });
});
