import { expect } from "chai";
import { ofOwner, ownerIn } from "./tenures.ts";

const [A, B] = ["0x00000000000000000000000000000000000000a1", "0x00000000000000000000000000000000000000b2"] as const;
const owners = [
  { owner: A, fromSlot: 0 },
  { owner: B, fromSlot: 8 },
  { owner: A, fromSlot: 12 },
];

describe("a meter that changed hands", () => {
  it("belongs to each owner from the slot on in which its time begins", () => {
    expect([0, 7, 8, 11, 12, 99].map((slot) => ownerIn(owners, slot))).to.deep.equal([A, A, B, B, A, A]);
    expect(ownerIn([], 5)).to.equal(undefined);
  });
  it("leaves its energy with whom it was measured for", () => {
    const measured = new Map([[3, new Map([7, 8, 11, 12].map((slot) => [slot, `energy of ${slot}`]))]]);
    const slotsOf = (account: string) => [
      ...ofOwner(measured, (_, slot) => ownerIn(owners, slot) === account)
        .get(3)!
        .keys(),
    ];
    expect(slotsOf(A)).to.deep.equal([7, 12]);
    expect(slotsOf(B)).to.deep.equal([8, 11]);
  });
});
