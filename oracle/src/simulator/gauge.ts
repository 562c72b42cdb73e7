import type { Battery } from "./grid.ts";
import { ILLEGAL_ADDRESS, type ModbusDevice, ModbusException } from "./modbus-server.ts";

/** A battery's own electronics: one holding register says how full it is, in tenths of a percent, rounded down. */
export class ChargeGauge implements ModbusDevice {
  readonly answers = true;
  readonly #battery: Battery;
  readonly #register: number;
  readonly #present: () => void;

  /** @param present brings the world to the present. */
  constructor(battery: Battery, register: number, present: () => void) {
    this.#battery = battery;
    this.#register = register;
    this.#present = present;
  }

  readRegisters(functionCode: 3 | 4, address: number, words: number): number[] {
    if (functionCode !== 3 || address !== this.#register || words !== 1) throw new ModbusException(ILLEGAL_ADDRESS);
    this.#present();
    return [Number((this.#battery.charge * 1_000n) / this.#battery.capacity)];
  }
}
