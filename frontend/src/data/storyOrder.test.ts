import { expect } from "chai";
import { attachReadings, type Reading } from "./storyOrder.ts";

const reading = (meterId: number, block: number, logIndex: number): Reading => ({
  meterId,
  block: BigInt(block),
  logIndex,
  takenAt: block,
  imported: 0n,
  exported: 0n,
  transaction: "0x",
});
const event = (block: number, logIndex: number) => ({ blockNumber: BigInt(block), logIndex });
const told = (...args: Parameters<typeof attachReadings>) =>
  attachReadings(...args).map((step) => step.readings.map(({ meterId, block }) => `${meterId}@${block}`));

describe("the readings behind a story's steps", () => {
  it("are each meter's newest before the step, in the same block too, and stand at one step only", () => {
    const readings = [reading(1, 3, 0), reading(2, 3, 1), reading(1, 5, 0), reading(1, 9, 2), reading(2, 9, 5)];
    expect(told([event(2, 0), event(5, 1), event(9, 4)], readings)).to.deep.equal([[], ["1@5", "2@3"], ["1@9"]]);
  });
  it("are none where nothing was read", () => expect(told([event(1, 0)], [])).to.deep.equal([[]]));
});
