import type { Reading } from "@ioe/protocol";
import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import { Journal } from "../journal/index.ts";
import { createLogger } from "../log.ts";
import { Reporter } from "./reporter.ts";
import type { SignedReading } from "./readings.ts";

const EPOCH = 1;

describe("reporter", () => {
  it("signs again what an earlier process has signed with the key before, and leaves what that key was for", async () => {
    const journal = new Journal(":memory:", "world");
    const reading = (since: number, takenAt: number, epoch: number, by: string): SignedReading => ({
      ...{ meterId: 1, epoch, since, takenAt, imported: 0n, exported: BigInt(takenAt) },
      signature: `0x${by}${takenAt}`,
    });
    const sign = ({ takenAt }: Reading) => Promise.resolve(`0xnew${takenAt}` as const);
    const kept = reading(60, 120, 0, "old");
    const newer = (by: string) => reading(130, 140, EPOCH, by);
    // The first of a process that did not know of the new key yet.
    for (const each of [kept, reading(120, 130, 0, "old"), newer("old"), reading(140, 180, EPOCH, "new")])
      journal.addReading(each);
    const sent: SignedReading[][] = [];
    let lastTakenAt = 60;
    const reporter = new Reporter({
      meterId: 1,
      chain: {
        meter: () => Promise.resolve({ epoch: EPOCH, epochFromSlot: 2, lastTakenAt }),
        report: (readings) => {
          sent.push(readings);
          return Promise.resolve({ status: "handed" });
        },
      },
      store: journal,
      sign,
      slotDuration: 60,
      grace: 600,
      clock: new ManualClock(200_000),
      log: createLogger({ write: () => undefined }),
    });
    await reporter.wake(200);
    const expected = [kept, reading(120, 130, EPOCH, "new"), newer("new"), reading(140, 180, EPOCH, "new")];
    expect(sent).to.deep.equal([expected]);
    expect(journal.pendingReadings(1)).to.deep.equal(expected);

    // A restart as well is of the key that signs at its instant, not of the one it was signed with.
    journal.addReading(reading(250, 260, 0, "old"));
    lastTakenAt = 190;
    await reporter.wake(270);
    expect(sent.at(-1)).to.deep.equal([reading(0, 260, EPOCH, "new")]);
    journal.close();
  });
});
