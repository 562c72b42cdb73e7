import { expect } from "chai";
import { as, D, deployZone, Kind, type Meter, type Zone } from "./fixture.ts";

/** Energy of one meter in the slot. */
type Flow = [exported: bigint, imported: bigint];

describe("Feeder check", () => {
  let zone: Zone;
  let slot: number;
  beforeEach(async () => {
    zone = await deployZone();
  });

  const reconcile = async (of = slot) => as(zone.registry, zone.stranger).reconcile(of);

  /** Meters of these kinds whose chains begin at the start of `slot`. */
  async function running(...kinds: number[]): Promise<Meter[]> {
    const meters: Meter[] = [];
    for (const kind of kinds) meters.push(await zone.addMeter(zone.alice, kind));
    await begin(meters);
    return meters;
  }

  async function begin(meters: Meter[]): Promise<void> {
    slot = await zone.nextSlot();
    await zone.at(slot, 1);
    await zone.report(...meters.map((meter) => meter.restart(slot * D)));
  }

  async function end(meters: Meter[], ...flows: Flow[]): Promise<void> {
    await zone.at(slot + 1, 1);
    await zone.report(...meters.map((meter, i) => meter.step((slot + 1) * D, ...flows[i]!)));
  }

  /**
   * A zone that sells 4_000 and uses 10_000, so 6_000 come from the utility. With 1 Wh steps of three meters and 2 % of
   * what all registers show, and losses of 5 % of what is fed in, a feeder import from 5_602 to 6_973 is in order.
   */
  const bounds: [string, bigint, boolean][] = [
    ["what the meters add up to", 6_000n, true],
    ["as little as the meters' errors explain", 5_602n, true],
    ["less than the meters' errors explain", 5_601n, false],
    ["as much as losses and errors explain", 6_973n, true],
    ["more than losses and errors explain", 6_974n, false],
  ];
  for (const [what, imported, balanced] of bounds) {
    it(`${balanced ? "accepts" : "reports"} a connection point that shows ${what}`, async () => {
      const meters = await running(Kind.Solar, Kind.Load, Kind.Grid);
      await end(meters, [4_000n, 0n], [0n, 10_000n], [0n, imported]);
      expect(await zone.registry.reconcile.staticCall(slot)).to.equal(balanced);
      const call = reconcile();
      if (balanced) await expect(call).not.to.emit(zone.registry, "FeederMismatch");
      else await expect(call).to.emit(zone.registry, "FeederMismatch").withArgs(slot, 6_000, imported);
    });
  }

  it("counts what the zone gives to the utility as negative", async () => {
    const meters = await running(Kind.Solar, Kind.Load, Kind.Grid);
    await end(meters, [10_000n, 0n], [0n, 1_000n], [5_000n, 0n]);
    await expect(reconcile()).to.emit(zone.registry, "FeederMismatch").withArgs(slot, -9_000, -5_000);
  });

  it("allows the errors of all that the meters show, also of what the connection point gives to the utility", async () => {
    const meters = await running(Kind.Solar, Kind.Grid);
    // 2 % of 19_118 Wh and four steps of 1 Wh beside the losses, 5 % of 10_000 Wh: 886 Wh may be missing.
    await end(meters, [10_000n, 0n], [9_118n, 0n]);
    await expect(reconcile()).not.to.emit(zone.registry, "FeederMismatch");
  });

  it("adds up several connection points", async () => {
    const meters = await running(Kind.Load, Kind.Grid, Kind.Grid);
    await end(meters, [0n, 5_000n], [1_000n, 0n], [0n, 6_000n]);
    expect(await zone.registry.activeFeeders()).to.equal(2n);
    expect(await zone.registry.feederIn(slot)).to.deep.equal([1_000n, 6_000n, 2n]);
    expect(await zone.registry.totalsIn(slot)).to.deep.equal([0n, 5_000n, 1n]);
    await expect(reconcile()).not.to.emit(zone.registry, "FeederMismatch");
  });

  it("leaves room for two steps of each coarse meter", async () => {
    const load = await zone.addMeter(zone.alice, Kind.Load, { resolution: 1_000 });
    const grid = await zone.addMeter(zone.alice, Kind.Grid);
    await begin([load, grid]);
    await end([load, grid], [0n, 0n], [0n, 1_900n]);
    await expect(reconcile()).not.to.emit(zone.registry, "FeederMismatch");
  });

  it("leaves no room any more for a coarse meter that was taken out", async () => {
    const coarse = await zone.addMeter(zone.alice, Kind.Load, { resolution: 1_000 });
    const load = await zone.addMeter(zone.alice, Kind.Load);
    const grid = await zone.addMeter(zone.alice, Kind.Grid);
    await as(zone.registry, zone.operator).setActive(coarse.id, false);
    await begin([load, grid]);
    await end([load, grid], [0n, 0n], [0n, 1_900n]);
    await expect(reconcile()).to.emit(zone.registry, "FeederMismatch");
  });

  it("needs a connection point that is measured", async () => {
    const meters = await running(Kind.Solar);
    await end(meters, [10n, 0n]);
    await expect(reconcile()).to.be.revertedWithCustomError(zone.registry, "NoFeeder");
  });

  it("waits for every meter", async () => {
    const meters = await running(Kind.Solar, Kind.Load, Kind.Grid);
    const [solar, load, grid] = meters as [Meter, Meter, Meter];
    await end([solar, grid], [0n, 0n], [0n, 0n]);
    await expect(reconcile()).to.be.revertedWithCustomError(zone.registry, "SlotIncomplete").withArgs(slot, 2, 3);
    await zone.report(load.step((slot + 1) * D));
    await expect(reconcile()).not.to.emit(zone.registry, "FeederMismatch");
  });

  it("accuses nobody after the meters of the slot have changed", async () => {
    const meters = await running(Kind.Load, Kind.Grid);
    await zone.at(slot, 10);
    await zone.addMeter(zone.alice, Kind.Load);
    await as(zone.registry, zone.operator).setActive(3, false);
    await end(meters, [0n, 9_000n], [0n, 1n]);
    const changed = await zone.registry.activeSince();
    expect(changed).to.equal(BigInt(slot * D + 10));
    await expect(reconcile()).to.be.revertedWithCustomError(zone.registry, "MetersChanged").withArgs(slot, changed);
  });

  it("looks at a slot whose meters have changed in its first instant", async () => {
    const load = await zone.addMeter(zone.alice, Kind.Load);
    slot = await zone.nextSlot();
    await zone.at(slot, 0);
    const grid = await zone.addMeter(zone.alice, Kind.Grid);
    expect(await zone.registry.activeSince()).to.equal(BigInt(slot * D));
    await zone.at(slot, 1);
    await zone.report(load.restart(slot * D), grid.restart(slot * D));
    await end([load, grid], [0n, 100n], [0n, 100n]);
    await expect(reconcile()).not.to.emit(zone.registry, "FeederMismatch");
  });

  it("no longer looks at a connection point that was taken out", async () => {
    await running(Kind.Load, Kind.Grid);
    await as(zone.registry, zone.operator).setActive(2, false);
    expect(await zone.registry.activeFeeders()).to.equal(0n);
    await expect(reconcile()).to.be.revertedWithCustomError(zone.registry, "NoFeeder");
  });
});
