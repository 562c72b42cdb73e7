import { expect } from "chai";
import { Turns } from "./turns.ts";

describe("the keeper's turn", () => {
  /** Seconds at which it is this keeper's turn, asked every second. */
  function turns(waitS: number, due: (now: number) => boolean, mostS?: number): number[] {
    const turn = new Turns(waitS);
    const ours: number[] = [];
    for (let now = 100; now < 120; now++) {
      if (due(now) && turn.isOurs("it", now, mostS)) ours.push(now);
      turn.nextRound();
    }
    return ours;
  }

  it("comes at once for the first keeper, after its wait for another one", () => {
    expect(turns(0, () => true)[0]).to.equal(100);
    expect(turns(7, () => true)[0]).to.equal(107);
  });

  it("does not come when somebody has done it meanwhile; the next time the wait begins anew", () => {
    expect(turns(7, (now) => now < 106)).to.deep.equal([]);
    expect(turns(7, (now) => now !== 105)[0]).to.equal(113);
  });

  it("keeps its place through rounds in which something went wrong", () => {
    const turn = new Turns(7);
    expect(turn.isOurs("it", 100)).to.equal(false);
    turn.nextRound();
    turn.nextRound(false);
    expect(turn.isOurs("it", 107)).to.equal(true);
  });

  it("comes in time for what cannot wait", () => {
    expect(turns(60, () => true, 4)[0]).to.equal(104);
  });
});
