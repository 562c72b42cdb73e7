import { expect } from "chai";
import { ManualClock } from "../../clock.ts";
import { Interlock } from "../../safety/relays.ts";
import { type TimedSwitch, timedRelay } from "./timed.ts";

const SETTLE_MS = 500;

/** Carries out a request to switch on only so much later, also one that was given up. */
class LateSwitch implements TimedSwitch {
  readonly maxTimerS = 60;
  isOn = false;
  readonly #clock: ManualClock;
  readonly #lateMs: number;

  constructor(clock: ManualClock, lateMs: number) {
    this.#clock = clock;
    this.#lateMs = lateMs;
  }

  prepare = () => Promise.resolve();
  on(_seconds: number, signal: AbortSignal): Promise<void> {
    const done = this.#clock.sleep(this.#lateMs).then(() => void (this.isOn = true));
    return Promise.race([
      done,
      new Promise<void>((_, reject) => signal.addEventListener("abort", () => reject(signal.reason as Error))),
    ]);
  }
  off(): Promise<void> {
    this.isOn = false;
    return Promise.resolve();
  }
  status = () => Promise.resolve({ on: this.isOn, timed: this.isOn });
}

describe("relay with a timer of its own", () => {
  it("stays shut out of its group until a request to switch on that was overtaken can no longer be carried out", async () => {
    const clock = new ManualClock();
    const lock = new Interlock(100, clock);
    const switches = { a: new LateSwitch(clock, 290), b: new LateSwitch(clock, 0) };
    const guarded = (name: "a" | "b") => lock.guard(timedRelay(switches[name], { name, clock, settleMs: SETTLE_MS }));
    const [a, b] = [guarded("a"), guarded("b")];
    await Promise.all([a.open(), b.open()]);
    await clock.advance(1_000);

    const closing = a.close(5_000).catch(() => undefined);
    await clock.advance(0);
    const opening = a.open();
    for (let ms = 0; ms < SETTLE_MS; ms += 10) {
      await clock.advance(10);
      b.close(5_000).catch(() => undefined);
      expect(switches.a.isOn && switches.b.isOn, `both are on after ${ms + 10} ms`).to.equal(false);
    }
    await Promise.all([closing, opening]);
    await clock.advance(700);
    expect(switches.a.isOn).to.equal(false);
    const other = b.close(5_000);
    await clock.advance(100);
    await other;
    expect(switches.b.isOn).to.equal(true);
  });
});
