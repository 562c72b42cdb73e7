import { expect } from "chai";
import { type ChildProcess, execFileSync, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { DeviceError, type RelayDriver } from "../types.ts";
import { type Pin, createPinRelay } from "./pin.ts";

const OPEN = "1";
const CLOSED = "0";
const LONG_MS = 60_000;

/** A file as the pin of an active-low board, with a real guard process. */
function filePin(path: string): Pin {
  return {
    output: { path, openText: OPEN },
    set: (active) => writeFileSync(path, active ? CLOSED : OPEN),
    read: () => readFileSync(path, "utf8") === CLOSED,
    release: () => undefined,
  };
}

function guardsOf(pid: number): number[] {
  const list = execFileSync("ps", ["-o", "pid=,args=", "--ppid", String(pid)], { encoding: "utf8" });
  return list
    .split("\n")
    .filter((line) => line.includes("guard-process"))
    .map((line) => Number.parseInt(line, 10));
}

/** Ended, perhaps not yet buried by its parent. */
function hasEnded(pid: number): boolean {
  try {
    return /^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, "utf8"));
  } catch {
    return true;
  }
}

describe("relay on a pin", () => {
  let folder: string;
  let path: string;
  let relay: RelayDriver;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "ioe-pin-"));
    path = join(folder, "value");
    relay = createPinRelay("relay a", () => {
      writeFileSync(path, OPEN);
      return filePin(path);
    });
  });

  afterEach(async () => {
    await relay.dispose();
    rmSync(folder, { recursive: true });
  });

  const level = () => readFileSync(path, "utf8");
  const reaches = async (wanted: string, withinMs = 5_000) => {
    const since = performance.now();
    for (; level() !== wanted; await pause(5)) expect(performance.now() - since).to.be.below(withinMs);
    return performance.now() - since;
  };

  it("is open from the start, closes and opens", async () => {
    await relay.open();
    expect(level()).to.equal(OPEN);
    await relay.close(LONG_MS);
    expect([level(), await relay.state()]).to.deep.equal([CLOSED, "closed"]);
    await relay.open();
    expect([level(), await relay.state()]).to.deep.equal([OPEN, "open"]);
  });

  it("sets the pin before anything else when it opens", async () => {
    await relay.close(LONG_MS);
    const opening = relay.open();
    expect(level()).to.equal(OPEN);
    await opening;
  });

  it("is not closed by a closing that an opening has overtaken", async () => {
    await relay.open();
    const closing = relay.close(LONG_MS).catch((error: unknown) => error);
    await relay.open();
    expect(await closing)
      .to.be.instanceOf(DeviceError)
      .with.property("message")
      .that.includes("was opened while");
    expect(level()).to.equal(OPEN);
  });

  it("opens at the end of a lease that is not renewed", async () => {
    await relay.close(700);
    await pause(400);
    await relay.close(700);
    await pause(400);
    expect(level()).to.equal(CLOSED);
    await reaches(OPEN);
  });

  it("opens at the end of the lease while this process stands still", async () => {
    await relay.close(300);
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_500);
    expect(level()).to.equal(OPEN);
  });

  it("is put back when it is closed by somebody without a lease", async () => {
    await relay.close(LONG_MS);
    await relay.open();
    writeFileSync(path, CLOSED);
    await reaches(OPEN);
  });

  it("opens when the guard is killed, and closes again under a new one", async () => {
    await relay.close(LONG_MS);
    const [guard] = guardsOf(process.pid);
    process.kill(guard!, "SIGKILL");
    await reaches(OPEN);
    await relay.close(LONG_MS);
    expect(level()).to.equal(CLOSED);
    expect(guardsOf(process.pid)).to.have.length(1).and.not.include(guard);
  });

  it("opens when the guard does not answer", async () => {
    await relay.close(LONG_MS);
    const [guard] = guardsOf(process.pid);
    process.kill(guard!, "SIGSTOP");
    const error: unknown = await relay.close(LONG_MS).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(DeviceError).with.property("message").that.includes("guard process does not answer");
    expect(level()).to.equal(OPEN);
  });

  it("opens and grants no lease any more when the guard is told to end with its service", async () => {
    await relay.close(LONG_MS);
    process.kill(guardsOf(process.pid)[0]!, "SIGTERM");
    await reaches(OPEN);
    const error: unknown = await relay.close(LONG_MS).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(DeviceError);
    expect(level()).to.equal(OPEN);
  });

  for (const signal of ["SIGKILL", "SIGTERM"] as const) {
    it(`opens when its process ends with ${signal}`, async () => {
      const script = `
        import { writeFileSync, readFileSync } from "node:fs";
        import { createPinRelay } from ${JSON.stringify(join(import.meta.dirname, "pin.ts"))};
        const path = process.argv[1];
        const relay = createPinRelay("relay a", () => ({
          output: { path, openText: "${OPEN}" },
          set: (active) => writeFileSync(path, active ? "${CLOSED}" : "${OPEN}"),
          read: () => readFileSync(path, "utf8") === "${CLOSED}",
          release: () => undefined,
        }));
        await relay.close(${LONG_MS});
        console.log("closed");
        setInterval(() => undefined, 1000);`;
      const child: ChildProcess = spawn(process.execPath, ["--input-type=module", "--eval", script, path], {
        stdio: ["ignore", "pipe", "inherit"],
      });
      await once(child.stdout!, "data");
      expect(level()).to.equal(CLOSED);
      const guards = guardsOf(child.pid!);
      child.kill(signal);
      await reaches(OPEN);
      await pause(200);
      expect(guards.map(hasEnded), "the guard has ended").to.deep.equal([true]);
    });
  }

  it("leaves no guard behind when it is disposed of, and opens", async () => {
    await relay.close(LONG_MS);
    await relay.dispose();
    expect(level()).to.equal(OPEN);
    expect(guardsOf(process.pid)).to.deep.equal([]);
    const error: unknown = await relay.close(LONG_MS).catch((reason: unknown) => reason);
    expect(error).to.be.instanceOf(DeviceError).with.property("message").that.includes("was disposed of");
  });
});
