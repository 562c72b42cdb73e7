import { expect } from "chai";
import { type Inputs, wantsClosed } from "./decide.ts";

const START = 1_000_000;
const inputs = (change: Partial<Inputs> = {}): Inputs => ({
  unixMs: START + 5_000,
  startMs: START,
  endMs: START + 60_000,
  fill: { slot: 1, role: "source", energy: 100n },
  moved: 0n,
  resolution: 1n,
  delivering: false,
  authority: true,
  ...change,
});
const sink = { slot: 1, role: "sink", energy: 100n } as const;

describe("the relays of a fill", () => {
  const cases: [string, Partial<Inputs>, boolean][] = [
    ["are closed during the slot", {}, true],
    ["are open before it", { unixMs: START - 1 }, false],
    ["of a sink close with the slot's first moment", { unixMs: START, fill: sink }, true],
    ["of a source leave the sinks a head start", { unixMs: START + 1_999 }, false],
    ["stay closed until the floored registers show the whole fill", { moved: 100n }, true],
    ["open when the energy is reached", { moved: 101n }, false],
    ["are open when the slot is about to end", { unixMs: START + 59_800 }, false],
    ["make way for a direct delivery", { delivering: true }, false],
    ["need the contract's word", { authority: false }, false],
  ];
  for (const [name, change, closed] of cases) {
    it(name, () => {
      expect(wantsClosed(inputs(change))).to.equal(closed);
    });
  }
});
