import { expect } from "chai";
import { setTimeout as pause } from "node:timers/promises";
import { I2cBench } from "./machine/i2c-bench.ts";
import type { MeterReading } from "./machine/guest/meters.ts";
import type { Guest } from "./machine/machine.ts";
import { needs, provided } from "./needs.ts";

/** A shunt of 10 mΩ for 8 A. */
const base = { driver: "ina2xx", bus: "/dev/i2c-0", shuntMicroOhm: 10_000, maxCurrentA: 8, positive: "export" };
const meterOf = (chip: string, address: number, own: object = {}) => ({
  ...base,
  ...own,
  chip,
  address,
  scope: "branch",
  maxPowerW: 100,
});
const METERS = {
  ina219: meterOf("ina219", 0x40),
  ina226: meterOf("ina226", 0x41),
  ina228: meterOf("ina228", 0x44),
  /** An INA219 where the configuration says otherwise. */
  wrong: meterOf("ina226", 0x40),
  nobody: meterOf("ina219", 0x45),
  elsewhere: meterOf("ina219", 0x40, { bus: "/dev/i2c-9" }),
  kernels: meterOf("ina226", 0x46),
};

describe("meter driver ina2xx on the kernel's I²C bus", function () {
  this.timeout(240_000);
  needs("qemu-system-x86");
  let bench: I2cBench;
  let oracle: Guest;

  before(async function () {
    this.timeout(600_000);
    const used = [METERS.ina219, METERS.ina226, METERS.ina228, METERS.kernels];
    bench = await provided(this, () => I2cBench.boot(used.map(({ address }) => address)));
    oracle = await start();
    // Identification registers as the data sheets give them.
    await bench.setWord(METERS.ina226.address, 0xff, 0x2260);
    await bench.setWord(METERS.ina228.address, 0x3f, 0x2281);
  });
  after(() => bench?.machine.stop());

  const start = () => bench.machine.guest("meters.ts", JSON.stringify(METERS));
  const read = async (meter: keyof typeof METERS) => (await oracle.ask(`read ${meter}`)) as MeterReading;
  const refusal = (meter: keyof typeof METERS) =>
    read(meter).then(
      () => "",
      (error: Error) => error.message,
    );

  it("sets an INA219 up and reads 60 W in either direction", async () => {
    const { address } = METERS.ina219;
    await bench.setWord(address, 0x01, 5_000); // 50 mV in steps of 10 µV: 5 A
    await bench.setWord(address, 0x02, 3_000 << 3); // 12 V in steps of 4 mV, above three bits of flags
    expect((await read("ina219")).powerW).to.equal(60);
    // 32 V range, gain /2 for 80 mV, 128 samples of both, continuously.
    expect(await bench.word(address, 0x00)).to.equal(0x2fff);
    await bench.setWord(address, 0x01, 0x1_0000 - 5_000);
    expect((await read("ina219")).powerW).to.equal(-60);
  });

  it("sets an INA226 up and adds up its power between two samples", async () => {
    const { address } = METERS.ina226;
    await bench.setWord(address, 0x01, 20_000); // 50 mV in steps of 2.5 µV: 5 A
    await bench.setWord(address, 0x02, 9_600); // 12 V in steps of 1.25 mV
    const first = await read("ina226");
    expect(first.powerW).to.equal(60);
    expect(await bench.word(address, 0x00)).to.equal(0x4927);
    await pause(2_000);
    const second = await read("ina226");
    const milliWh = (60 * (second.at - first.at)) / 3_600;
    expect(second.exported - first.exported).to.be.closeTo(milliWh, 1);
    expect(second.imported).to.equal(first.imported);
  });

  it("sets an INA228 up and takes energy from the chip's own counter", async () => {
    const { address } = METERS.ina228;
    // The stub's registers overlap: 28 3C 00 is 51.5 mV (164 800 × 312.5 nV), 3C 00 00 is 48 V (245 760 × 195.3125 µV).
    await bench.setBytes(address, 0x04, [0x28, 0x3c, 0x00, 0x00]);
    await bench.setBytes(address, 0x09, [0, 0, 0, 0, 0]);
    const first = await read("ina228");
    expect(first.powerW).to.be.closeTo(247.2, 1e-6);
    // SHUNT_CAL = 13107.2e6 × 8 A / 2¹⁹ × 10 mΩ
    expect(await bench.word(address, 0x02)).to.equal(2_000);
    // A step is 16 × 3.2 × 8 A / 2¹⁹ = 0.78125 mJ: 10 000 of them are 7.8125 J, 2.17 mWh.
    await bench.setBytes(address, 0x09, [0, 0, 0, 0x27, 0x10]);
    const second = await read("ina228");
    expect(second.exported - first.exported).to.be.within(2, 3);
    expect(second.imported).to.equal(first.imported);
  });

  it("keeps what it has reported through kill -9", async () => {
    const before = await read("ina226");
    await bench.machine.shell(`kill -9 ${oracle.pid}; sleep 1`);
    oracle = await start();
    const after = await read("ina226");
    expect(after.exported).to.be.at.least(before.exported);
    expect(after.exported - before.exported).to.be.at.most(1);
  });

  it("refuses a current beyond the range", async () => {
    await bench.setWord(METERS.ina219.address, 0x01, 8_000);
    expect(await refusal("ina219")).to.include("the current is beyond what shunt and maxCurrentA allow");
  });

  it("refuses another chip than the configuration says", async () => {
    expect(await refusal("wrong")).to.match(/another chip than ina226 answers .*check "chip" and the address/);
  });

  it("says what is wrong with an address or a bus", async () => {
    expect(await refusal("nobody")).to.include("no answer from 0x45 on /dev/i2c-0");
    expect(await refusal("elsewhere")).to.include("/dev/i2c-9 does not exist, there is /dev/i2c-0");
  });

  it("refuses a chip that a driver of the kernel has", async () => {
    const { address } = METERS.kernels;
    await bench.machine.shell(`echo dummy 0x${address.toString(16)} >/sys/bus/i2c/devices/i2c-0/new_device`);
    expect(await refusal("kernels")).to.include("a kernel driver has the device at 0x46 on /dev/i2c-0");
  });
});
