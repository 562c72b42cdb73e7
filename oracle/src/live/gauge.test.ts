import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import type { BatteryGauge } from "../hardware/index.ts";
import { createLogger } from "../log.ts";
import { Gauge } from "./gauge.ts";

describe("the gauge of a battery", () => {
  it("shows the last answer for a while, and nothing of a battery that has fallen silent", async () => {
    const clock = new ManualClock();
    const lines: string[] = [];
    let answer: () => Promise<number> = () => Promise.resolve(625);
    const battery = {
      name: "battery",
      capacityWh: 10_000,
      read: () => answer(),
      dispose: () => Promise.resolve(),
    } satisfies BatteryGauge;
    const gauge = new Gauge(battery, clock, createLogger({ write: (line) => void lines.push(line) }));
    expect(gauge.latest).to.equal(undefined);
    const stop = new AbortController();
    const running = gauge.run(stop.signal);
    await clock.advance(1_000);
    expect(gauge.latest).to.deep.equal({ stateOfCharge: 625, capacityWh: 10_000 });
    answer = () => Promise.reject(new Error("no answer"));
    await clock.advance(50_000);
    expect(gauge.latest).to.deep.equal({ stateOfCharge: 625, capacityWh: 10_000 });
    await clock.advance(20_000);
    expect(gauge.latest).to.equal(undefined);
    expect(
      lines.filter((line) => line.includes("battery.no-answer")),
      "told once",
    ).to.have.length(1);
    answer = () => Promise.resolve(100);
    await clock.advance(10_000);
    expect(gauge.latest?.stateOfCharge).to.equal(100);
    stop.abort();
    await running;
  });
});
