import { expect } from "chai";
import { setTimeout as pause } from "node:timers/promises";
import type { Guest } from "./machine/machine.ts";
import { GPCLR0, GPSET0, Raspberry, functionIn, functionRegister } from "./machine/raspberry.ts";
import { needs, provided } from "./needs.ts";

const HIGH_PIN = 17;
const LOW_PIN = 27;
/** Closes with a high level, and with a low one. */
const RELAYS = {
  high: { driver: "gpio", line: `GPIO${HIGH_PIN}`, activeLow: false },
  low: { driver: "gpio", line: `GPIO${LOW_PIN}`, chip: "pinctrl-bcm2835", activeLow: true },
  rival: { driver: "gpio", line: `GPIO${HIGH_PIN}`, activeLow: false },
  exported: { driver: "gpio", line: "GPIO22", activeLow: true },
  unknown: { driver: "gpio", line: "GPIO99", activeLow: true },
  elsewhere: { driver: "gpio", line: "GPIO5", chip: "pinctrl-rp1", activeLow: true },
};
const LONG_LEASE_MS = 600_000;
/** An emulated processor on a busy computer is hundreds of times slower than a real one. */
const PATIENCE_MS = 60_000;

describe("relay driver gpio on an emulated Raspberry Pi 3B", function () {
  this.timeout(240_000);
  needs("qemu-system-arm");
  let pi: Raspberry;
  let oracle: Guest;

  before(async function () {
    this.timeout(600_000);
    pi = await provided(this, () => Raspberry.boot());
    oracle = await pi.machine.guest("relays.ts", JSON.stringify(RELAYS));
  });

  after(() => pi?.machine.stop());

  const refusal = (command: string): Promise<string> =>
    oracle.ask(command).then(
      () => "",
      (error: Error) => error.message,
    );

  /** Closing ends open when the guard does not answer in time; that is right, and here only slow. */
  const close = async (relay: string, leaseMs: number): Promise<void> => {
    for (const deadline = performance.now() + PATIENCE_MS; ;) {
      const reason = await refusal(`close ${relay} ${leaseMs}`);
      if (reason === "") return;
      if (!reason.includes("its guard process") || performance.now() > deadline) throw new Error(reason);
    }
  };

  /** Waits for a level; returns how long it took, ms. */
  const reaches = async (pin: number, high: boolean): Promise<number> => {
    const since = performance.now();
    while ((await pi.isHigh(pin)) !== high) {
      const waited = performance.now() - since;
      expect(waited, `GPIO${pin} should be ${high ? "high" : "low"}`).to.be.below(PATIENCE_MS);
      await pause(20);
    }
    return performance.now() - since;
  };

  for (const [relay, pin, openRegister, closeRegister] of [
    ["high", HIGH_PIN, GPCLR0, GPSET0],
    ["low", LOW_PIN, GPSET0, GPCLR0],
  ] as const) {
    it(`takes a pin that closes with a ${relay} level without a pulse: level first, then direction`, async () => {
      expect(await pi.isOutput(pin)).to.equal(false);
      const writes = await pi.gpioWrites(() => oracle.ask(`open ${relay}`));
      const moves = (register: number) =>
        writes.findIndex(({ offset, value }) => offset === register && (value >>> pin) & 1);
      const output = writes.findIndex(
        ({ offset, value }) => offset === functionRegister(pin) && functionIn(pin, value) === 1,
      );
      expect(moves(openRegister), "level set").to.be.at.least(0);
      expect(output, "direction set").to.be.greaterThan(moves(openRegister));
      expect(moves(closeRegister), "never at the level that closes").to.equal(-1);
      expect(await pi.isOutput(pin)).to.equal(true);
      expect(await pi.isHigh(pin)).to.equal(relay === "low");
      expect(await oracle.ask(`state ${relay}`)).to.equal("open");
    });
  }

  for (const [relay, pin, closedLevel] of [
    ["high", HIGH_PIN, true],
    ["low", LOW_PIN, false],
  ] as const) {
    it(`closes and opens a contact that closes with a ${relay} level, and reads it back`, async () => {
      await close(relay, LONG_LEASE_MS);
      expect(await pi.isHigh(pin)).to.equal(closedLevel);
      expect(await oracle.ask(`state ${relay}`)).to.equal("closed");
      await oracle.ask(`open ${relay}`);
      expect(await pi.isHigh(pin)).to.equal(!closedLevel);
      expect(await oracle.ask(`state ${relay}`)).to.equal("open");
    });
  }

  it("opens when the lease is not renewed, and not before", async () => {
    await close("high", 10_000);
    await pause(6_000);
    await close("high", 10_000);
    await pause(6_000);
    expect(await pi.isHigh(HIGH_PIN), "renewed").to.equal(true);
    await reaches(HIGH_PIN, false);
  });

  it("opens at the end of the lease while the oracle's event loop stands still", async () => {
    await close("high", 10_000);
    oracle.tell("block 30000");
    const since = performance.now();
    await reaches(HIGH_PIN, false);
    expect(performance.now() - since, "before the oracle is awake again").to.be.below(29_000);
    await oracle.ask("state high");
  });

  it("refuses a line that another oracle has, and says who", async () => {
    expect(await refusal("open rival")).to.include('GPIO17 of pinctrl-bcm2835 is in use by "ioe"');
  });

  it("refuses a line that is exported through sysfs, and says so", async () => {
    const number = await pi.machine.shell(
      'for c in /sys/class/gpio/gpiochip*; do [ "$(cat $c/label)" = pinctrl-bcm2835 ] && cat $c/base; done; true',
    );
    await pi.machine.shell(`echo ${Number(number) + 22} >/sys/class/gpio/export`);
    expect(await refusal("open exported")).to.include('GPIO22 of pinctrl-bcm2835 is in use by "sysfs"');
    await pi.machine.shell(`echo ${Number(number) + 22} >/sys/class/gpio/unexport`);
    expect(await refusal("open exported"), "once it is free").to.equal("");
  });

  it("lists the lines and chips there are when the configuration names others", async () => {
    const line = await refusal("open unknown");
    expect(line).to.include('no GPIO line named "GPIO99"').and.include("GPIO16, GPIO17, GPIO18");
    const chip = await refusal("open elsewhere");
    expect(chip).to.include('no GPIO chip "pinctrl-rp1"').and.include("pinctrl-bcm2835 (/dev/gpiochip");
  });

  it("opens through the guard when the oracle is killed, and the next oracle gets the lines", async function () {
    this.timeout(400_000);
    await close("high", LONG_LEASE_MS);
    await close("low", LONG_LEASE_MS);
    expect([await pi.isHigh(HIGH_PIN), await pi.isHigh(LOW_PIN)]).to.deep.equal([true, false]);
    // The shell stays busy: when it reports the death on the emulated serial line, QEMU can hang.
    const killed = pi.machine.shell(`kill -9 ${oracle.pid}; sleep 10`);
    const ms = [await reaches(HIGH_PIN, false), await reaches(LOW_PIN, true)];
    console.log(`      open within ${Math.round(ms[0]! + ms[1]!)} ms of the kill, seen from outside`);

    await killed;
    oracle = await pi.machine.guest("relays.ts", JSON.stringify(RELAYS));
    await oracle.ask("open high");
    await close("low", LONG_LEASE_MS);
    expect(await pi.isHigh(LOW_PIN)).to.equal(false);
  });

  it("opens when its guard is killed, and closes again under a new one", async () => {
    await close("high", LONG_LEASE_MS);
    await pi.machine.shell(`kill -9 ${await guardsOf(oracle)}`);
    await reaches(HIGH_PIN, false);
    await close("high", LONG_LEASE_MS);
    expect(await pi.isHigh(HIGH_PIN)).to.equal(true);
    await oracle.ask("open high");
  });

  it("opens and gives its lines back when it is disposed of", async () => {
    await oracle.ask("dispose low");
    expect(await pi.isHigh(LOW_PIN)).to.equal(true);
    await oracle.ask("dispose high");
    expect(await guardsOf(oracle)).to.equal("");
  });

  async function guardsOf({ pid }: Guest): Promise<string> {
    const children = await pi.machine.shell(`cat /proc/${pid}/task/*/children`);
    return children.trim();
  }
});
