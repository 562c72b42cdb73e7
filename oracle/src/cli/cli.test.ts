import { execFile } from "node:child_process";
import { chmodSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { CONTRACT_NAMES, type Deployment } from "@ioe/protocol";
import { meterRegistryAbi } from "@ioe/protocol/abi";
import { expect } from "chai";
import { type Abi, decodeFunctionData, encodeFunctionResult } from "viem";
import { stringify } from "yaml";
import { worldOf } from "../chain/index.ts";
import { RpcNode } from "../chain/testing/rpc-node.ts";
import { ControlServer, socketPath } from "../control/index.ts";
import { loadConfig, parseConfig } from "../config/index.ts";
import { relayIdentity } from "../hardware/index.ts";
import { Journal } from "../journal/index.ts";
import { createLogger } from "../log.ts";
import { FaultLatch, ProcessLock } from "../safety/index.ts";
import { helpOf } from "./command.ts";
import { commands } from "./commands.ts";

const BIN = resolve(import.meta.dirname, "../../bin/ioe.mjs");

interface Result {
  code: number;
  out: string;
  err: string;
}

function ioe(...args: string[]): Promise<Result> {
  return ioeWith("", ...args);
}

/** Runs it with something on standard input. */
function ioeWith(input: string, ...args: string[]): Promise<Result> {
  return new Promise((done) => {
    const child = execFile(process.execPath, [BIN, ...args], (error, out, err) => {
      done({ code: error ? Number(error.code) : 0, out, err });
    });
    child.stdin?.end(input);
  });
}

describe("command line", function () {
  this.timeout(60_000);
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "ioe-cli-"))));
  afterEach(() => rmSync(dir, { recursive: true }));

  const usage: [string, string[], RegExp][] = [
    ["no command", [], /say what to do[^]*usage: ioe/],
    ["an unknown command", ["fly"], /no command "fly"[^]*usage: ioe/],
    ["an unknown option", ["run", "--colour"], /--colour[^]*usage: ioe/],
    ["a missing option", ["run"], /--config is missing/],
    ["an unknown keys command", ["keys", "burn"], /no command "keys burn"/],
    [
      "an owner that is no address",
      ["possession", "--key", "k", "--deployment", "d", "--owner", "me"],
      /--owner me is not an address/,
    ],
    ["a dry run without an end", ["agent", "--config", "c", "--dry-run"], /--dry-run needs --once/],
    ["a configuration that is not there", ["run", "--config", "/nowhere/ioe.yaml"], /there is no such file/],
  ];
  for (const [what, args, message] of usage) {
    it(`answers ${what} with exit code 2`, async () => {
      const { code, err } = await ioe(...args);
      expect(err).to.match(message);
      expect(code).to.equal(2);
    });
  }

  it("explains itself when asked", async () => {
    expect(await ioe("--help")).to.include({ code: 0, err: "" });
  });

  it("makes a key that only its owner can read, shows its address, and never overwrites one", async () => {
    const file = join(dir, "meter.key");
    const made = await ioe("keys", "new", "--plain", "--out", file);
    expect(made.out).to.match(/^0x[0-9a-fA-F]{40}\n$/);
    expect(statSync(file).mode & 0o777).to.equal(0o600);
    expect((await ioe("keys", "show", "--key", file)).out).to.equal(made.out);
    const text = readFileSync(file, "utf8");
    expect(made.out + made.err).to.not.contain(text.trim());
    const again = await ioe("keys", "new", "--plain", "--out", file);
    expect(again).to.include({ code: 2 });
    expect(again.err).to.match(/exists already/);
    expect(readFileSync(file, "utf8")).to.equal(text);
    chmodSync(file, 0o644);
    expect((await ioe("keys", "show", "--key", file)).err).to.match(/chmod 600/);
  });

  describe("keys", () => {
    const KEY = "4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318";
    const ADDRESS = "0x2c7536E3605D9C16a7a3D7b1898e529396a65c23";
    const PASSWORD = "correct horse";
    let password: string;
    let keystore: string;
    beforeEach(() => {
      password = join(dir, "password");
      keystore = join(dir, "meter.json");
      writeFileSync(password, `${PASSWORD}\n`, { mode: 0o600 });
    });

    it("encrypts a key from standard input, shows its address, and neither key nor password", async () => {
      const made = await ioeWith(`${KEY}\n`, "keys", "import", "--out", keystore, "--password-file", password);
      expect(made).to.deep.equal({ code: 0, out: `${ADDRESS}\n`, err: "" });
      const text = readFileSync(keystore, "utf8");
      expect(text).to.not.contain(KEY).and.not.contain(PASSWORD);
      expect((await ioe("keys", "show", "--key", keystore)).out).to.equal(made.out);
    });

    it("gives a keystore another password", async () => {
      const args = ["--password-file", password];
      await ioeWith(KEY, "keys", "import", "--out", keystore, ...args);
      const other = join(dir, "other");
      writeFileSync(other, "another one", { mode: 0o600 });
      const copy = join(dir, "copy.json");
      const from = ["--from", keystore, "--from-password-file"];
      const wrong = await ioe("keys", "import", "--out", copy, ...from, other, "--password-file", other);
      expect(wrong.err).to.match(/--from: .*the password is wrong/);
      expect(wrong.code).to.equal(2);
      const right = await ioe("keys", "import", "--out", copy, ...from, password, "--password-file", other);
      expect(right).to.include({ code: 0, out: `${ADDRESS}\n` });
    });

    it("asks for no password where nobody can answer, and makes no key without one", async () => {
      const { code, err } = await ioe("keys", "new", "--out", keystore);
      expect(code).to.equal(2);
      expect(err).to.match(/no terminal to ask.*--password-file/);
      expect(() => statSync(keystore)).to.throw(/ENOENT/);
    });

    it("takes no password from the command line", async () => {
      const { code, err } = await ioe("keys", "new", "--out", keystore, "--password", PASSWORD);
      expect(code).to.equal(2);
      expect(err).to.match(/Unknown option '--password'/);
    });

    it("refuses what is no key, without repeating it", async () => {
      for (const input of ["", "0x12", KEY.replace("4c", "zz"), "f".repeat(64)]) {
        const { code, err } = await ioeWith(input, "keys", "import", "--plain", "--out", join(dir, "k"));
        expect(code).to.equal(2);
        expect(err).to.match(/not a private key/);
        if (input.length > 4) expect(err).to.not.contain(input.slice(2));
      }
    });
  });

  describe("init", () => {
    const answers = {
      chain: { rpcUrls: ["http://127.0.0.1:8545"], deployment: "./deployment.json" },
      meter: {
        id: 3,
        driver: "modbus",
        host: "10.0.0.7",
        map: "eastron-sdm630",
        scope: "connection",
        maxPowerW: 11_000,
      },
    };

    it("writes a configuration from answers, that passes, and never over another one", async () => {
      const file = join(dir, "answers.yaml");
      const out = join(dir, "ioe.yaml");
      writeFileSync(file, stringify(answers));
      expect(await ioe("init", "--answers", file, "--out", out)).to.include({ code: 0 });
      expect(parseConfig(readFileSync(out, "utf8")).meter).to.include({ id: 3, host: "10.0.0.7" });
      const again = await ioe("init", "--answers", file, "--out", out);
      expect(again.code).to.equal(2);
      expect(again.err).to.match(/exists already; say --force/);
      expect(await ioe("init", "--answers", file, "--out", out, "--force")).to.include({ code: 0 });
    });

    it("names the field of a wrong answer and writes nothing", async () => {
      const file = join(dir, "answers.yaml");
      writeFileSync(file, stringify({ ...answers, meter: { ...answers.meter, map: "abacus" } }));
      const { code, err } = await ioe("init", "--answers", file, "--out", join(dir, "ioe.yaml"));
      expect(code).to.equal(2);
      expect(err).to.match(/meter\.map: .*eastron-sdm630/);
      expect(() => statSync(join(dir, "ioe.yaml"))).to.throw(/ENOENT/);
    });

    it("says before the first question that a configuration is there already", async () => {
      const out = join(dir, "ioe.yaml");
      writeFileSync(out, "mine");
      const { code, err } = await ioe("init", "--out", out);
      expect(code).to.equal(2);
      expect(err).to.match(/exists already; say --force/);
      expect((await ioe("init", "--out", out, "--force")).err).to.match(/nobody can be asked here/);
      expect(readFileSync(out, "utf8")).to.equal("mine");
    });

    it("asks nobody where nobody is", async () => {
      expect((await ioe("init", "--out", join(dir, "ioe.yaml"))).err).to.match(
        /nobody can be asked here; say --answers/,
      );
    });
  });

  it("shows the help of every command", async () => {
    const { out } = await ioe("help");
    for (const [name, { summary, load }] of Object.entries(commands)) {
      expect(out).to.contain(name);
      expect(helpOf(name, summary, (await load()).default)).to.match(new RegExp(`^usage: ioe ${name}`));
    }
    expect((await ioe("keys", "new", "--help")).out).to.match(/^usage: ioe keys new --out FILE/);
  });

  it("has nothing to switch off in a house without relays", async () => {
    const config = join(dir, "ioe.yaml");
    writeFileSync(config, stringify({ journal: "./journal.sqlite" }));
    const { code, out } = await ioe("relays-off", "--config", config);
    expect(out).to.match(/configures no relays/);
    expect(code).to.equal(0);
  });

  it("says that no oracle answers", async () => {
    const config = writeConfig(dir, { live: { port: 9 } });
    const { code, err } = await ioe("status", "--config", config);
    expect(code).to.equal(1);
    expect(err).to.match(/no oracle answers at http:\/\/127\.0\.0\.1:9\/v1\/status/);
  });
});

