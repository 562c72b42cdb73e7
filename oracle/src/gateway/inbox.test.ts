import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import { createLogger } from "../log.ts";
import type { SignedReading } from "../metering/index.ts";
import type { KnownMeter } from "./check.ts";
import { type BatchResult, type Head, Inbox, type InboxChain, keyOf } from "./inbox.ts";

const D = 60;
const START = 6_000;

/** A registry in memory, by the registry's rules for order; a signature is right when it says so. */
class Registry implements InboxChain {
  readonly meters = new Map<number, KnownMeter>();
  readonly batches: SignedReading[][] = [];
  lookUps = 0;
  checked = 0;
  answers = true;
  /** What it says about meters waits for this. */
  hold: Promise<void> | undefined;
  /** Readings in a batch that it manages. */
  most = Infinity;
  limit = 30_000_000n;
  now = START + 600;

  async meter(meterId: number): Promise<KnownMeter | undefined> {
    this.lookUps++;
    await this.hold;
    if (!this.answers) throw new Error("no node answers");
    return this.meters.get(meterId);
  }
  signed({ signature }: SignedReading): Promise<boolean> {
    this.checked++;
    return Promise.resolve(signature === "0x01");
  }
  signedTelemetry(): Promise<boolean> {
    return Promise.resolve(true);
  }
  report(readings: SignedReading[]): Promise<BatchResult | undefined> {
    if (!this.answers || readings.length > this.most) return Promise.reject(new Error("no node answers"));
    this.batches.push(readings);
    const refusals = new Map<string, string | undefined>();
    for (const reading of readings) refusals.set(keyOf(reading), this.take(reading) ? undefined : "OutOfOrder");
    if ([...refusals.values()].every(Boolean)) return Promise.resolve(undefined);
    return Promise.resolve({ transaction: "0xabcd", refusals, gasUsed: 30_000n * BigInt(readings.length) });
  }
  head(): Promise<Head> {
    return this.answers
      ? Promise.resolve({ timestamp: this.now, gasLimit: this.limit })
      : Promise.reject(new Error("no node answers"));
  }
  take({ meterId, since, takenAt, imported, exported }: SignedReading): boolean {
    const last = this.meters.get(meterId)!;
    if (takenAt <= last.lastTakenAt || (since !== 0 && since !== last.lastTakenAt)) return false;
    this.meters.set(meterId, { ...last, lastTakenAt: takenAt, imported, exported });
    return true;
  }
}

function reading(meterId: number, since: number, takenAt: number, change: Partial<SignedReading> = {}): SignedReading {
  return { meterId, epoch: 0, since, takenAt, imported: 0n, exported: BigInt(takenAt), signature: "0x01", ...change };
}

