import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { registryDomain } from "@ioe/protocol";
import { expect } from "chai";
import { KeptTerms, type Terms } from "./kept-terms.ts";

const WORLD = "31337:0xa:0xb:0xc";
const terms: Terms = {
  slotDuration: 900,
  grace: 3_600,
  unitsPerKWh: 1_000_000n,
  domain: registryDomain(31_337, `0x${"12".repeat(20)}`, `0x${"34".repeat(32)}`),
  meter: { epoch: 2, epochFromSlot: 77, resolution: 1_000n },
};

describe("kept terms", () => {
  let folder: string;
  const kept = (world = WORLD, meterId = 7) => KeptTerms.beside(join(folder, "journal.sqlite"), world, meterId);

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "ioe-terms-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it("come back as they were kept, and the newest of them", () => {
    expect(kept().load()).to.equal(undefined);
    kept().save({ ...terms, meter: { ...terms.meter, epoch: 1 } });
    kept().save(terms);
    const { meter, ...zone } = kept().load()!;
    const { meter: meterBefore, ...zoneBefore } = terms;
    expect(zone).to.deep.equal(zoneBefore);
    expect(meter).to.deep.equal(meterBefore);
  });

  it("are nobody else's: neither another deployment's nor another meter's", () => {
    kept().save(terms);
    expect(kept("31337:0xa:0xb:0xd").load()).to.equal(undefined);
    expect(kept(WORLD, 8).load()).to.equal(undefined);
  });

  it("that are damaged are none", () => {
    kept().save(terms);
    const text = readFileSync(kept().path, "utf8");
    for (const damaged of ["", text.slice(0, 40), text.replace("900", '"soon"')]) {
      writeFileSync(kept().path, damaged);
      expect(kept().load(), damaged).to.equal(undefined);
    }
  });
});