/** A configuration file in a folder, with what is given besides what every one has. */
function writeConfig(dir: string, sections: Record<string, unknown>): string {
  const file = join(dir, "ioe.yaml");
  const meter = { id: 1, driver: "modbus", host: "127.0.0.1", map: "pzem-016", scope: "branch", maxPowerW: 8_000 };
  writeFileSync(
    file,
    stringify({
      chain: { rpcUrls: ["http://127.0.0.1:9"], deployment: "./deployment.json" },
      journal: "./journal.sqlite",
      keys: { meter: "./meter.key", sender: "./sender.key" },
      meter,
      ...sections,
    }),
  );
  return file;
}

describe("ioe meter replace", function () {
  this.timeout(60_000);
  let dir: string;
  beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "ioe-replace-"))));
  afterEach(() => rmSync(dir, { recursive: true }));

  it("does not touch the registers of an oracle that runs", async () => {
    const door = new ControlServer(socketPath(join(dir, "journal.sqlite")), [], () => Promise.resolve(true));
    await door.start();
    try {
      const { code, err } = await ioe("meter", "replace", "--config", writeConfig(dir, {}));
      expect(err).to.match(/an oracle runs with this configuration \(process \d+\); stop it first/);
      expect(code).to.equal(1);
    } finally {
      await door.stop();
    }
  });

  it("counts a meter without a memory of its own on from its file beside the journal", async () => {
    const constants: Record<string, unknown> = {
      slotDuration: 60,
      grace: 600,
      unitsPerKWh: 1_000,
      eip712Domain: ["0x0f", "", "1", 31_337n, `0x${"1".repeat(40)}`, `0x${"2".repeat(64)}`, []],
    };
    const abi: Abi = meterRegistryAbi;
    const node = await RpcNode.start((_method, [call]) => {
      const { functionName } = decodeFunctionData({ abi, ...(call as { data: `0x${string}` }) });
      return encodeFunctionResult({ abi, functionName, result: constants[functionName] });
    });
    const deployment: Deployment = {
      chainId: 31_337,
      rpcUrl: node.url,
      deploymentBlock: 0,
      deploymentBlockHash: `0x${"3".repeat(64)}`,
      contracts: Object.fromEntries(
        CONTRACT_NAMES.map((name, i) => [name, `0x${String(i + 1).repeat(40)}`]),
      ) as Deployment["contracts"],
      oracles: [],
    };
    writeFileSync(join(dir, "deployment.json"), JSON.stringify(deployment));
    const journal = new Journal(join(dir, "journal.sqlite"), worldOf(deployment));
    journal.addReading({ meterId: 1, epoch: 0, since: 0, takenAt: 60, imported: 5n, exported: 0n, signature: "0xab" });
    journal.close();
    // Of another meter: that it is refused shows which file was read, on computers without pins as well.
    const count = join(dir, "s0-GPIO22.json");
    writeFileSync(count, JSON.stringify({ pulses: "7", pulsesPerKWh: 500 }));
    const meter = { id: 1, driver: "s0", line: "GPIO22", pulsesPerKWh: 1_000, direction: "import" };
    const config = writeConfig(dir, {
      chain: { rpcUrls: [node.url], deployment: "./deployment.json" },
      meter: { ...meter, scope: "branch", maxPowerW: 3_600 },
    });
    try {
      const { err } = await ioe("meter", "replace", "--config", config);
      expect(err).to.contain(`${count} was counted with 500 pulses per kWh`);
    } finally {
      await node.close();
    }
  });
});

