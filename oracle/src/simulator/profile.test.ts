import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { clearSkyProfile, householdProfile, loadCsvProfile, ProfileError } from "./profile.ts";

const QUARTERS = Array.from({ length: 96 }, (_, step) => step);

describe("CSV profile", () => {
  let folder: string;
  before(() => void (folder = mkdtempSync(join(tmpdir(), "profile-"))));
  after(() => rmSync(folder, { recursive: true }));

  const load = (text: string, scale = 1_000) => {
    const file = join(folder, "p.csv");
    writeFileSync(file, text);
    return loadCsvProfile(file, 900, scale);
  };

  it("plays the values in their order and starts again at the end", () => {
    const profile = load("timestamp,electricity\n1613343600,159\n1613344500,142.5\n1613345400.0,0.0\n");
    expect([0, 1, 2, 3, 4].map((step) => profile.at(step))).to.deep.equal([159_000, 142_500, 0, 159_000, 142_500]);
  });

  it("takes values per unit of the installed power", () => {
    expect(load("timestamp,electricity\r\n1613343600.0,0.25\r\n", 1_000_000).at(0)).to.equal(250_000);
  });

  const broken: [string, string, RegExp][] = [
    [
      "text for a number",
      "t,v\n0,1\n900,n/a\n",
      /p\.csv, line 3: "900,n\/a" is not "timestamp,value" with two numbers/,
    ],
    ["an empty value", "t,v\n0,1\n900,\n", /line 3: "900," is not/],
    ["a column too many", "t,v\n0,1,2\n", /line 2: "0,1,2" is not/],
    ["a gap", "t,v\n0,1\n900,1\n2700,1\n", /line 4: timestamp 2700 is not 900 s after 900; set profile\.stepSeconds/],
    ["a negative value", "t,v\n0,-1\n", /line 2: the value -1 is negative/],
    ["an empty line within", "t,v\n0,1\n\n900,1\n", /line 3: "" is not/],
    ["a header alone", "t,v\n", /has no values/],
  ];
  for (const [what, text, message] of broken) {
    it(`refuses ${what} and names the line`, () => {
      expect(() => load(text)).to.throw(ProfileError, message);
    });
  }

  it("names a file that is not there", () => {
    expect(() => loadCsvProfile(join(folder, "no.csv"), 900, 1)).to.throw(
      ProfileError,
      /no\.csv cannot be read \(ENOENT\); check the path/,
    );
  });
});

describe("formulas", () => {
  it("give a household its average over a day, most of it in the evening", () => {
    const profile = householdProfile(400, 900);
    const day = QUARTERS.map((step) => profile.at(step));
    expect(day.reduce((a, b) => a + b) / 96 / 1_000).to.be.closeTo(400, 2);
    expect(day.indexOf(Math.max(...day)) / 4).to.be.closeTo(19, 0.5);
    expect(profile.at(96)).to.equal(profile.at(0));
  });

  it("give a clear day its sunrise, noon and sunset", () => {
    const summer = clearSkyProfile({ latitude: 48, dayOfYear: 172 }, 900);
    const winter = clearSkyProfile({ latitude: 48, dayOfYear: 355 }, 900);
    expect(summer.at(0), "midnight").to.equal(0);
    // Haurwitz at a zenith angle of 24.55°: 1098 · 0.9096 · exp(−0.057 / 0.9096) = 938 W/m².
    expect(summer.at(48)).to.be.closeTo(938_000, 2_000);
    expect(winter.at(48)).to.be.within(200_000, 350_000);
    expect(summer.at(40)).to.equal(summer.at(55), "as long before noon as after");
  });
});
