import { Contact } from "./contact.ts";
import { ILLEGAL_ADDRESS, type ModbusDevice, ModbusException } from "./modbus-server.ts";

export interface BoardConfig {
  /** Name of a contact → its coil. */
  readonly coils: Readonly<Record<string, number>>;
  readonly watchdog: { readonly register: number; readonly unitMs: number };
}

/**
 * A relay board with a host watchdog: a write to its holding register starts the countdown, 0 stops it; when it ends, all
 * coils drop. Reading a coil gives the position of its contact, reading the register the time left.
 */
export class Board implements ModbusDevice {
  readonly contacts: ReadonlyMap<string, Contact>;
  answers = true;
  readonly #byCoil: ReadonlyMap<number, Contact>;
  readonly #watchdog: BoardConfig["watchdog"];
  readonly #now: () => number;
  /** World time, monotonic ms, of the last write to the watchdog. */
  armedAt: number | undefined;
  /** World time, monotonic ms, at which the coils drop. */
  #dropsAt: number | undefined;

  /** @param now brings the world to the present and returns its time. */
  constructor(config: BoardConfig, now: () => number) {
    this.contacts = new Map(Object.keys(config.coils).map((name) => [name, new Contact()]));
    this.#byCoil = new Map([...this.contacts].map(([name, contact]) => [config.coils[name]!, contact]));
    this.#watchdog = config.watchdog;
    this.#now = now;
  }

  step(now: number): void {
    if (this.#dropsAt !== undefined && now >= this.#dropsAt) {
      this.#dropsAt = undefined;
      this.switchAll(false, now, "watchdog");
    }
    for (const contact of this.contacts.values()) contact.step(now);
  }

  switchAll(on: boolean, now: number, cause: "watchdog" | "stop"): void {
    for (const contact of this.contacts.values()) contact.switch(on, now, cause);
  }

  readCoil(address: number): boolean {
    this.#now();
    return this.#contact(address).closed;
  }

  writeCoil(address: number, on: boolean): void {
    this.#contact(address).switch(on, this.#now(), "command");
  }

  readRegisters(functionCode: 3 | 4, address: number, words: number): number[] {
    if (functionCode !== 3 || address !== this.#watchdog.register || words !== 1)
      throw new ModbusException(ILLEGAL_ADDRESS);
    const now = this.#now();
    return [this.#dropsAt === undefined ? 0 : Math.ceil((this.#dropsAt - now) / this.#watchdog.unitMs)];
  }

  writeRegister(address: number, value: number): void {
    if (address !== this.#watchdog.register) throw new ModbusException(ILLEGAL_ADDRESS);
    const now = this.#now();
    this.armedAt = now;
    this.#dropsAt = value === 0 ? undefined : now + value * this.#watchdog.unitMs;
  }

  #contact(address: number): Contact {
    const contact = this.#byCoil.get(address);
    if (!contact) throw new ModbusException(ILLEGAL_ADDRESS);
    return contact;
  }
}
