import { expect } from "chai";
import { planReport } from "./plan.ts";
import type { SignedReading } from "./readings.ts";

const D = 60;
const GRACE = 120;

/** `since>takenAt`; a `!` at the end marks one that is stored but not pending any more. */
function stored(text: string): { readings: SignedReading[]; pending: SignedReading[] } {
  const pending: SignedReading[] = [];
  const readings = text
    .split(" ")
    .filter(Boolean)
    .map((word) => {
      const [since, takenAt] = word.replace("!", "").split(">").map(Number) as [number, number];
      const reading: SignedReading = {
        meterId: 1,
        epoch: 0,
        since,
        takenAt,
        imported: 0n,
        exported: 0n,
        signature: "0x",
      };
      if (!word.endsWith("!")) pending.push(reading);
      return reading;
    });
  return { readings, pending };
}

const show = (readings: SignedReading[]) => readings.map(({ since, takenAt }) => `${since}>${takenAt}`).join(" ");

describe("what to report next", () => {
  // what | stored readings | chain's last | head | sent | restarted | kept as evidence
  const table: [string, string, number, number, string, string, string][] = [
    ["nothing stored", "", 60, 130, "", "", ""],
    ["the next one in the chain", "60>120", 60, 130, "60>120", "", ""],
    ["several in order", "60>120 120>150 150>180", 60, 190, "60>120 120>150 150>180", "", ""],
    ["nothing newer than the head", "60>120 120>180", 60, 150, "60>120", "", ""],
    ["nothing at all while the head is behind", "60>120", 60, 119, "", "", ""],
    ["the first reading ever", "0>70", 0, 80, "0>70", "", ""],
    ["a restart after a gap, and what follows", "0>200 200>240", 120, 250, "0>200 200>240", "", ""],
    ["the end of one chain before the restart of the next", "60>120 0>170 170>180", 60, 190, "60>120", "", ""],
    ["what the chain already has is evidence", "60>120 120>180", 120, 190, "120>180", "", "60>120"],
    ["a chain that cannot be continued restarts with the oldest", "100>120 120>180", 60, 190, "", "100>120", ""],
    ["a reading thought accepted is sent again", "60>120! 120>180", 60, 190, "60>120 120>180", "", ""],
    ["within the grace everything counts", "60>120 120>180 180>240 240>300", 60, 240, "60>120 120>180 180>240", "", ""],
    ["one past the grace is sent as it is: it keeps the chain", "60>120 120>180", 60, 250, "60>120 120>180", "", ""],
    [
      "of many past the grace only the newest, as a restart",
      "60>120 120>180 180>240 240>300 300>360",
      60,
      370,
      "",
      "180>240",
      "60>120 120>180",
    ],
    [
      "the restart just signed, with those in time",
      "60>120! 120>180! 180>240! 0>240 240>300 300>360",
      60,
      370,
      "0>240 240>300 300>360",
      "",
      "",
    ],
    [
      "when all are past the grace, the newest register alone",
      "60>120 120>180 180>240",
      60,
      2_000,
      "",
      "180>240",
      "60>120 120>180",
    ],
    ["an empty chain takes no reading that is chained to another", "100>120", 0, 130, "", "100>120", ""],
  ];
  for (const [what, text, lastTakenAt, headTimestamp, sent, restarted, evidence] of table) {
    it(what, () => {
      const { readings, pending } = stored(text);
      const plan = planReport({
        pending,
        readingSince: (takenAt) => structuredClone(readings.find(({ since }) => since === takenAt)),
        lastTakenAt,
        headTimestamp,
        now: 10_000,
        slotDuration: D,
        grace: GRACE,
      });
      expect(show(plan.send), "sent").to.equal(sent);
      expect(plan.restart ? show([plan.restart]) : "", "restarted").to.equal(restarted);
      expect(show(plan.evidence), "evidence").to.equal(evidence);
    });
  }

  describe("after the clock was an hour ahead and was set right", () => {
    const { readings, pending } = stored("60>120 0>150 150>180 0>3700 3700>3720");
    const planAt = (headTimestamp: number, now: number) =>
      planReport({
        pending,
        readingSince: (takenAt) => readings.find(({ since }) => since === takenAt),
        lastTakenAt: 60,
        headTimestamp,
        now,
        slotDuration: D,
        grace: GRACE,
      });

    it("what it dated too late is evidence, not energy of an hour to come", () => {
      const { send, evidence } = planAt(190, 190);
      expect(show(send)).to.equal("60>120");
      expect(show(evidence)).to.equal("0>3700 3700>3720");
    });

    it("what continues the chain from too late an instant keeps nothing from being sent", () => {
      const { readings: ahead, pending: waiting } = stored("60>900 0>150 150>180");
      const { send, evidence } = planReport({
        pending: waiting,
        readingSince: (takenAt) => ahead.find(({ since }) => since === takenAt),
        lastTakenAt: 60,
        headTimestamp: 190,
        now: 190,
        slotDuration: D,
        grace: GRACE,
      });
      expect(show(send)).to.equal("0>150 150>180");
      expect(show(evidence)).to.equal("60>900");
    });

    it("nothing is thrown away because the clock, or the chain, is behind", () => {
      expect(show(planAt(3_720, 190).evidence)).to.equal("");
      expect(show(planAt(190, 3_720).evidence)).to.equal("");
    });
  });

  it("sends a backlog in batches", () => {
    const { readings, pending } = stored(Array.from({ length: 100 }, (_, i) => `${i + 1}>${i + 2}`).join(" "));
    const plan = planReport({
      pending,
      readingSince: (takenAt) => readings.find(({ since }) => since === takenAt),
      lastTakenAt: 1,
      headTimestamp: 120,
      now: 120,
      slotDuration: D,
      grace: GRACE,
    });
    expect(plan.send).to.have.length(40);
    expect(plan.send[0]!.since).to.equal(1);
  });
});
