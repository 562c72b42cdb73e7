import { type ChildProcess, spawn } from "node:child_process";
import { randomUUID } from "node:crypto";
import { expect } from "chai";
import { rejection } from "../hardware/testing/bare-server.ts";
import { ProcessLock, ProcessLockError } from "./process-lock.ts";

/** Another process that takes the lock and then does nothing. */
async function anotherHolder(identity: string): Promise<ChildProcess> {
  const url = new URL("./process-lock.ts", import.meta.url).href;
  const code = `
    const { ProcessLock } = await import(${JSON.stringify(url)});
    await ProcessLock.acquire("relay a", ${JSON.stringify(identity)});
    console.log("held");
    setInterval(() => {}, 60_000);`;
  const child = spawn(process.execPath, ["--input-type=module", "-e", code], { stdio: ["ignore", "pipe", "inherit"] });
  await new Promise((resolve) => child.stdout.once("data", resolve));
  return child;
}

describe("process lock", () => {
  it("refuses a second process with the id of the first, and is free when that one was killed", async () => {
    const identity = randomUUID();
    const child = await anotherHolder(identity);
    const error = await rejection(ProcessLock.acquire("relay a", identity));
    expect(error).to.be.instanceOf(ProcessLockError);
    expect(error.message).to.match(new RegExp(`^relay a is in use by process ${child.pid};`));
    const ended = new Promise((resolve) => child.once("exit", resolve));
    child.kill("SIGKILL");
    await ended;
    await (await ProcessLock.acquire("relay a", identity)).release();
  });

  it("is one lock per identity, and can be taken again after its release", async () => {
    const identity = randomUUID();
    const first = await ProcessLock.acquire("a", identity);
    const other = await ProcessLock.acquire("b", `${identity}-other`);
    expect((await rejection(ProcessLock.acquire("a", identity))).message).to.include(`process ${process.pid}`);
    await first.release();
    await (await ProcessLock.acquire("a", identity)).release();
    await other.release();
  });
});
