import { expect } from "chai";
import { ManualClock } from "../clock.ts";
import { buildMicroGrid } from "./build.ts";
import { type MicroGridInput, parseMicroGrid } from "./config.ts";
import { MICRO_JOULE_PER_WH, type MicroGrid, share } from "./grid.ts";
import { changePhysics, type PhysicsChange } from "./truth.ts";

/** Numerical Recipes' 32-bit generator: the same numbers in every run. */
function generator(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const port = 0;
const battery = { capacityWh: 10_000, socWh: 5_000, dischargeLimitW: 6_000, chargeLimitW: 6_000 };

/** A world without sockets: contacts are switched by hand and time is passed by hand. */
function world(
  bus: MicroGridInput["bus"],
  households: { battery?: Partial<typeof battery>; loadW?: number; pvW?: number }[],
) {
  const clock = new ManualClock(Date.UTC(2026, 5, 21, 12));
  const config = parseMicroGrid({
    bus,
    households: households.map(({ battery: own, loadW = 0, pvW = 0 }, i) => ({
      name: `h${i}`,
      meter: { port, map: "siemens-pac3200" },
      board: { port },
      battery: { ...battery, ...own },
      load: { watts: loadW },
      pv: { peakW: pvW },
    })),
  });
  const grid = buildMicroGrid(config, clock);
  const pass = (ms: number) => grid.advanceTo(grid.now + ms);
  const contact = (i: number, name: string, on: boolean) =>
    grid.households[i]!.board!.contacts.get(name)!.switch(on, grid.now, "command");
  const change = (change: PhysicsChange) => changePhysics(grid, change);
  return { grid, pass, contact, change };
}

const wh = (microJoule: bigint) => Number(microJoule) / Number(MICRO_JOULE_PER_WH);

function expectBalance(grid: MicroGrid): void {
  expect(grid.busResidual).to.equal(0n);
  for (const household of grid.households) {
    expect(grid.householdResidual(household), household.name).to.equal(0n);
    expect(
      household.battery!.charge >= 0n && household.battery!.charge <= household.battery!.capacity,
      household.name,
    ).to.equal(true);
  }
}

describe("houses at a connection point", () => {
  it("balance with the utility and the line's losses to the last µJ", () => {
    const clock = new ManualClock(Date.UTC(2026, 5, 21, 12));
    const house = (name: string, watts: number, peakW: number) => ({
      name,
      scope: "connection" as const,
      meter: { port, map: "generic-float64" as const },
      load: { watts },
      pv: { peakW },
    });
    const grid = buildMicroGrid(
      parseMicroGrid({
        bus: { lossFraction: 0.013 },
        households: [house("sunny", 300, 7_000), house("shady", 1_234, 0), house("hungry", 9_999, 0)],
      }),
      clock,
    );
    grid.advanceTo(grid.now + 3_600_000);
    const { sent, received, imported, exported, lost } = grid.feeder;
    expect(sent > 0n && received > 0n && imported > 0n && lost > 0n).to.equal(true);
    expect(exported).to.equal(0n);
    expect(Number(lost) / Number(sent)).to.be.closeTo(0.013, 1e-6);
    expect(grid.feederResidual).to.equal(0n);
  });
});

describe("micro-grid", () => {
  it("carries power only from a closed source to a closed sink", () => {
    const { grid, pass, contact } = world({ lossFraction: 0.015 }, [{}, {}]);
    contact(0, "discharge", true);
    pass(5_000);
    expect(grid.households[0]!.account.sent).to.equal(0n);
    contact(1, "charge", true);
    pass(2_000);
    expect(grid.households[0]!.power).to.equal(6_000_000);
    expect(grid.households[1]!.power).to.equal(-5_910_000);
    contact(0, "discharge", false);
    pass(15);
    expect(grid.households.map(({ power }) => power)).to.deep.equal([0, 0]);
    expectBalance(grid);
  });

  it("moves contacts after their delay and power along the converter's ramp", () => {
    const { grid, pass, contact } = world({ lossFraction: 0 }, [{}, {}]);
    contact(0, "discharge", true);
    contact(1, "charge", true);
    pass(15);
    expect(grid.households[0]!.power).to.equal(0);
    pass(250);
    expect(grid.households[0]!.power).to.be.closeTo(3_000_000, 100_000);
    pass(300);
    expect(grid.households[0]!.power).to.equal(6_000_000);
  });

  it("shares what the weaker side allows in proportion to the limits", () => {
    const { grid, pass, contact } = world({ lossFraction: 0 }, [
      { battery: { dischargeLimitW: 6_000 } },
      { battery: { dischargeLimitW: 3_000 } },
      { battery: { chargeLimitW: 3_000 } },
    ]);
    contact(0, "discharge", true);
    contact(1, "discharge", true);
    contact(2, "charge", true);
    pass(2_000);
    expect(grid.households.map(({ power }) => power)).to.deep.equal([2_000_000, 1_000_000, -3_000_000]);
  });

  it("loses I²R on a bus with a resistance", () => {
    const { grid, pass, contact } = world({ resistanceOhm: 0.5, nominalV: 400 }, [{}, {}]);
    contact(0, "discharge", true);
    contact(1, "charge", true);
    pass(2_000);
    // 15 A through half an ohm.
    expect(grid.households[0]!.power + grid.households[1]!.power).to.be.closeTo(112_500, 1);
    expectBalance(grid);
  });

  it("stops at an empty source and at a full sink", () => {
    for (const own of [{ socWh: 1 }, { socWh: 9_999 }]) {
      const { grid, pass, contact } = world({ lossFraction: 0.02 }, [{ battery: own }, { battery: own }]);
      contact(0, "discharge", true);
      contact(1, "charge", true);
      pass(10_000);
      expect(wh(grid.households[0]!.account.sent)).to.be.closeTo(own.socWh === 1 ? 1 : 1 / 0.98, 0.001);
      expect(grid.households[0]!.power).to.equal(0);
      expectBalance(grid);
    }
  });

  it("stops when a battery is disconnected or a limit is 0", () => {
    const { grid, pass, contact, change } = world({ lossFraction: 0 }, [{}, {}]);
    contact(0, "discharge", true);
    contact(1, "charge", true);
    pass(1_000);
    change({ household: "h0", battery: { connected: false } });
    pass(10);
    expect(grid.households[1]!.power).to.equal(0);
    change({ household: "h0", battery: { connected: true } });
    change({ household: "h1", battery: { chargeLimitW: 0 } });
    pass(1_000);
    expect(grid.households[0]!.power).to.equal(0);
  });

  it("keeps a welded contact closed", () => {
    const { grid, pass, contact, change } = world({ lossFraction: 0 }, [{}, {}]);
    contact(0, "discharge", true);
    contact(1, "charge", true);
    pass(1_000);
    change({ household: "h0", welded: { discharge: true } });
    contact(0, "discharge", false);
    pass(1_000);
    expect(grid.households[0]!.power).to.equal(6_000_000);
    change({ household: "h0", welded: { discharge: false } });
    pass(10);
    expect(grid.households[0]!.power).to.equal(0);
  });

  it("keeps a jammed contact open", () => {
    const { grid, pass, contact, change } = world({ lossFraction: 0 }, [{}, {}]);
    change({ household: "h1", jammed: { charge: true } });
    contact(0, "discharge", true);
    contact(1, "charge", true);
    pass(1_000);
    expect(grid.households[0]!.power).to.equal(0);
    change({ household: "h1", jammed: { charge: false } });
    pass(1_000);
    expect(grid.households[0]!.power).to.equal(6_000_000);
  });

  it("lets sun and load of a house change its battery only", () => {
    const { grid, pass } = world({ lossFraction: 0 }, [
      { loadW: 600 },
      { pvW: 5_000, battery: { socWh: 10_000 } },
      { loadW: 100, battery: { socWh: 0 } },
    ]);
    pass(60_000);
    const [eats, full, empty] = grid.households;
    expect(wh(eats!.battery!.charge)).to.be.closeTo(5_000 - 10, 1e-9);
    expect(wh(full!.account.pv)).to.equal(0);
    expect(wh(full!.account.curtailed)).to.be.greaterThan(50);
    expect(wh(empty!.account.unserved)).to.be.closeTo(100 / 60, 1e-9);
    expect(grid.households.every(({ account }) => account.sent === 0n && account.received === 0n)).to.equal(true);
    expectBalance(grid);
  });

  for (const seed of [1, 2, 3, 4, 5]) {
    it(`balances to the last µJ whatever is switched (seed ${seed})`, () => {
      const random = generator(seed);
      const bus =
        seed % 2
          ? { lossFraction: random(100) / 1_000 }
          : { resistanceOhm: random(2_000) / 1_000, nominalV: 48 + random(400) };
      const { grid, pass, contact, change } = world(
        bus,
        Array.from({ length: 2 + random(5) }, () => ({
          battery: {
            capacityWh: 10,
            socWh: random(10_001) / 1_000,
            dischargeLimitW: random(20_000),
            chargeLimitW: random(20_000),
          },
          loadW: random(3_000),
          pvW: random(9_000),
        })),
      );
      for (let i = 0; i < 400; i++) {
        const at = random(grid.households.length);
        contact(at, random(2) ? "discharge" : "charge", random(3) > 0);
        if (random(10) === 0)
          change({ household: `h${at}`, battery: { connected: random(3) > 0, socWh: random(10_001) / 1_000 } });
        if (random(10) === 0)
          change({ household: `h${at}`, battery: { dischargeLimitW: random(20_000), chargeLimitW: random(20_000) } });
        pass(random(400));
        expectBalance(grid);
      }
      expect(grid.lost > 0n).to.equal(true);
      expect(grid.households.some(({ account }) => account.sent > 0n)).to.equal(true);
    });
  }

  it("splits integers without a rest", () => {
    const random = generator(7);
    for (let i = 0; i < 2_000; i++) {
      const limits = Array.from({ length: 1 + random(8) }, () => random(2) * random(2 ** 31));
      const total = random(limits.reduce((a, b) => a + b, 0) + 1);
      const parts = share(total, limits);
      expect(parts.reduce((a, b) => a + b, 0)).to.equal(total);
      expect(parts.every((part, j) => part >= 0 && part <= limits[j]!)).to.equal(true);
    }
  });
});
