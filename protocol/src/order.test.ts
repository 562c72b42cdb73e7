import { expect } from "chai";
import { packOrderId, unpackOrderId } from "./order.ts";

describe("an order's key", () => {
  it("holds slot, meter, side and limit up to their largest values, where the contract has them", () => {
    const keys = [
      { slot: 77, meterId: 9, side: "ask", tick: 33 },
      { slot: 0xff_ffff_ffff, meterId: 0xffff_ffff, side: "bid", tick: 127 },
    ] as const;
    for (const key of keys) expect(unpackOrderId(packOrderId(key))).to.deep.equal(key);
    expect(packOrderId(keys[0])).to.equal((77n << 48n) | (9n << 16n) | (1n << 8n) | 33n);
  });
});
