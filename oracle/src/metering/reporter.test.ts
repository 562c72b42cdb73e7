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
    for (const each of [reading(60, 120, 0, "old"), reading(120, 130, EPOCH, "old"), reading(130, 180, EPOCH, "new")])
      journal.addReading(each);
    const sent: SignedReading[][] = [];
    const reporter = new Reporter({
      meterId: 1,
      chain: {
        meter: () => Promise.resolve({ epoch: EPOCH, epochFromSlot: 3, lastTakenAt: 60 }),
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
    const expected = [reading(60, 120, 0, "old"), reading(120, 130, EPOCH, "new"), reading(130, 180, EPOCH, "new")];
    expect(sent).to.deep.equal([expected]);
    expect(journal.pendingReadings(1)).to.deep.equal(expected);
    journal.close();
  });
});
