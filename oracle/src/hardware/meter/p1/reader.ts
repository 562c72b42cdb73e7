/** Longer than any telegram (DSMR 5 allows texts of 1 024 characters, in hex): what goes on after that is noise. */
const MAX_BYTES = 8_192;
const [SLASH, BANG, NEWLINE] = [0x2f, 0x21, 0x0a];

/** A telegram, or why there is none. `at` is when its first byte arrived. */
export type Arrival = { readonly at: number } & ({ readonly bytes: Buffer } | { readonly problem: string });

/** Cuts what arrives on a P1 line into telegrams. */
export class TelegramReader {
  readonly #checked: boolean;
  readonly #evenParity: boolean;
  #bytes: number[] | undefined;
  #ended = false;
  #broken: string | undefined;
  #at = 0;

  /**
   * @param checked a checksum follows the exclamation mark (DSMR 4 and later).
   * @param evenParity characters are 7 bits with even parity in the eighth (before DSMR 4). Checked here rather than by the
   *   port: the small UART of a Raspberry Pi knows neither 7 bits nor parity.
   */
  constructor({ checked, evenParity }: { checked: boolean; evenParity: boolean }) {
    this.#checked = checked;
    this.#evenParity = evenParity;
  }

  /** @param at monotonic ms. @returns what these bytes have completed. */
  push(bytes: Uint8Array, at: number): Arrival[] {
    const done: Arrival[] = [];
    for (const byte of bytes) {
      const arrival = this.#take(byte, at);
      if (arrival) done.push(arrival);
    }
    return done;
  }

  #take(received: number, at: number): Arrival | undefined {
    const byte = this.#evenParity ? received & 0x7f : received;
    if (byte === SLASH) {
      const half = this.#bytes && this.#end("half a telegram: the next one began before its end");
      this.#begin(at);
      this.#parity(received);
      return half;
    }
    // What comes before the first slash is the rest of a telegram we did not see the beginning of.
    if (!this.#bytes) return undefined;
    this.#bytes.push(byte);
    this.#parity(received);
    if (byte === BANG) this.#ended = true;
    if (this.#ended && (this.#checked ? byte === NEWLINE : true)) return this.#end();
    if (this.#bytes.length > MAX_BYTES) return this.#end(`no end after ${MAX_BYTES} bytes; check the version`);
    return undefined;
  }

  #begin(at: number): void {
    this.#bytes = [SLASH];
    this.#at = at;
    this.#ended = false;
    this.#broken = undefined;
  }

  #parity(byte: number): void {
    if (!this.#evenParity) return;
    let ones = 0;
    for (let rest = byte; rest > 0; rest >>= 1) ones += rest & 1;
    if (ones % 2 === 1) this.#broken ??= "a character with wrong parity; check cable and version";
  }

  #end(problem = this.#broken): Arrival {
    const bytes = Buffer.from(this.#bytes ?? []);
    this.#bytes = undefined;
    return problem === undefined ? { at: this.#at, bytes } : { at: this.#at, problem };
  }
}
