import { expect } from "chai";
import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { z } from "zod";
import { DeviceError } from "../types.ts";
import { StateFile } from "./state-file.ts";

const schema = z.strictObject({ pulses: z.string() });

describe("a meter's state file", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "ioe-state-"))));
  afterEach(() => rmSync(folder, { recursive: true }));

  it("is empty at first and holds what was written, and nothing else is left behind", () => {
    const file = new StateFile("meter", join(folder, "new"), "s0 /GPIO17", schema);
    expect(file.read()).to.equal(undefined);
    file.write({ pulses: "1" });
    file.write({ pulses: "2" });
    expect(file.read()).to.deep.equal({ pulses: "2" });
    expect(readdirSync(join(folder, "new"))).to.deep.equal(["s0__GPIO17.json"]);
  });

  it("does not begin again from zero when it cannot be understood", () => {
    const file = new StateFile("meter", folder, "s0", schema);
    for (const content of ["", '{"pulses":', '{"pulses":7}']) {
      writeFileSync(file.path, content);
      expect(() => file.read()).to.throw(DeviceError, "move it away to begin a new register");
      expect(readFileSync(file.path, "utf8")).to.equal(content);
    }
  });

  it("says where it could not write", () => {
    writeFileSync(join(folder, "no-folder"), "");
    const file = new StateFile("meter", join(folder, "no-folder"), "s0", schema);
    expect(() => file.write({ pulses: "1" })).to.throw(DeviceError, `${file.path} cannot be written; check the disk`);
  });
});
