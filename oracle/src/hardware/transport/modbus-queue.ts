import { DeviceError } from "../types.ts";

/** What drivers ask of a device. Addresses are those in the frame, from 0. */
export interface ModbusClient {
  readCoils(address: number, count: number): Promise<{ data: boolean[] }>;
  readHoldingRegisters(address: number, count: number): Promise<{ data: number[]; buffer: Buffer }>;
  readInputRegisters(address: number, count: number): Promise<{ data: number[]; buffer: Buffer }>;
  writeCoil(address: number, on: boolean): Promise<unknown>;
  writeRegister(address: number, value: number): Promise<unknown>;
}

export interface ModbusRequest<T> {
  /** Name of the device for errors. */
  readonly device: string;
  /** What is asked, for errors: "read holding registers 801 to 812". */
  readonly asks: string;
  /** Unit identifier, 0..255; on a serial line the slave address, 1..247. */
  readonly unit: number;
  /**
   * Sends the request. Every request must be repeatable: it is sent a second time when the connection turns out to have
   * been closed by the device since the last one. A `DeviceError` it throws before sending cancels the request.
   */
  run(client: ModbusClient): Promise<T>;
  /** Goes before everything that waits and is not urgent: opening a relay. */
  readonly urgent?: boolean;
  /** Gives up at once, with the signal's reason. */
  readonly signal?: AbortSignal;
}

/** A device's share in the one connection to its host and port, or in its wire. */
export interface ModbusLink {
  /**
   * Requests to one place are sent one after the other (many devices and all RTU lines can do no more). A request takes at
   * most two timeouts (connecting, answering) and on a wire its transmission once its turn has come. An urgent one waits
   * for the request on the wire only and, when it gets no answer on the connection at hand, is tried once more.
   * @throws DeviceError when the device cannot be reached, does not answer in time, or refuses.
   */
  request<T>(request: ModbusRequest<T>): Promise<T>;
  /** Lets go; the last one closes the connection. */
  release(): void;
}

/** Something went wrong with the connection itself; `unanswered` means that the time was up. */
export class ConnectionLost extends Error {
  readonly unanswered: boolean;
  constructor(message: string, unanswered: boolean, options?: ErrorOptions) {
    super(message, options);
    this.unanswered = unanswered;
  }
}

/** An open connection: one request at a time. */
export interface Wire {
  /** @throws ConnectionLost; the device's exception response as an error with `modbusCode`; what the request throws. */
  exchange<T>(request: ModbusRequest<T>, timeoutMs: number): Promise<T>;
  /**
   * After a failure a late answer could be taken for the next one's: makes sure that it is not.
   * @returns false when the connection is of no use any more (and closed).
   */
  resync(): boolean;
  close(): void;
  /** Rejects when the connection ends. */
  readonly closed: Promise<never>;
}

/** A way to devices that can be connected again and again. */
export interface Line {
  readonly where: string;
  connect(timeoutMs: number): Promise<Wire>;
  /** What went wrong and what to check, for the person at the cabinet. `asked`: "when asked to …". */
  explain(error: unknown, context: { unit: number; timeoutMs: number; asked: string }): string;
}

interface Job {
  readonly request: ModbusRequest<unknown>;
  readonly timeoutMs: number;
  readonly settle: (error: Error | undefined, value?: unknown) => void;
  settled: boolean;
}

/** The requests of all devices behind one line, in order. */
export class ModbusQueue {
  readonly #line: Line;
  readonly #waiting: Job[] = [];
  #current: Job | undefined;
  #wire: Wire | undefined;
  /** The exchange on a wire, which ends when the wire does. */
  #exchange: { wire: Wire; lose: (error: unknown) => void } | undefined;
  #closed = false;

  constructor(line: Line) {
    this.#line = line;
  }

  /** @param released called once, when the link's user lets go. */
  link(timeoutMs: number, released: () => void): ModbusLink {
    let gone = false;
    return {
      request: (request) =>
        gone
          ? Promise.reject(new DeviceError(request.device, `asked to ${request.asks} after it was disposed of`))
          : this.#enqueue(request, timeoutMs),
      release: () => {
        if (gone) return;
        gone = true;
        released();
      },
    };
  }

