import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { parseConfig } from "../config/index.ts";
import { driverInfos } from "../hardware/index.ts";
import { type Answers, type Detected, askAll, detect, render } from "./index.ts";

const GATEWAYS = "gateways that pay for transactions (addresses, - for none)";
const RELAYS = "names of the relays, - for none";
const NOTHING: Detected = { serial: [], gpioChips: [], i2c: [], mqtt: false };

/** A person who answers some questions and takes the proposals otherwise. */
async function dialogue(replies: Record<string, string | string[]>, found = NOTHING) {
  const said: string[] = [];
  const left = Object.fromEntries(Object.entries(replies).map(([question, reply]) => [question, [reply].flat()]));
  const answers = await askAll(
    (question, proposal) => Promise.resolve(left[question]?.shift() ?? proposal),
    (text) => said.push(text),
    found,
  );
  return { answers, said: said.join("\n") };
}

describe("ioe init", () => {
  it("makes a usable configuration of a battery from proposals alone", async () => {
    const { answers } = await dialogue({ driver: ["modbus"], scope: "branch" });
    const config = parseConfig(render(answers));
    expect(Object.keys(config.relays)).to.deep.equal(["discharge", "charge"]);
    expect(config.interlocks).to.deep.equal([{ relays: ["discharge", "charge"], deadTimeMs: 500 }]);
    expect(config.routes.map(({ role, relays }) => [role, relays])).to.deep.equal([
      ["source", ["discharge"]],
      ["sink", ["charge"]],
    ]);
    expect(config.metrics?.host).to.equal("127.0.0.1");
  });

  it("switches nothing at a house's connection unless told to", async () => {
    const { answers } = await dialogue({ driver: "modbus", scope: "connection" });
    const config = parseConfig(render(answers));
    expect(config.relays).to.deep.equal({});
    expect(config.routes.map(({ relays }) => relays)).to.deep.equal([[], []]);
  });

  it("lets a delivery close all flexible devices of a house", async () => {
    const { answers } = await dialogue({
      driver: ["modbus", "gpio", "gpio"],
      scope: "connection",
      [RELAYS]: "heater carport",
      line: ["GPIO17", "GPIO27"],
    });
    const config = parseConfig(render(answers));
    expect(config.interlocks).to.deep.equal([]);
    expect(config.routes.map(({ relays }) => relays)).to.deep.equal([
      ["heater", "carport"],
      ["heater", "carport"],
    ]);
  });

  it("reads a P1 meter as often as it sends", async () => {
    const { answers } = await dialogue({ driver: ["dsmr-p1"], version: '"4"', scope: "connection" });
    expect(parseConfig(render(answers)).meter.pollMs).to.equal(10_000);
  });

  for (const { kind, driver } of driverInfos) {
    it(`turns the example of the ${kind} driver ${driver} into a usable configuration`, async () => {
      const scope = { scope: "branch" };
      const chosen =
        kind === "meter" ? { driver: [driver], ...scope } : { driver: ["modbus", driver, driver], ...scope };
      const { answers } = await dialogue(chosen);
      parseConfig(render(answers));
    });
  }

  it("asks again for what does not fit, and says why", async () => {
    const { answers, said } = await dialogue({
      driver: ["abacus", "modbus", "modbus"],
      scope: "branch",
      map: ["sundial"],
    });
    expect(said).to.match(/no such driver; choose one of .*modbus/);
    expect(said).to.match(/map: .*eastron-sdm630[^]*Once more\./);
    parseConfig(render(answers));
  });

  const again: [string, string, RegExp][] = [
    ["RPC address of an Ethereum node", "localhost:8545", /localhost:8545: expected an http\(s\) URL\. Once more\./],
    [GATEWAYS, "https://gateway.example 10.0.0.2", /10\.0\.0\.2: expected an http\(s\) or mqtt\(s\) URL/],
    [RELAYS, "-", /-: a branch is switched by at least one relay; name it/],
    ["power of a delivery, W", "3 kW", /3 kW: expected watts: a number above 0/],
    ["power of a delivery, W", "-3000", /-3000: expected watts: a number above 0/],
    ["map", "[", /map: .*eastron-sdm630[^]*Once more\./],
  ];
  for (const [question, answer, message] of again) {
    it(`asks again when "${question}" is answered with ${answer}`, async () => {
      const driver = ["modbus", ...(question === "map" ? ["modbus"] : [])];
      const { answers, said } = await dialogue({ driver, scope: "branch", [question]: [answer] });
      expect(said).to.match(message);
      parseConfig(render(answers));
    });
  }

  it("proposes what is connected", async () => {
    const root = mkdtempSync(join(tmpdir(), "ioe-init-"));
    mkdirSync(join(root, "dev/serial/by-id"), { recursive: true });
    for (const name of ["ttyUSB0", "gpiochip0", "i2c-1"]) writeFileSync(join(root, "dev", name), "");
    const found = await detect(root);
    expect(found).to.deep.include({ serial: ["/dev/ttyUSB0"], gpioChips: ["/dev/gpiochip0"], i2c: ["/dev/i2c-1"] });
    symlinkSync("../../ttyUSB0", join(root, "dev/serial/by-id/usb-FTDI_RS485"));
    expect((await detect(root)).serial, "the name that lasts").to.deep.equal(["/dev/serial/by-id/usb-FTDI_RS485"]);
    rmSync(root, { recursive: true });
  });

  it("needs no purse when gateways pay", async () => {
    const { answers } = await dialogue({ driver: "modbus", scope: "branch", [GATEWAYS]: "https://gateway.example" });
    const { keys, gateways } = parseConfig(render(answers));
    expect([keys.sender, gateways]).to.deep.equal([undefined, ["https://gateway.example"]]);
  });

  it("comments every section", async () => {
    const { answers } = await dialogue({ driver: "modbus", scope: "branch" });
    const text = render({ ...answers, keys: { meter: "a", sender: "b" } } satisfies Answers);
    for (const section of ["chain", "journal", "keys", "live", "metrics", "meter", "relays", "interlocks", "routes"]) {
      expect(text).to.match(new RegExp(`^#.*\\n${section}:`, "m"));
    }
  });
});
