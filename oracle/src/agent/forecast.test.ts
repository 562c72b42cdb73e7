import { expect } from "chai";
import fc from "fast-check";
import { expectedTowardsZero, type History, seasonOf, slotsBehind } from "./forecast.ts";

/** A hundred slots a day, known three days back. */
const DAY = 100;
const history = (known: Record<number, bigint>, newest: number, days = 3): History => ({
  balance: (slot) => known[slot],
  newest,
  perDay: DAY,
  days,
});

describe("what a household is expected to give or take", () => {
  const cases: [string, Record<number, bigint>, bigint | undefined][] = [
    ["is nothing anybody could say without a reading", {}, undefined],
    ["is what the last slots were on the first day", { 999: 100n, 998: 200n, 997: 300n, 996: 400n }, 250n],
    ["leaves out slots that are not known", { 999: 100n, 997: 300n }, 200n],
    ["looks no further back than the last slots", { 995: 100n }, undefined],
    ["is what the days before were at this time", { 901: 600n, 801: 300n, 701: 0n }, 300n],
    [
      "moves with what today differs from the days before, the less the further ahead",
      // 64 more than yesterday; two slots on, (7/8)² of it.
      { 999: 164n, 998: 264n, 899: 100n, 898: 200n, 901: 1_000n, 801: 1_000n },
      1_049n,
    ],
    ["is rounded towards no trade", { 999: -100n, 998: -101n }, -100n],
  ];
  for (const [what, known, expected] of cases) {
    it(what, () => expect(expectedTowardsZero(1_001, history(known, 999))).to.equal(expected));
  }

  it("lies between the least and the most that was ever seen on the first day, and needs what it names", () => {
    fc.assert(
      fc.property(fc.array(fc.bigInt(-10_000n, 10_000n), { minLength: 1, maxLength: 8 }), fc.nat(9), (seen, ahead) => {
        const known = Object.fromEntries(seen.map((balance, i) => [50 - i, balance]));
        const past = history(known, 50, 0);
        const value = expectedTowardsZero(51 + ahead, past)!;
        const used = slotsBehind([51 + ahead], past).flatMap((slot) => known[slot] ?? []);
        expect(used.some((one) => one <= value) && used.some((one) => one >= value)).to.equal(true);
      }),
    );
  });

  it("asks for no slot twice, and for none that the registry has forgotten", () => {
    const [slotDuration, claimWindow] = [900, 7 * 86_400];
    const season = seasonOf(slotDuration, claimWindow);
    expect(season).to.deep.equal({ perDay: 96, days: 7 });
    const slots = slotsBehind([1_001, 1_002], { newest: 999, ...season });
    expect(new Set(slots).size).to.equal(slots.length);
    // The ring of the registry: claimWindow / slotDuration + 2 slots, the running one (1000) the newest.
    expect(Math.min(...slots.filter((slot) => slot % 96 === 1_001 % 96))).to.be.greaterThan(1_000 - 674);
  });

  it("knows no time of day where slots do not divide a day, or the registry forgets within one", () => {
    expect(seasonOf(7, 7 * 86_400).days).to.equal(0);
    expect(seasonOf(60, 1_800).days).to.equal(0);
  });
});
