import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import { Limiter } from "./limiter.ts";

describe("rate limit", () => {
  it("lets a burst through, then the rate, for every key by itself", async () => {
    const clock = new ManualClock();
    const limiter = new Limiter<string>({ burst: 3, perSecond: 0.5 }, clock);
    expect([1, 2, 3, 4].map(() => limiter.take("a"))).to.deep.equal([true, true, true, false]);
    expect(limiter.take("b")).to.equal(true);
    await clock.advance(1_999);
    expect(limiter.take("a")).to.equal(false);
    await clock.advance(1);
    expect(limiter.take("a")).to.equal(true);
    expect(limiter.take("a")).to.equal(false);
  });

  it("forgets who has been away, and never saves up more than a burst", async () => {
    const clock = new ManualClock();
    const limiter = new Limiter<string>({ burst: 2, perSecond: 1 }, clock);
    limiter.take("a", 2);
    await clock.advance(3_600_000);
    expect(limiter.take("a", 3)).to.equal(false);
    expect(limiter.take("a", 2)).to.equal(true);
  });
});
