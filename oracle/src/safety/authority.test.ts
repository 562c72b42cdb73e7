import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import { Authority } from "./authority.ts";

describe("authority", () => {
  let clock: ManualClock;
  let expired: number;
  let authority: Authority;

  beforeEach(() => {
    clock = new ManualClock();
    expired = 0;
    authority = new Authority(clock, 120_000, () => expired++);
  });

  it("ends when the contract is not read again in time", async () => {
    expect(authority.valid).to.equal(false);
    authority.renew();
    await clock.advance(119_999);
    expect(authority.valid).to.equal(true);
    await clock.advance(1);
    expect(authority.valid).to.equal(false);
    expect(expired).to.equal(1);
  });

  it("covers three blocks where blocks are slow", () => {
    authority.noteHead({ number: 10n, timestamp: 1_000 });
    authority.noteHead({ number: 12n, timestamp: 1_200 });
    expect(authority.ms).to.equal(300_000);
    authority.noteHead({ number: 12n, timestamp: 1_200 });
    authority.noteHead({ number: 13n, timestamp: 1_201 });
    expect(authority.ms).to.equal(120_000);
  });

  it("lasts ten minutes at most after a chain that stood still for an hour, unless it was configured to last longer", () => {
    const patient = new Authority(clock, 1_800_000, () => undefined);
    for (const each of [authority, patient]) {
      each.noteHead({ number: 10n, timestamp: 1_000 });
      each.noteHead({ number: 11n, timestamp: 4_600 });
    }
    expect(authority.ms).to.equal(600_000);
    expect(patient.ms).to.equal(1_800_000);
  });

  it("ends quietly when nobody needs it any more", async () => {
    authority.renew();
    authority.end();
    await clock.advance(200_000);
    expect(expired).to.equal(0);
  });
});