describe("inbox of the gateway", () => {
  let clock: ManualClock;
  let registry: Registry;
  let inbox: Inbox;
  let stop: AbortController;
  let running: Promise<void>;

  beforeEach(() => {
    clock = new ManualClock();
    registry = new Registry();
    stop = new AbortController();
    for (const meterId of [1, 2, 3]) {
      registry.meters.set(meterId, {
        epoch: 0,
        epochFromSlot: 0,
        maxPowerW: 100_000,
        resolution: 1n,
        lastTakenAt: START,
        imported: 0n,
        exported: BigInt(START),
      });
    }
    inbox = new Inbox({
      chain: registry,
      clock,
      log: createLogger({ level: "error" }),
      slotDuration: D,
      unitsPerKWh: 1_000n,
    });
    running = inbox.run(stop.signal);
  });

  afterEach(async () => {
    stop.abort();
    await running;
  });

  const submit = (...readings: SignedReading[]) => inbox.submit(readings, new AbortController().signal);
  const settle = () => clock.advance(1_500);

  it("sends the readings of many meters in one transaction, each meter's in order", async () => {
    const answers = Promise.all([
      submit(reading(1, START, START + 60), reading(1, START + 60, START + 120)),
      submit(reading(2, START, START + 60)),
    ]);
    await settle();
    expect((await answers).flat()).to.deep.equal([
      { meterId: 1, takenAt: START + 60, status: "on-chain", transaction: "0xabcd" },
      { meterId: 1, takenAt: START + 120, status: "on-chain", transaction: "0xabcd" },
      { meterId: 2, takenAt: START + 60, status: "on-chain", transaction: "0xabcd" },
    ]);
    expect(registry.batches.map((batch) => batch.map(keyOf))).to.deep.equal([
      [`1:${START + 60}`, `1:${START + 120}`, `2:${START + 60}`],
    ]);
    expect(inbox.counts).to.include({ relayed: 3, transactions: 1, refused: 0 });
  });

  it("answers the same reading, sent again, with the same transaction, and sends it once", async () => {
    const both = Promise.all([submit(reading(1, START, START + 60)), submit(reading(1, START, START + 60))]);
    await settle();
    expect((await both).flat().map(({ status }) => status)).to.deep.equal(["on-chain", "on-chain"]);
    expect(await submit(reading(1, START, START + 60))).to.deep.equal([
      { meterId: 1, takenAt: START + 60, status: "known" },
    ]);
    expect(registry.batches.flat()).to.have.length(1);
  });

  it("spends nothing on wrong signatures, unknown meters and gaps", async () => {
    const [signature] = await submit(reading(1, START, START + 60, { signature: "0x02" }));
    const [unknown] = await submit(reading(9, START, START + 60));
    const [gap] = await submit(reading(2, START + 60, START + 120));
    expect(signature).to.include({
      status: "refused",
      reason: "the signature is not of the meter's key of that epoch",
    });
    expect(unknown).to.include({ status: "refused", reason: "no meter 9 is registered" });
    expect(gap)
      .to.have.property("reason")
      .that.matches(/last one is of 6000: send those in between first/);
    await settle();
    expect(registry.batches).to.deep.equal([]);
  });

  it("a later reading of somebody who has copied it changes nothing for the meter", async () => {
    const [early] = await submit(reading(1, START + 60, START + 120));
    expect(early).to.include({ status: "refused" });
    const all = submit(reading(1, START, START + 60), reading(1, START + 60, START + 120));
    await settle();
    expect((await all).map(({ status }) => status)).to.deep.equal(["on-chain", "on-chain"]);
  });

  it("goes on from the chain when somebody else has relayed meanwhile", async () => {
    const first = submit(reading(1, START, START + 60));
    await settle();
    await first;
    registry.take(reading(1, START + 60, START + 120));
    const next = submit(reading(1, START + 120, START + 180));
    await settle();
    expect((await next)[0]).to.include({ status: "on-chain" });
  });

  it("drops what was built on a reading that another one overtook, and says so", async () => {
    const mine = submit(reading(1, START, START + 60), reading(1, START + 60, START + 120));
    await clock.advance(0);
    registry.take(reading(1, START, START + 90));
    await settle();
    expect((await mine).map(({ status }) => status)).to.deep.equal(["known", "refused"]);
    expect(inbox.queued).to.equal(0);
  });

  it("waits for the chain's time to pass a reading", async () => {
    const early = submit(reading(1, START, START + 620));
    await settle();
    expect(registry.batches).to.deep.equal([]);
    registry.now += 60;
    await settle();
    expect((await early)[0]).to.include({ status: "on-chain" });
  });

  it("keeps everything while no node answers, and tells those who do not want to wait", async () => {
    await submitAndForget(reading(1, START, START + 60));
    registry.answers = false;
    const patience = new AbortController();
    const again = inbox.submit([reading(1, START, START + 60)], patience.signal);
    await settle();
    patience.abort();
    expect((await again)[0]).to.include({ status: "queued" });
    registry.answers = true;
    await clock.advance(5_000);
    expect(registry.batches.flat()).to.have.length(1);
    expect(inbox.queued).to.equal(0);
  });

  async function submitAndForget(one: SignedReading): Promise<void> {
    void submit(one);
    await clock.advance(0);
  }

  it("fills a third of a block at most", async () => {
    registry.limit = 3n * (60_000n + 87_500n * 2n);
    const readings = [1, 2, 3, 4, 5].map((i) => reading(1, START + (i - 1) * 60, START + i * 60));
    const all = submit(...readings);
    await settle();
    await all;
    // 70 000 gas each and a quarter in reserve, until the first batch shows that it is 30 000.
    expect(registry.batches.map(({ length }) => length)).to.deep.equal([2, 3]);
  });

  it("checks no signature that comes after a forged one in the same request", async () => {
    const checked = registry.checked;
    const forged = [1, 2, 3].map((meterId) => reading(meterId, START, START + 60, { signature: "0x02" }));
    const answers = await submit(...forged, reading(1, START, START + 60));
    expect(answers.map(({ status }) => status)).to.deep.equal(["refused", "refused", "refused", "refused"]);
    expect(registry.checked - checked).to.equal(1);
  });

  it("asks the chain once a second about a meter, however much does not fit to it", async () => {
    const before = registry.lookUps;
    const misfit = reading(1, 1, START + 60, { signature: "0x02" });
    for (let i = 0; i < 100; i++) expect((await submit(misfit))[0]).to.include({ status: "refused" });
    expect(registry.lookUps - before).to.equal(1);
    await clock.advance(1_000);
    await submit(misfit);
    expect(registry.lookUps - before).to.equal(2);
    const own = submit(reading(1, START, START + 60));
    await settle();
    expect((await own)[0]).to.include({ status: "on-chain" });
  });

  it("takes what continues somebody else's reading a second after a stranger's that does not fit", async () => {
    await submit(reading(1, 1, START + 60));
    registry.take(reading(1, START, START + 60));
    await clock.advance(1_000);
    const next = submit(reading(1, START + 60, START + 120));
    await settle();
    expect((await next)[0]).to.include({ status: "on-chain" });
  });

  it("looks at nothing that comes after one that does not fit in the same request", async () => {
    for (const [first, reason] of [
      [reading(1, 1, START + 60), "comes after one that does not fit"],
      [reading(9, START, START + 60), "comes after one of an unknown meter"],
    ] as const) {
      const [lookUps, checked] = [registry.lookUps, registry.checked];
      const [refused, ...rest] = await submit(first, reading(2, START, START + 60), reading(3, 1, START + 60));
      expect(refused).to.include({ status: "refused" }).and.not.include({ reason });
      expect(rest).to.deep.equal([
        { meterId: 2, takenAt: START + 60, status: "refused", reason },
        { meterId: 3, takenAt: START + 60, status: "refused", reason },
      ]);
      expect(registry.lookUps - lookUps).to.equal(1);
      expect(registry.checked).to.equal(checked);
    }
  });

  it("goes on after those that the chain knows already", async () => {
    registry.take(reading(1, START, START + 60));
    const all = submit(reading(1, START, START + 60), reading(1, START + 60, START + 120));
    await settle();
    expect((await all).map(({ status }) => status)).to.deep.equal(["known", "on-chain"]);
  });

  it("answers those who do not want to wait while the chain is asked, and does no work for them later", async () => {
    const { promise, resolve } = Promise.withResolvers<void>();
    registry.hold = promise;
    const before = registry.lookUps;
    const patience = new AbortController();
    const impatient = [1, 2, 3].map((meterId) =>
      inbox.submit([reading(1, START, START + 60 * meterId), reading(meterId, 1, START + 60)], patience.signal),
    );
    await clock.advance(0);
    patience.abort();
    for (const answers of await Promise.all(impatient))
      expect(answers.map(({ status }) => status)).to.deep.equal(["queued", "queued"]);
    resolve();
    await clock.advance(0);
    expect(registry.lookUps - before).to.equal(1);
    expect(inbox.queued, "the one that was being looked at").to.equal(1);
  });

  it("takes nothing from somebody who has hung up", async () => {
    const before = registry.lookUps;
    const answers = await inbox.submit([reading(1, START, START + 60)], AbortSignal.abort());
    expect(answers.map(({ status }) => status)).to.deep.equal(["queued"]);
    await settle();
    expect(registry.lookUps - before).to.equal(0);
    expect(inbox.queued).to.equal(0);
  });

  it("what strangers send in a meter's name takes nothing from what the meter may send", async () => {
    for (let i = 0; i < 200; i++) await submit(reading(1, START, START + 60, { signature: "0x02" }));
    const own = submit(reading(1, START, START + 60));
    await settle();
    expect((await own)[0]).to.include({ status: "on-chain" });
  });

  it("sends smaller batches to a node that does not manage large ones", async () => {
    registry.most = 2;
    const all = submit(...[1, 2, 3, 4, 5, 6, 7].map((i) => reading(1, START + (i - 1) * 60, START + i * 60)));
    await clock.advance(30_000);
    expect((await all).every(({ status }) => status === "on-chain")).to.equal(true);
    expect(Math.max(...registry.batches.map(({ length }) => length))).to.equal(2);
  });

  it("does not let one meter crowd out the others", async () => {
    const many = Array.from({ length: 130 }, (_, i) => reading(1, START + i, START + i + 1));
    const answers = submit(...many);
    const other = submit(reading(2, START, START + 60));
    await settle();
    expect((await other)[0]).to.include({ status: "on-chain" });
    const statuses = (await answers).map(({ status }) => status);
    expect(statuses.filter((status) => status === "on-chain")).to.have.length(120);
    expect(statuses.filter((status) => status === "refused")).to.have.length(10);
  });
});
