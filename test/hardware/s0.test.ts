import { expect } from "chai";
import { PulseInput } from "./machine/pulse-input.ts";
import type { MeterReading } from "./machine/guest/meters.ts";
import type { Guest } from "./machine/machine.ts";
import { needs, provided } from "./needs.ts";

const METER = {
  driver: "s0",
  line: "GPIO22",
  pulsesPerKWh: 1_000,
  direction: "import",
  activeLow: false,
  // The button is clean; a busy host shows the machine a pulse of 100 ms so late that it would look too short.
  debounceMs: 0,
  scope: "branch",
  maxPowerW: 3_600,
};
/** mWh of one pulse. */
const PULSE = 1_000;

describe("meter driver s0 on a line that is pulsed from outside", function () {
  this.timeout(240_000);
  needs("qemu-system-arm", "device-tree-compiler");
  let board: PulseInput;
  let oracle: Guest;

  const start = () => board.machine.guest("meters.ts", JSON.stringify({ meter: METER }));
  const read = async () => (await oracle.ask("read meter")) as MeterReading;
  const imported = async () => (await read()).imported;

  before(async function () {
    this.timeout(600_000);
    board = await provided(this, () => PulseInput.boot(METER.line));
    oracle = await start();
  });
  after(() => board?.machine.stop());

  it("counts every pulse that the kernel has seen since the line was taken, once", async () => {
    expect(await imported()).to.equal(0);
    await board.pulses(7);
    expect(await imported()).to.equal(7 * PULSE);
    expect(await imported()).to.equal(7 * PULSE);
  });

  it("takes power from the kernel's dates of the pulses, against the direction of the register", async () => {
    const before = await read();
    await board.pulses(4);
    const after = await read();
    // 4 Wh came between the two readings; at the pulses' own rate, all of it within less time.
    const meanW = (4 * 3_600_000) / (after.at - before.at);
    expect(-after.powerW).to.be.above(meanW / 2);
  });

  it("loses no pulse while its event loop stands still", async () => {
    const before = await imported();
    oracle.tell("block 5000");
    await board.pulses(5);
    expect(await imported()).to.equal(before + 5 * PULSE);
  });

  it("goes on after kill -9 where its last reading was, without what nobody counted meanwhile", async () => {
    await board.pulses(2);
    const before = await imported();
    await board.machine.shell(`kill -9 ${oracle.pid}; sleep 1`);
    await board.pulses(3);
    oracle = await start();
    expect(await imported()).to.equal(before);
    await board.pulses(1);
    expect(await imported()).to.equal(before + PULSE);
  });
});
