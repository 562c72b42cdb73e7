import { expect } from "chai";
import { booksDue, isRead } from "./books.ts";

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i);

describe("books of many slots", () => {
  it("are read again with every block where somebody looks at them, and once elsewhere", () => {
    expect([...booksDue([1, 2], [3, 4], () => true)]).to.deep.equal([1, 2]);
    expect([...booksDue([1, 2], [3, 4], (slot) => slot !== 4)]).to.deep.equal([1, 2, 4]);
  });
  it("are read one call after the other, those that somebody looks at first", () => {
    const [followed, others] = [range(25, 48), [...range(1, 24), ...range(49, 96)]];
    const read = new Set<number>();
    const next = () => [...booksDue(followed, others, (slot) => read.has(slot))].filter((slot) => !read.has(slot));
    for (const part of [followed, range(1, 24), range(49, 72), range(73, 96), []]) {
      expect(next()).to.deep.equal(part);
      for (const slot of part) read.add(slot);
    }
    expect([...booksDue(followed, others, (slot) => read.has(slot))]).to.deep.equal(followed);
  });
  it("do until a block comes, and those read since somebody began to ask beyond it", () => {
    const kept = { data: {}, dataUpdatedAt: 1_000, isInvalidated: true };
    expect(isRead(undefined, 500)).to.equal(false);
    expect(isRead({ ...kept, data: undefined }, 500), "being read").to.equal(false);
    expect(isRead(kept, 1_000)).to.equal(true);
    expect(isRead(kept, 1_001), "of an earlier look").to.equal(false);
    expect(isRead({ ...kept, isInvalidated: false }, 1_001), "of this block").to.equal(true);
  });
});
