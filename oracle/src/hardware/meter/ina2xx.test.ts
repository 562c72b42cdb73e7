import { expect } from "chai";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { ManualClock } from "../../clock.ts";
import type { I2cDevice } from "../transport/i2c.ts";
import { meterDriverSchema } from "../index.ts";
import { type Ina2xxConfig, createIna2xx } from "./ina2xx.ts";
import type { ChipName } from "./ina2xx-chips.ts";

const { signal } = new AbortController();
const UNITS_PER_KWH = 1_000_000n;

const base = { driver: "ina2xx", address: 0x40, positive: "export", scope: "branch", maxPowerW: 100 };
/** 10 mΩ and 8 A make 80 mV. */
const configOf = (chip: ChipName, own: Record<string, unknown> = {}) =>
  meterDriverSchema.parse({ ...base, chip, shuntMicroOhm: 10_000, maxCurrentA: 8, ...own }) as Ina2xxConfig;

/** Registers as the chip holds them. */
class Registers {
  readonly words = new Map<number, number>();
  readonly bytes = new Map<number, number>();
  /** Registers that were written. */
  readonly written: number[] = [];

  readonly open = (): I2cDevice => ({
    readWord: (register) => this.words.get(register) ?? 0,
    writeWord: (register, value) => {
      this.written.push(register);
      this.words.set(register, value);
    },
    readBytes: (register) => this.bytes.get(register) ?? 0,
    close: () => undefined,
  });
}

