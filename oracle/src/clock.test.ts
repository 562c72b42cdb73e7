import { expect } from "chai";
import { ManualClock, systemClock } from "./clock.ts";

describe("ManualClock", () => {
  it("wakes sleepers in the order of their time, and a loop once per period", async () => {
    const clock = new ManualClock();
    const log: string[] = [];
    void (async () => {
      for (let i = 1; i <= 3; i++) {
        await clock.sleep(100);
        log.push(`loop ${clock.monotonicMs()}`);
      }
    })();
    void clock.sleep(150).then(() => log.push(`once ${clock.monotonicMs()}`));
    await clock.advance(250);
    expect(log).to.deep.equal(["loop 100", "once 150", "loop 200"]);
    expect(clock.monotonicMs()).to.equal(250);
    await clock.advance(50);
    expect(log).to.have.length(4);
  });

  it("moves the wall clock with the monotonic one", async () => {
    const clock = new ManualClock(5_000);
    await clock.advance(20);
    expect(clock.unixMs()).to.equal(5_020);
  });
});

for (const [name, clock] of [
  ["system", systemClock],
  ["manual", new ManualClock()],
] as const) {
  it(`a sleep of the ${name} clock ends with the signal's reason`, async () => {
    const abort = new AbortController();
    const reasons: unknown[] = [];
    const sleeping = clock.sleep(60_000, abort.signal).catch((reason) => reasons.push(reason));
    abort.abort("stop");
    await sleeping;
    await clock.sleep(60_000, abort.signal).catch((reason) => reasons.push(reason));
    expect(reasons).to.deep.equal(["stop", "stop"]);
  });
}
