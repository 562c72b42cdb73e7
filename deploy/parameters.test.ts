import { readFileSync } from "node:fs";
import { join } from "node:path";
import { expect } from "chai";
import { parse, stringify } from "yaml";
import { ParameterError, parseParameters } from "./parameters.ts";

const EXAMPLE = readFileSync(join(import.meta.dirname, "parameters.example.yaml"), "utf8");
const ACCOUNT = "0x70997970C51812dc3A010C7d01b50e0d17dc79C8";
const BLANKS = [
  "accounts.gridOperator",
  "accounts.dust",
  "roles.admin.account",
  "roles.marketAdmin.account",
  "roles.operator.account",
  "roles.guardian.account",
];

/** The example with its blanks filled in, and these fields changed (undefined: left out). */
function fileWith(changes: Record<string, string | undefined> = {}): string {
  const file = parse(EXAMPLE, { schema: "failsafe" }) as object;
  const blanks = Object.fromEntries(BLANKS.map((path) => [path, ACCOUNT]));
  for (const [path, value] of Object.entries({ salt: `0x${"5a".repeat(32)}`, ...blanks, ...changes })) {
    const names = path.split(".");
    const last = names.pop()!;
    const group = names.reduce((node, name) => node[name] as Record<string, unknown>, file as Record<string, unknown>);
    if (value === undefined) delete group[last];
    else group[last] = value;
  }
  return stringify(file);
}

function errorsOf(text: string): string {
  try {
    parseParameters(text, "zone.yaml");
  } catch (error) {
    expect(error).to.be.instanceOf(ParameterError);
    return (error as Error).message;
  }
  return "";
}

describe("the parameter file of a zone", () => {
  it("example: asks for exactly what nobody else can know, and offers a salt", () => {
    const lines = errorsOf(EXAMPLE).split("\n").slice(1);
    expect(lines.map((line) => line.trim().split(":")[0])).to.have.members(["salt", ...BLANKS]);
    const [, salt] = /here are some nobody else has: (0x[0-9a-f]{64})/.exec(lines.join("\n"))!;
    expect(errorsOf(fileWith({ salt }))).to.equal("");
    expect(errorsOf(EXAMPLE)).not.to.include(salt);
  });

  it("becomes integers: seconds, base units per kWh, hundredths of a percent", () => {
    const plan = parseParameters(fileWith({ "energy.lineLossPercent": "2.5", "time.grace": "14400" }));
    expect(plan.parameters).to.deep.equal({
      slotDuration: 900,
      gateClosure: 300,
      openAhead: 192,
      grace: 14_400,
      claimWindow: 604_800,
      maxDelivery: 10_800,
      unitsPerKWh: 1_000,
      minOrder: 100,
      lineLossAllowance: 250,
      minPrice: 60_000n,
      tickSize: 2_000n,
      feedIn: 80_000n,
      retail: 300_000n,
      gridFee: 20_000n,
      noticeSlots: 96,
      adminDelay: 604_800,
      marketAdminDelay: 604_800,
      operatorDelay: 3_600,
    });
    expect(plan.accounts.dustAccount).to.equal(ACCOUNT);
  });

  it("keeps prices exact whatever the token's decimals, and takes JSON as well", () => {
    const text = fileWith({ "token.decimals": "12" });
    const { parameters } = parseParameters(JSON.stringify(parse(text, { schema: "failsafe" })));
    expect(parameters.feedIn).to.equal(80_000_000_000n);
    expect(errorsOf(fileWith({ "token.decimals": "18" }))).to.include(
      "tariff.tick: is too coarse: lowest + 127 · tick",
    );
    expect(errorsOf(fileWith({ "token.decimals": "2" }))).to.include(
      "tariff.tick: has more than the 2 decimals of the token",
    );
  });

  it("knows durations with and without a unit", () => {
    const seconds = (text: string) =>
      parseParameters(fileWith({ "roles.operator.delay": text })).parameters.operatorDelay;
    expect(["90", "90 s", "15 min", "4h", "7 d"].map(seconds)).to.deep.equal([90, 90, 900, 14_400, 604_800]);
  });

  const wrong: [path: string, value: string | undefined, sentence: string][] = [
    ["name", "My Zone", "must be 1 to 40 small letters, digits and dashes"],
    ["chain.id", "sepolia", "must be a whole number from 1"],
    ["chain.rpcUrl", "node.example", "must be an http(s) URL"],
    ["chain.explorerUrl", "https://scan.example/", "must be an http(s) URL without a slash at the end"],
    ["chain.confirmations", undefined, "is missing"],
    ["salt", `0x${"00".repeat(32)}`, "must be 0x and 64 random hex digits"],
    ["token.address", "0x0000000000000000000000000000000000000000", "must not be the zero address"],
    ["token.address", ACCOUNT.replace("C8", "C9"), "is not what its capital letters say"],
    ["roles.admin.account", "0x0000000000000000000000000000000000000000", "must not be the zero address"],
    ["roles.operator.delay", "0", "must be from 1 to 4294967295 seconds"],
    ["roles.marketAdmin.delay", "soon", "must be a duration"],
    ["time.slot", "2 d", "must be from 1 to 86400 seconds"],
    ["time.grace", "10 min", "must be at least one slot (900 s)"],
    ["time.claimWindow", "4 h", "must be longer than the grace (14400 s)"],
    ["time.gateClosure", "3 d", "must be shorter than openAhead slots (172800 s)"],
    ["time.openAhead", "40000", "must be at most a year of slots"],
    ["time.maxDelivery", "10 min", "must be from one slot (900 s) to 20699 s"],
    ["time.maxDelivery", "20700", "must be from one slot (900 s) to 20699 s"],
    ["energy.unitsPerKWh", "100", "must be 1000 (a unit is 1 Wh) or 1000000 (1 mWh)"],
    ["energy.minOrder", "0", "must be a whole number from 1"],
    ["energy.lineLossPercent", "101", "must be at most 100"],
    ["energy.lineLossPercent", "0.125", "has more than the 2 decimals"],
    ["tariff.tick", "0", "must be above 0"],
    ["tariff.feedIn", "0.05", "must not be below lowest"],
    ["tariff.feedIn", "0.081", "must be lowest plus a multiple of tick (0.002)"],
    ["tariff.retail", "0.5", "must be at most lowest + 127 · tick"],
    ["tariff.retail", "0.08", "must be above feedIn (0.08)"],
    ["tariff.gridFee", "0.22", "must be less than retail − feedIn"],
    ["tariff.gridFee", "0.021", "must be 0 plus a multiple of tick"],
    ["tariff.gridFee", "-0.02", "must be a decimal number"],
    ["tariff.noticeSlots", "0", "must be a whole number from 1"],
  ];
  for (const [path, value, sentence] of wrong) {
    it(`names ${path} and what is allowed when it is ${value ?? "missing"}`, () => {
      expect(errorsOf(fileWith({ [path]: value }))).to.include(`${path}: ${sentence}`);
    });
  }

  it("names a claim window that no delivery fits into, fields nobody knows, and text that is no file", () => {
    expect(errorsOf(fileWith({ "time.claimWindow": "4 h 30" }))).to.include("time.claimWindow: must be a duration");
    expect(errorsOf(fileWith({ "time.claimWindow": "16000" }))).to.include("time.maxDelivery: cannot be met");
    expect(errorsOf(fileWith({ "time.slots": "3" }))).to.include("time: has no field slots");
    expect(errorsOf("name: [")).to.include("zone.yaml is neither YAML nor JSON");
  });
});