describe("INA2xx meter", () => {
  let folder: string;
  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), "ioe-ina-"))));
  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  function setUp(chip: ChipName, own: Record<string, unknown> = {}, registers = new Registers()) {
    const clock = new ManualClock();
    const context = { unitsPerKWh: UNITS_PER_KWH, stateDir: folder, clock, open: registers.open };
    const meter = createIna2xx(configOf(chip, own), context);
    const read = async (afterMs = 1_000) => {
      await clock.advance(afterMs);
      return meter.read(signal);
    };
    if (chip === "ina226") registers.words.set(0xff, 0x2260);
    if (chip === "ina228") registers.words.set(0x3f, 0x2281);
    return { meter, registers, read };
  }

  /** 5 A and 12 V: 60 W. */
  const set219 = ({ words }: Registers, amperes = 5) => {
    words.set(0x01, (amperes * 1_000) & 0xffff).set(0x02, 3_000 << 3);
  };
  const set226 = ({ words }: Registers, amperes = 5) => {
    words.set(0x01, (amperes * 4_000) & 0xffff).set(0x02, 9_600);
  };
  const set228 = ({ bytes }: Registers, amperes = 5, energy = 0) => {
    bytes.set(0x04, ((amperes * 32_000) & 0xfffff) << 4).set(0x05, 61_440 << 4);
    bytes.set(0x09, energy);
  };

  for (const [chip, set, config] of [
    ["ina219", set219, 0x37ff | (1 << 11)],
    ["ina226", set226, 0x4927],
    ["ina228", set228, 0],
  ] as const) {
    it(`reads 60 W from an ${chip}, in either direction`, async () => {
      const { registers, read } = setUp(chip);
      set(registers);
      expect((await read()).powerW).to.equal(60);
      set(registers, -5);
      expect((await read()).powerW).to.equal(-60);
      if (config !== 0) expect(registers.words.get(0)!.toString(16)).to.equal((config & ~0x1000).toString(16));
    });
  }

  it("sets the chip up once, and again after it lost its supply", async () => {
    const { registers, read } = setUp("ina228");
    set228(registers);
    await read();
    expect(registers.written).to.deep.equal([0, 2, 1]);
    // SHUNT_CAL = R (µΩ) × maximum (A) / 40 with the range of 163.84 mV (SLYS021, section 8.1.2).
    expect(registers.words.get(2)).to.equal(2_000);
    expect(registers.words.get(1)).to.equal(0xbb6b);
    await read();
    expect(registers.written).to.have.length(3);
    registers.words.set(1, 0xfb68);
    await read();
    expect(registers.written).to.have.length(6);
  });

  it("adds up what it sampled, and nothing for a gap", async () => {
    const { registers, read } = setUp("ina226");
    set226(registers);
    expect((await read()).exported).to.equal(0n);
    // 60 W for 60 s are 1 Wh; a unit is a mWh here.
    let last = await read();
    for (let s = 1; s < 60; s++) last = await read();
    expect(last.exported).to.equal(1_000n);
    expect((await read(5_001)).exported).to.equal(1_000n);
    expect((await read(3_000)).exported).to.equal(1_050n);
    expect(last.imported).to.equal(0n);
  });

  it("turns round when the shunt is the other way round, and corrects the gain", async () => {
    const { registers, read } = setUp("ina226", { positive: "import", correctionPpm: -10_000 });
    set226(registers);
    expect((await read()).powerW).to.equal(-59.4);
    expect((await read(5_000)).imported).to.equal(82n);
  });

  it("takes what is below the chip's own error of zero for nothing", async () => {
    const { registers, read } = setUp("ina226");
    registers.words.set(0x01, 4).set(0x02, 9_600);
    expect((await read()).powerW).to.equal(0);
    registers.words.set(0x01, 5);
    expect((await read()).powerW).to.be.above(0);
  });

  it("keeps its registers over a restart and never goes back", async () => {
    const first = setUp("ina219");
    set219(first.registers);
    await first.read();
    const reported = (await first.read(3_000)).exported;
    expect(reported).to.equal(50n);
    // Killed: nothing is written any more.
    const second = setUp("ina219");
    set219(second.registers);
    expect((await second.read()).exported).to.equal(reported);
    expect((await second.read(3_000)).exported).to.equal(100n);
  });

  /** Steps of the INA228's accumulator for so many mWh: 16 × 3.2 × CURRENT_LSB joules each, CURRENT_LSB 8 A / 2¹⁹. */
  const steps = (milliWattHours: number) => Math.floor((milliWattHours * 3.6) / ((51.2 * 8) / 2 ** 19));

  it("books what an INA228 has counted by itself, to the direction of the flow", async () => {
    const { registers, read } = setUp("ina228");
    set228(registers);
    await read();
    set228(registers, 5, steps(40.5));
    expect((await read()).exported).to.equal(40n);
    set228(registers, -5, steps(40.5));
    await read();
    set228(registers, -5, steps(61));
    const { imported, exported } = await read();
    expect([imported, exported]).to.deep.equal([20n, 40n]);
  });

  it("books what an INA228 has counted while nobody asked it, if the direction is beyond doubt", async () => {
    const { registers, read } = setUp("ina228");
    set228(registers);
    await read();
    set228(registers, 5, steps(500.5));
    expect((await read(60_000)).exported).to.equal(500n);
    set228(registers, -5, steps(900));
    const { imported, exported } = await read(60_000);
    expect([imported, exported]).to.deep.equal([0n, 500n]);
    // The service was away, the contact opened; the chip went on.
    const second = setUp("ina228", {}, registers);
    set228(registers, 0, steps(909.5));
    expect((await second.read()).imported).to.equal(9n);
  });

  it("follows the wrap of an INA228's accumulator", async () => {
    const { registers, read } = setUp("ina228");
    await read();
    const nearlyFull = 2 ** 40 - steps(10);
    set228(registers, 5, nearlyFull);
    const before = (await read()).exported;
    set228(registers, 5, steps(7));
    expect((await read()).exported - before).to.equal(17n);
  });

  it("books nothing for an INA228 whose accumulator was reset", async () => {
    const { registers, read } = setUp("ina228");
    set228(registers, 5, 0);
    await read();
    set228(registers, 5, steps(40.5));
    await read();
    registers.words.set(1, 0xfb68); // as it wakes up
    set228(registers, 5, steps(3));
    expect((await read()).exported).to.equal(40n);
    set228(registers, 5, steps(2)); // less without a sign of having been off, and too much for a wrap
    expect((await read()).exported).to.equal(40n);
    set228(registers, 5, steps(4.6));
    expect((await read()).exported).to.equal(43n);
  });

  it("refuses to guess beyond its range", async () => {
    const { registers, read } = setUp("ina226");
    registers.words.set(0x01, 0x7fff).set(0x02, 9_600);
    const error = await read().then(
      () => "",
      (reason: Error) => reason.message,
    );
    expect(error).to.include(
      "at the end of its range (81.92 mV): the current is beyond what shunt and maxCurrentA allow",
    );
  });

  it("notices another chip", async () => {
    const { registers, read } = setUp("ina226");
    registers.words.set(0xff, 0x0190);
    const error = await read().then(
      () => "",
      (reason: Error) => reason.message,
    );
    expect(error).to.include('another chip than ina226 answers (it calls itself 0x19); check "chip" and the address');
  });

  it("says what shunt and chip can measure", () => {
    expect(() => configOf("ina226", { maxCurrentA: 9 })).to.throw("measures up to 8.192 A");
    expect(() => configOf("ina219", { maxPowerW: 300 })).to.throw("8 A at the 26 V an ina219 takes at most are 208 W");
    expect(configOf("ina219", { maxCurrentA: 32 }).maxCurrentA).to.equal(32);
  });
});
