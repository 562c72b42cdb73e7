import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { ConfigError, loadMicroGrid, parseMicroGrid } from "./config.ts";

const home = {
  name: "home",
  meter: { port: 16_001, map: "siemens-pac3200" },
  board: { port: 16_002 },
  battery: { capacityWh: 10, socWh: 5, dischargeLimitW: 1, chargeLimitW: 1 },
};
const house = { name: "house", scope: "connection", meter: { port: 16_003, map: "eastron-sdm630" } };

describe("micro-grid configuration", () => {
  it("fills in what is usual", () => {
    const { host, households } = parseMicroGrid({ households: [home, house] });
    expect(host).to.equal("127.0.0.1");
    expect(households[0]!.board).to.deep.include({
      unit: 1,
      coils: { discharge: 0, charge: 1 },
      watchdog: { register: 0, unitMs: 100 },
    });
    expect(households[0]!.meter.start).to.deep.equal({ importedWh: 0, exportedWh: 0 });
  });

  const wrong: [string, unknown, RegExp][] = [
    [
      "an unknown product",
      { households: [{ ...home, meter: { port: 1, map: "acme" } }] },
      /households\.0\.meter\.map: .*schneider-iem3155/,
    ],
    ["an unknown key", { households: [home], bsu: {} }, /bsu/],
    ["no household", { households: [] }, /households: /],
    [
      "a branch without a battery",
      { households: [{ ...home, battery: undefined }] },
      /households\.0\.battery: missing/,
    ],
    [
      "a battery without relays",
      { households: [{ ...house, battery: home.battery }] },
      /households\.0\.board: missing/,
    ],
    [
      "more charge than fits",
      { households: [{ ...home, battery: { ...home.battery, socWh: 11 } }] },
      /battery\.socWh: more than capacityWh/,
    ],
    ["a load of no kind", { households: [{ ...home, load: { kw: 1 } }] }, /households\.0\.load: expected \{ watts \}/],
    [
      "two of the same name",
      { households: [home, { ...house, name: "home" }] },
      /households\.1\.name: name home is already taken by households\.0\.name/,
    ],
    [
      "two devices with one address",
      { households: [home, { ...house, meter: { port: 16_002, map: "eastron-sdm630" } }] },
      /households\.1\.meter\.port: port and unit 16002\/1 is already taken by households\.0\.board\.port/,
    ],
    [
      "one coil for both relays",
      { households: [{ ...home, board: { port: 1, coils: { discharge: 2, charge: 2 } } }] },
      /households\.0\.board\.coils: /,
    ],
    [
      "two kinds of loss",
      { bus: { lossFraction: 0, resistanceOhm: 0 }, households: [home] },
      /bus: give lossFraction or resistanceOhm/,
    ],
  ];
  for (const [what, input, message] of wrong) {
    it(`refuses ${what} and says where`, () => {
      expect(() => parseMicroGrid(input)).to.throw(ConfigError, message);
    });
  }

  it("is read from a file, with profiles beside it", () => {
    const folder = mkdtempSync(join(tmpdir(), "micro-grid-"));
    const file = join(folder, "micro-grid.yaml");
    const yaml =
      "households:\n  - { name: a, scope: connection, meter: { port: 0, map: eastron-sdm630 }, load: { csv: day.csv } }\n";
    writeFileSync(file, yaml);
    expect(loadMicroGrid(file).households[0]!.load).to.deep.equal({ csv: join(folder, "day.csv") });
    writeFileSync(file, "households: [");
    expect(() => loadMicroGrid(file)).to.throw(ConfigError, /micro-grid\.yaml cannot be read: /);
    rmSync(folder, { recursive: true });
    expect(() => loadMicroGrid(file)).to.throw(ConfigError, /ENOENT/);
  });
});
