import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import type { EnergyMeter } from "../hardware/types.ts";
import { Journal } from "../journal/index.ts";
import { replaceMeter } from "./replace.ts";

const never = new AbortController().signal;
const meter: EnergyMeter = {
  name: "new",
  scope: "branch",
  resolution: 1n,
  maxPowerW: 8_000,
  read: () => Promise.resolve({ at: 0, imported: 3n, exported: 9_000n, powerW: 0 }),
  dispose: () => Promise.resolve(),
};

describe("replacing a meter", () => {
  let dir: string;
  let journal: Journal;
  beforeEach(() => {
    dir = mkdtempSync(join(tmpdir(), "ioe-replace-"));
    journal = new Journal(join(dir, "journal.sqlite"), "world");
  });
  afterEach(() => {
    journal.close();
    rmSync(dir, { recursive: true });
  });
  const read = () =>
    journal.addReading({
      meterId: 1,
      epoch: 0,
      since: 0,
      takenAt: 60,
      imported: 500n,
      exported: 700n,
      signature: "0x",
    });

  it("keeps the difference to the last reading, whichever way it goes", async () => {
    read();
    const { from } = await replaceMeter(journal, 1, meter, 100, never);
    expect(from).to.deep.equal({ at: 60, imported: 500n, exported: 700n });
    expect(journal.registerOffsets(1)).to.deep.equal({
      imported: 497n,
      exported: -8_300n,
      reason: "replaced",
      since: 100,
    });
  });

  it("needs a last reading, and a clock that is right", async () => {
    const why = (since: number) => replaceMeter(journal, 1, meter, since, never).catch((error: Error) => error.message);
    expect(await why(100)).to.match(/no reading yet/);
    read();
    expect(await why(59)).to.match(/the clock says 1970-01-01T00:00:59.000Z, before the last reading/);
    expect(journal.registerOffsets(1)).to.equal(undefined);
  });
});
