import { mkdir, mkdtemp, readdir, realpath, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join, parse } from "node:path";
import { expect } from "chai";
import { ROOT } from "./cli.ts";
import { lockWorld, worldFolder } from "./world-folder.ts";

describe("the folder of a world", () => {
  let place: string;
  let dir: string;

  beforeEach(async () => {
    place = await realpath(await mkdtemp(join(tmpdir(), "ioe-folder-")));
    dir = join(place, "world");
  });

  afterEach(() => rm(place, { recursive: true, force: true }));

  async function fill(...names: string[]): Promise<void> {
    await mkdir(dir, { recursive: true });
    for (const name of names) {
      if (name.includes(".")) await writeFile(join(dir, name), "");
      else await mkdir(join(dir, name));
    }
  }

  it("may be missing, empty, or hold a world, whole or half written", async () => {
    expect(worldFolder(dir)).to.equal(dir);
    await fill();
    expect(worldFolder(dir)).to.equal(dir);
    await fill("household-1");
    expect(worldFolder(dir)).to.equal(dir);
    await fill("household-20", "keeper", "micro-grid.yaml", "deployment.json.new", "deployment.json");
    expect(worldFolder(dir)).to.equal(dir);
  });

  it("may not hold anything else, also beside a world", async () => {
    await fill("household-1", "micro-grid.yaml", "thesis.tex");
    expect(() => worldFolder(dir)).to.throw(`${dir}, which holds "thesis.tex"`);
    expect(await readdir(dir)).to.have.length(3);
  });

  it("is not one that holds a deployment alone", async () => {
    await fill("deployment.json");
    expect(() => worldFolder(dir)).to.throw(`${dir}, which holds "deployment.json"`);
  });

  it("is not a file", async () => {
    await writeFile(dir, "");
    expect(() => worldFolder(dir)).to.throw("not a folder");
    expect(() => worldFolder(join(dir, "below"))).to.throw("not a folder");
  });

  it("is not this repository, nor above it, nor without a name", async () => {
    const link = join(place, "link");
    await symlink(ROOT, link);
    for (const path of [ROOT, `${ROOT}/tools/..`, dirname(ROOT), parse(ROOT).root, link])
      expect(() => worldFolder(path), path).to.throw("holds this program");
    for (const text of ["", " "]) expect(() => worldFolder(text)).to.throw("--world is empty");
  });

  it("is the same by every name", async () => {
    await symlink(place, `${place}-link`);
    try {
      expect(worldFolder(join(`${place}-link`, "world"))).to.equal(dir);
    } finally {
      await rm(`${place}-link`);
    }
  });

  it("is one copy's at a time, also when it was made anew meanwhile", async () => {
    await fill();
    const lock = await lockWorld(dir);
    await rm(dir, { recursive: true });
    await fill();
    const refusal = await lockWorld(dir).then(
      () => "",
      (error: Error) => error.message,
    );
    expect(refusal).to.contain(dir).and.contain(`process ${process.pid}`).and.contain("--world");
    await lock.release();
    await (await lockWorld(dir)).release();
  });
});
