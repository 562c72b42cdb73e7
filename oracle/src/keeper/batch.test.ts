import { expect } from "chai";
import { roomFor } from "../chain/index.ts";
import { batchesWithin } from "./batch.ts";

describe("the keeper's batches", () => {
  const PER_ORDER = 30n;
  const gasOf = (batch: readonly number[]) => Promise.resolve(BigInt(batch.length) * PER_ORDER);

  it("are as large as the room allows, in order and complete", async () => {
    const items = Array.from({ length: 100 }, (_, i) => i);
    const batches = await batchesWithin(items, 1_000n, gasOf);
    expect(batches.flat()).to.deep.equal(items);
    expect(batches.map(({ length }) => length)).to.deep.equal([25, 25, 25, 25]);
    expect(await batchesWithin(items, 3_000n, gasOf)).to.have.lengthOf(1);
    expect(await batchesWithin([], 1n, gasOf)).to.deep.equal([]);
  });

  it("leave what the node cannot execute alone, so that it holds up nobody", async () => {
    const failing = (batch: readonly number[]) => (batch.includes(5) ? Promise.resolve(undefined) : gasOf(batch));
    expect(await batchesWithin([1, 2, 3, 4, 5, 6, 7, 8], 1_000n, failing)).to.deep.equal([
      [1, 2, 3, 4],
      [5],
      [6],
      [7, 8],
    ]);
  });

  it("leave most of a block to others, and stay below the largest transaction with the outbox's reserve", () => {
    expect(roomFor(6_000_000n)).to.equal(2_000_000n);
    expect((roomFor(1_000_000_000n) * 3n) / 2n <= 2n ** 24n).to.equal(true);
  });
});
