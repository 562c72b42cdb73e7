import { chmodSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { stringify } from "yaml";
import { gatewayOf } from "../gateway/index.ts";
import { ConfigError, loadAgentConfig, loadConfig, loadKeeperConfig, loadKey, parseConfig } from "./index.ts";

const coil = { driver: "modbus-coil", host: "127.0.0.1", coil: 0, watchdog: { register: 0, unitMs: 100 } };

function valid() {
  return {
    chain: { rpcUrls: ["http://127.0.0.1:8545"], deployment: "../deployment.json" },
    journal: "./journal.sqlite",
    keys: { meter: "./meter.key", sender: "./sender.key" },
    meter: { id: 1, driver: "modbus", host: "127.0.0.1", map: "siemens-pac3200", scope: "branch", maxPowerW: 8_000 },
    relays: { discharge: coil, charge: { ...coil, coil: 1 } } as Record<string, unknown>,
    interlocks: [{ relays: ["charge", "discharge"], deadTimeMs: 500 }],
    routes: [{ role: "source", peers: "any" as unknown, relays: ["discharge"], powerW: 6_000 }],
  };
}

describe("oracle configuration", () => {
  const wrong: [string, (config: ReturnType<typeof valid>) => void, RegExp][] = [
    ["a missing meter id", (c) => delete (c.meter as { id?: number }).id, /meter\.id/],
    ["an unknown key", (c) => Object.assign(c.meter, { colour: "red" }), /meter: .*colour/],
    ["an unknown meter map", (c) => (c.meter.map = "abacus"), /meter\.map.*siemens-pac3200/],
    ["an unknown driver", (c) => Object.assign(c.meter, { driver: "telepathy" }), /meter\.driver/],
    ["an RPC address that is none", (c) => (c.chain.rpcUrls = ["localhost"]), /chain\.rpcUrls\.0: expected an http/],
    [
      "a battery that is nowhere",
      (c) =>
        Object.assign(c, {
          battery: { driver: "modbus", capacityWh: 1, stateOfCharge: { address: 0, type: "uint16" } },
        }),
      /battery\.host: give host for Modbus TCP/,
    ],
    ["a limit without end", (c) => Object.assign(c, { safety: { maxOnMinutes: 1_441 } }), /safety\.maxOnMinutes.*1440/],
    ["a gateway that is none", (c) => Object.assign(c, { gateways: ["ftp://x"] }), /gateways\.0: .*mqtt\(s\) URL/],
    ["no RPC address", (c) => (c.chain.rpcUrls = []), /chain\.rpcUrls/],
    [
      "an interlock of an unknown relay",
      (c) => (c.interlocks[0]!.relays[1] = "boiler"),
      /interlocks\.0\.relays\.1.*"boiler".*discharge, charge/,
    ],
    ["a route over an unknown relay", (c) => (c.routes[0]!.relays = ["main"]), /routes\.0\.relays\.0.*"main"/],
    [
      "a route over two relays of an interlock",
      (c) => (c.routes[0]!.relays = ["discharge", "charge"]),
      /routes\.0\.relays: .*interlocks\.0 allows one of charge, discharge; keep one here, or change the interlock/,
    ],
    [
      "a power with a unit",
      (c) => Object.assign(c.routes[0]!, { powerW: "3 kW" }),
      /routes\.0\.powerW: expected watts/,
    ],
    ["peers that are neither any nor a list", (c) => (c.routes[0]!.peers = "all"), /routes\.0\.peers.*"any"/],
    [
      "a network relay without a guard",
      (c) => (c.relays.charge = { ...coil, watchdog: undefined }),
      /relays\.charge: .*host watchdog.*unguarded: true/,
    ],
  ];
  for (const [what, change, message] of wrong) {
    it(`names the place of ${what}`, () => {
      const config = valid();
      change(config);
      expect(() => parseConfig(stringify(config))).to.throw(ConfigError, message);
    });
  }

  it("takes a route over several relays that no interlock holds together", () => {
    const config = valid();
    config.relays.main = { ...coil, coil: 2 };
    config.routes[0]!.relays = ["main", "discharge"];
    expect(parseConfig(stringify(config)).routes[0]!.relays).to.deep.equal(["main", "discharge"]);
  });

  it("lets a lease outlast two samples, and a gap as well", () => {
    const slow = () => ({ ...valid(), meter: { ...valid().meter, pollMs: 10_000 } });
    expect(parseConfig(stringify(slow())).safety.deviceLeaseMs).to.equal(20_000);
    const short = { ...slow(), safety: { deviceLeaseMs: 19_999 } };
    expect(() => parseConfig(stringify(short))).to.throw(ConfigError, /safety\.deviceLeaseMs: expected 20000 or more/);
    const meter = {
      ...{ id: 1, driver: "ina2xx", chip: "ina226", shuntMicroOhm: 10_000, maxCurrentA: 8, positive: "export" },
      ...{ scope: "branch", maxPowerW: 200, pollMs: 3_000 },
    };
    const gaps = { ...valid(), meter };
    expect(() => parseConfig(stringify(gaps))).to.throw(ConfigError, /meter\.maxGapMs: expected 6000 or more/);
    expect(() => parseConfig(stringify({ ...gaps, meter: { ...meter, chip: "ina228" } }))).not.to.throw();
  });

  it("fills in what may be left out", () => {
    const config = parseConfig(stringify(valid()));
    expect(config.safety.deviceLeaseMs).to.equal(5_000);
    expect(config.delivery.noFlowTimeoutS).to.equal(60);
    expect(config.chain.confirmations).to.equal(0);
  });

  it("takes gateways by their URL, behind a broker too, and brokers that want a name", () => {
    const broker = { broker: "mqtts://broker.example", user: "pi" };
    const gateways = ["https://gateway.example", "mqtt://10.0.0.2:1883/village/ioe", "mqtt://10.0.0.2", broker];
    const config = parseConfig(stringify({ ...valid(), gateways }));
    expect(config.gateways.map((gateway) => gatewayOf(gateway).name)).to.deep.equal([
      "https://gateway.example",
      "mqtt://10.0.0.2:1883/village/ioe",
      "mqtt://10.0.0.2/ioe",
      "mqtts://broker.example/ioe",
    ]);
  });

  it("says that a text is not YAML", () => {
    expect(() => parseConfig("a: [")).to.throw(ConfigError, /is not YAML/);
  });

  describe("on disk", () => {
    let dir: string;
    beforeEach(() => (dir = mkdtempSync(join(tmpdir(), "ioe-config-"))));
    afterEach(() => rmSync(dir, { recursive: true }));

    it("a keeper's names its proxies and its broker, whose files lie beside it", () => {
      const keeper = (gateway: object) => {
        const path = join(dir, "keeper.yaml");
        const { chain, journal } = valid();
        writeFileSync(path, stringify({ chain, journal, keys: { sender: "./sender.key" }, gateway }));
        return loadKeeperConfig(path);
      };
      const mqtt = { broker: "mqtt://127.0.0.1", user: "keeper", passwordFile: "./password" };
      const { gateway } = keeper({ port: 8080, trustedProxies: ["10.0.0.0/8"], mqtt });
      expect(gateway!.mqtt).to.deep.include({
        passwordFile: join(dir, "password"),
        topic: "ioe",
        requestsPerSecond: 200,
      });
      expect(() => keeper({ port: 8080, trustedProxies: ["proxy"] })).to.throw(
        ConfigError,
        /gateway\.trustedProxies\.0: expected an address, or address\/prefix/,
      );
    });

    const KEY = `0x${"1".repeat(64)}`;
    const keyFile = (text: string, mode = 0o600) => {
      const path = join(dir, "meter.key");
      writeFileSync(path, text);
      chmodSync(path, mode);
      return path;
    };

    it("resolves paths against the file's folder", () => {
      const path = join(dir, "ioe.yaml");
      writeFileSync(path, stringify(valid()));
      const config = loadConfig(path);
      expect(config.journal).to.equal(join(dir, "journal.sqlite"));
      expect(config.chain.deployment).to.equal(join(dir, "..", "deployment.json"));
    });

    describe("of an agent", () => {
      const agent = () => ({
        chain: { rpcUrls: ["http://127.0.0.1:8545"], deployment: "../deployment.json" },
        journal: "./agent.sqlite",
        keys: { trader: "./trader.key" },
        meter: { id: 1 },
        oracle: "http://127.0.0.1:9101",
        preferences: { battery: { reservePercent: 30, powerW: 3_000 } } as Record<string, unknown>,
      });
      const written = (config: object) => {
        const path = join(dir, "agent.yaml");
        writeFileSync(path, stringify(config));
        return path;
      };

      it("is read with its defaults, and paths against the file's folder", () => {
        const { keys, journal, preferences } = loadAgentConfig(written(agent()));
        expect(keys.trader).to.equal(join(dir, "trader.key"));
        expect(journal).to.equal(join(dir, "agent.sqlite"));
        expect(preferences).to.deep.equal({ slotsAhead: 4, battery: { reservePercent: 30, powerW: 3_000 } });
        const { preferences: _, ...without } = agent();
        expect(loadAgentConfig(written(without)).preferences).to.deep.equal({ slotsAhead: 4 });
      });

      const faults: [string, (config: ReturnType<typeof agent>) => void, RegExp][] = [
        ["a price with a fraction", (c) => (c.preferences.lowestSellPrice = 0.25), /preferences\.lowestSellPrice.*int/],
        [
          "a reserve beyond the battery",
          (c) => (c.preferences.battery = { reservePercent: 101, powerW: 1 }),
          /reservePercent/,
        ],
        ["no oracle", (c) => delete (c as { oracle?: string }).oracle, /oracle: expected an http/],
        [
          "a sender instead of a trader",
          (c) => Object.assign(c.keys, { sender: "./k", trader: undefined }),
          /keys\.trader/,
        ],
      ];
      for (const [what, change, message] of faults) {
        it(`names the place of ${what}`, () => {
          const config = agent();
          change(config);
          expect(() => loadAgentConfig(written(config))).to.throw(ConfigError, message);
        });
      }
    });

    it("says which file is not there", () => {
      expect(() => loadConfig(join(dir, "nowhere.yaml"))).to.throw(ConfigError, /nowhere\.yaml: there is no such file/);
    });

    it("reads a key with or without 0x and a line end", () => {
      expect(loadKey(keyFile(`${KEY}\n`)).address).to.equal(loadKey(keyFile(KEY.slice(2))).address);
    });

    for (const mode of [0o640, 0o604, 0o660]) {
      it(`refuses a key file with mode ${mode.toString(8)}`, () => {
        expect(() => loadKey(keyFile(KEY, mode), "keys.meter")).to.throw(ConfigError, /keys\.meter: .* chmod 600/);
      });
    }

    it("never shows a broken key", () => {
      const secret = "deadbeef".repeat(7);
      expect(() => loadKey(keyFile(secret)))
        .to.throw(ConfigError, /neither a keystore nor .* 32 bytes in hex/)
        .with.property("message")
        .not.contain("deadbeef");
      expect(() => loadKey(keyFile(`0x${"0".repeat(64)}`))).to.throw(ConfigError, /valid private key/);
    });
  });
});