  close(): void {
    this.#closed = true;
    this.#drop();
    for (const job of [...(this.#current ? [this.#current] : []), ...this.#waiting.splice(0)]) {
      job.settle(new DeviceError(job.request.device, `closed before it could ${job.request.asks}`));
    }
  }

  #enqueue<T>(request: ModbusRequest<T>, timeoutMs: number): Promise<T> {
    return new Promise<T>((resolve, reject) => {
      const { signal } = request;
      if (signal?.aborted) {
        reject(signal.reason as Error);
        return;
      }
      const onAbort = () => job.settle(signal?.reason as Error);
      const job: Job = {
        request,
        timeoutMs,
        settled: false,
        settle: (error, value) => {
          if (job.settled) return;
          job.settled = true;
          signal?.removeEventListener("abort", onAbort);
          if (error === undefined) resolve(value as T);
          else reject(error);
        },
      };
      signal?.addEventListener("abort", onAbort, { once: true });
      if (request.urgent) {
        const behind = this.#waiting.findIndex((other) => !other.request.urgent);
        this.#waiting.splice(behind < 0 ? this.#waiting.length : behind, 0, job);
      } else {
        this.#waiting.push(job);
      }
      void this.#work();
    });
  }

  async #work(): Promise<void> {
    if (this.#current) return;
    for (let job = this.#waiting.shift(); job; job = this.#waiting.shift()) {
      if (job.settled) continue;
      this.#current = job;
      try {
        job.settle(undefined, await this.#perform(job));
      } catch (error) {
        job.settle(this.#explain(job, error));
      }
    }
    this.#current = undefined;
  }

  async #perform(job: Job): Promise<unknown> {
    const reused = this.#wire !== undefined;
    try {
      return await this.#attempt(job);
    } catch (error) {
      // An idle connection the device has closed meanwhile, or forgotten, shows itself only when it is used. The wait
      // for an answer is worth repeating for a relay that must open.
      const stale = error instanceof ConnectionLost && (!error.unanswered || job.request.urgent === true);
      if (reused && stale && !job.settled && !this.#closed) return await this.#attempt(job);
      throw error;
    }
  }

  async #attempt({ request, timeoutMs }: Job): Promise<unknown> {
    const wire = (this.#wire ??= await this.#connect(timeoutMs));
    // Not a race with `closed` itself, which would keep every answer until the connection ends.
    const lost = Promise.withResolvers<never>();
    this.#exchange = { wire, lose: lost.reject };
    try {
      return await Promise.race([wire.exchange(request, timeoutMs), lost.promise]);
    } catch (error) {
      // An exception response (the device says no) and a request cancelled before sending leave everything in order.
      const inOrder = modbusException(error) !== undefined || error instanceof DeviceError;
      if (!inOrder && !wire.resync() && this.#wire === wire) this.#wire = undefined;
      throw error;
    } finally {
      this.#exchange = undefined;
    }
  }

  async #connect(timeoutMs: number): Promise<Wire> {
    const wire = await this.#line.connect(timeoutMs);
    wire.closed.catch((error: unknown) => {
      if (this.#wire === wire) this.#wire = undefined;
      if (this.#exchange?.wire === wire) this.#exchange.lose(error);
    });
    if (this.#closed) wire.close();
    return wire;
  }

  #drop(): void {
    this.#wire?.close();
    this.#wire = undefined;
  }

  /** A sentence for the person at the cabinet: what was asked, what happened, what to check. */
  #explain({ request, timeoutMs }: Job, error: unknown): DeviceError {
    if (error instanceof DeviceError) return error;
    const { where } = this.#line;
    const { device, unit } = request;
    const asked = `when asked to ${request.asks}`;
    const code = modbusException(error);
    const say = (text: string) => new DeviceError(device, text, { cause: error });
    if (code === 10 || code === 11) {
      const check = "check the unit id, the bus wiring and the device's power";
      return say(`the gateway ${where} gets no answer from unit ${unit} ${asked}; ${check}`);
    }
    if (code !== undefined) {
      const [does, check] = REFUSALS[code] ?? [`answers with exception ${code}`, "the device's own display or log"];
      return say(`${where} ${does} ${asked}; check ${check}`);
    }
    return say(this.#line.explain(error, { unit, timeoutMs, asked }));
  }
}

/** What the device does with a request it refuses, and what to check, by exception code. */
const REFUSALS: Readonly<Record<number, readonly [does: string, check: string]>> = {
  1: ["does not know this function", "that the configured map or driver fits the device"],
  2: ["has no such address", "the addresses and that the map fits the device"],
  3: ["does not accept this value", "the addresses and units in the configuration"],
  6: ["is busy", "whether other programs talk to it at the same time"],
};

/** The exception code (MODBUS Application Protocol V1.1b3, section 7) if the device answered with an exception. */
export function modbusException(error: unknown): number | undefined {
  const cause = error instanceof DeviceError ? error.cause : error;
  const code = cause instanceof Error ? (cause as { modbusCode?: unknown }).modbusCode : undefined;
  return typeof code === "number" ? code : undefined;
}
