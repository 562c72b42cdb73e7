import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import { Pulse } from "./index.ts";

describe("pulse of the control cycle", () => {
  let clock: ManualClock;
  let cycles: number;
  let pulse: Pulse<"meter" | "deliveries">;
  beforeEach(() => {
    clock = new ManualClock();
    cycles = 0;
    pulse = new Pulse(clock, ["meter", "deliveries"], 10_000, () => cycles++);
  });

  it("counts a cycle only when every part has worked", () => {
    pulse.beat("meter");
    pulse.beat("meter");
    expect(cycles).to.equal(0);
    pulse.beat("deliveries");
    expect(cycles).to.equal(1);
    pulse.beat("deliveries");
    expect(cycles).to.equal(1);
  });

  it("names the part that hangs, however lively the other one is", async () => {
    for (let i = 0; i < 11; i++) {
      await clock.advance(1_000);
      pulse.beat("meter");
    }
    expect(pulse.trouble).to.equal("the control cycle stands still for 11 s, waiting for: deliveries");
    pulse.beat("deliveries");
    expect(pulse.trouble).to.equal(undefined);
    expect(pulse.ageMs).to.equal(0);
  });
});
