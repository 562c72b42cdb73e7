import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect } from "chai";
import { FaultLatch } from "./fault-latch.ts";

describe("fault latch", () => {
  let folder: string;
  let latch: FaultLatch;
  const fault = { kind: "ContactorWelded", reason: "500 W flow", since: "2026-01-01T00:00:00.000Z" };

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ioe-latch-"));
    latch = new FaultLatch(join(folder, "fault"));
  });
  afterEach(() => rmSync(folder, { recursive: true }));

  it("keeps a fault until it is cleared", () => {
    expect(latch.load()).to.equal(undefined);
    latch.save(fault);
    expect(new FaultLatch(latch.path).load()).to.deep.equal(fault);
    latch.clear();
    expect(latch.load()).to.equal(undefined);
    latch.clear();
  });

  it("takes a file that says nothing for a fault", () => {
    for (const text of ["", "{}", "null", "[1]"]) {
      writeFileSync(latch.path, text);
      expect(latch.load(), text).to.include({ kind: "ContactorWelded" });
    }
  });
});
