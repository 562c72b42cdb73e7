import { expect } from "chai";
import type { SignedReading } from "../metering/index.ts";
import { type KnownMeter, objectionTo } from "./check.ts";

const ZONE = { slotDuration: 60, unitsPerKWh: 1_000n, headTimestamp: 1_000 };
/** 6 kW move 110 Wh in a minute with the reserve of a tenth. */
const LAST: KnownMeter = {
  epoch: 1,
  epochFromSlot: 15,
  maxPowerW: 6_000,
  resolution: 1n,
  lastTakenAt: 900,
  imported: 500n,
  exported: 200n,
};
const NEXT: SignedReading = {
  meterId: 7,
  epoch: 1,
  since: 900,
  takenAt: 960,
  imported: 500n,
  exported: 300n,
  signature: "0x",
};

describe("a reading handed to the gateway", () => {
  const table: [string, Partial<SignedReading>, RegExp | undefined][] = [
    ["continues the last one", {}, undefined],
    ["is the largest step its power allows", { exported: 200n + 110n + 1n }, undefined],
    ["restarts the chain", { since: 0, exported: 0n }, undefined],
    ["is dated a little ahead of the head", { takenAt: 1_030, exported: 200n }, undefined],
    ["is dated in the future", { takenAt: 1_031 }, /check the clock/],
    ["is as old as the last one", { takenAt: 900, since: 840 }, /known already/],
    ["leaves one out", { since: 930 }, /last one is of 900: send those in between first/],
    ["is signed in an old epoch", { epoch: 0 }, /signed in epoch 0, but epoch 1 signs/],
    ["goes back", { imported: 499n }, /imported goes back from 500 to 499: sign a restart/],
    ["jumps", { exported: 200n + 110n + 2n }, /exported moves by 112, but 6000 W move 111 at most in 60 s/],
  ];
  for (const [what, change, objection] of table) {
    it(`${objection ? "is refused when it" : "is relayed when it"} ${what}`, () => {
      const said = objectionTo({ ...NEXT, ...change }, LAST, ZONE);
      if (objection) expect(said).to.match(objection);
      else expect(said).to.equal(undefined);
    });
  }

  it("is signed by the epoch before until the new one's first slot", () => {
    const rotating = { ...LAST, epochFromSlot: 16 };
    expect(objectionTo({ ...NEXT, epoch: 0 }, rotating, ZONE)).to.equal(undefined);
    expect(objectionTo(NEXT, rotating, ZONE)).to.match(/epoch 0 signs/);
  });
});