describe("ioe test-relay", function () {
  this.timeout(60_000);
  let dir: string;
  let config: string;
  let taken: ProcessLock | undefined;

  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "ioe-test-relay-"));
    const relay = (channel: number) => ({ driver: "shelly", host: "127.0.0.1", port: 9, generation: 2, channel });
    config = writeConfig(dir, {
      relays: { charge: relay(0), discharge: relay(1), pump: relay(2) },
      interlocks: [{ relays: ["charge", "discharge"], deadTimeMs: 0 }],
    });
  });
  afterEach(async () => {
    await taken?.release();
    taken = undefined;
    rmSync(dir, { recursive: true });
  });

  /** Nobody agrees to the closing, so that none comes of it. */
  const test = (relay: string) => ioe("test-relay", "--config", config, "--relay", relay);

  it("closes no contact that a process with another configuration has, nor one that is interlocked with it", async () => {
    const { charge } = loadConfig(config).relays;
    taken = await ProcessLock.acquire("relays.other", relayIdentity(charge!));
    for (const relay of ["charge", "discharge"]) {
      const { code, err } = await test(relay);
      expect(err).to.contain(`relays.charge is in use by process ${process.pid}; stop it first (kill ${process.pid})`);
      expect(code).to.equal(1);
    }
    expect((await test("pump")).err).to.match(/nobody can be asked here/);
  });

  it("closes nothing while a welded contact is on record", async () => {
    const latch = FaultLatch.beside(join(dir, "journal.sqlite"));
    latch.save({ kind: "ContactorWelded", reason: "5 W flow", since: "2026-01-01T00:00:00.000Z" });
    const { code, err } = await test("charge");
    expect(err).to.match(/ContactorWelded: 5 W flow \(2026.*disconnect by hand, .* then run: ioe relays-off/);
    expect(code).to.equal(1);
  });
});

describe("log", () => {
  it("is one JSON object per line, with big integers as text", () => {
    const lines: string[] = [];
    const log = createLogger({ write: (line) => lines.push(line), now: () => new Date(0) });
    log.info("relays.closed", { relays: ["a"], energy: 5n, cause: new Error("why") });
    log.debug("unseen");
    expect(lines.map((line) => JSON.parse(line) as unknown)).to.deep.equal([
      {
        time: "1970-01-01T00:00:00.000Z",
        level: "info",
        event: "relays.closed",
        relays: ["a"],
        energy: "5",
        cause: "why",
      },
    ]);
  });
});
