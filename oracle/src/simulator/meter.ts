import type { EnergyRegister, MeterMap, PowerRegister } from "../hardware/index.ts";
import { type Rational, encode, inOrder } from "../hardware/meter/register.ts";
import { ILLEGAL_ADDRESS, ILLEGAL_FUNCTION, type ModbusDevice, ModbusException } from "./modbus-server.ts";

/** 1 mWh = 3.6 J. */
const MICRO_JOULE_PER_MILLI_WH = 3_600_000n;
const PARTS_PER_MILLION = 1_000_000n;

/** A meter of a real product: counts in both directions and shows its registers as the product does. */
export class Meter implements ModbusDevice {
  answers = true;
  /** What it counts of the true energy, in millionths; 1 000 000 is a faultless meter. */
  gainPpm = PARTS_PER_MILLION;
  /** What both registers show more than was counted, mWh: another meter was put in its place, or one was set back. */
  offsetMilliWh = 0n;
  /** Every bit it shows is set: NaN, or a product's mark of a missing value. */
  garbage = false;
  readonly map: MeterMap;
  /** What it goes on showing, by address; nothing while it is alive. */
  #frozen: ReadonlyMap<number, number> | undefined;
  readonly #update: () => void;
  /** µJ · 10⁶ */
  #imported: bigint;
  #exported: bigint;
  /** mW, positive when exporting. */
  #power = 0;

  /** @param update brings the world to the present. */
  constructor(map: MeterMap, start: { importedWh: number; exportedWh: number }, update: () => void) {
    this.map = map;
    this.#update = update;
    const fromWh = (wh: number) => BigInt(Math.round(wh * 1_000)) * MICRO_JOULE_PER_MILLI_WH * PARTS_PER_MILLION;
    this.#imported = fromWh(start.importedWh);
    this.#exported = fromWh(start.exportedWh);
  }

  /** Counts a step of constant power. @param milliwatts positive when exporting. */
  count(milliwatts: number, ms: number): void {
    // A product without a register for export takes every direction for consumption.
    this.#power = this.map.exported ? milliwatts : -Math.abs(milliwatts);
    const counted = BigInt(Math.abs(milliwatts) * ms) * this.gainPpm;
    if (this.#power > 0) this.#exported += counted;
    else this.#imported += counted;
  }

  /** Registers in mWh, in the steps of the product. */
  get importedMilliWh(): bigint {
    return this.#inSteps(this.#imported);
  }

  get exportedMilliWh(): bigint {
    return this.#inSteps(this.#exported);
  }

  readRegisters(functionCode: 3 | 4, address: number, words: number): number[] {
    if (functionCode !== this.map.functionCode) throw new ModbusException(ILLEGAL_FUNCTION);
    const readable = this.map.reads.some(
      (read) => address >= read.address && address + words <= read.address + read.words,
    );
    if (!readable) throw new ModbusException(ILLEGAL_ADDRESS);
    if (this.garbage) return Array.from({ length: words }, () => 0xffff);
    const image = this.#frozen ?? this.#image();
    return Array.from({ length: words }, (_, i) => image.get(address + i) ?? 0);
  }

  get frozen(): boolean {
    return this.#frozen !== undefined;
  }

  /** A frozen meter goes on showing what it shows now, as one behind a gateway that has stopped asking it. */
  set frozen(frozen: boolean) {
    if (frozen !== this.frozen) this.#frozen = frozen ? this.#image() : undefined;
  }

  /** All its registers at present, by address. */
  #image(): ReadonlyMap<number, number> {
    this.#update();
    const { imported, exported, power } = this.map;
    const image = new Map<number, number>();
    const put = ({ address: at, type, wordOrder }: EnergyRegister | PowerRegister, value: Rational) => {
      const bytes = inOrder(encode(type, value), wordOrder);
      for (let i = 0; i < bytes.length; i += 2) image.set(at + i / 2, bytes.readUInt16BE(i));
    };
    const counts = (milliWh: bigint, per: Rational): Rational => ({ num: milliWh * per.den, den: 1_000n * per.num });
    put(imported, counts(this.importedMilliWh, imported.wattHours));
    if (exported) put(exported, counts(this.exportedMilliWh, exported.wattHours));
    const milliwatts =
      ((BigInt(this.#power) * this.gainPpm) / PARTS_PER_MILLION) * (power.positive === "export" ? 1n : -1n);
    put(power, counts(milliwatts, power.watts));
    return image;
  }

  #inSteps(counted: bigint): bigint {
    const step = this.map.resolutionMilliWh;
    const milliWh = counted / (MICRO_JOULE_PER_MILLI_WH * PARTS_PER_MILLION) + this.offsetMilliWh;
    const { wrapsAtWh } = this.map;
    return wrapsAtWh === undefined ? (milliWh / step) * step : ((milliWh / step) * step) % (wrapsAtWh * 1_000n);
  }
}
