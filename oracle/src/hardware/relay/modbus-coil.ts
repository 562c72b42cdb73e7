import { z } from "zod";
import { type Clock, systemClock } from "../../clock.ts";
import { address, endpointOf, oneWay, timeoutMs, unguarded } from "../schemas.ts";
import { type ModbusRequest, nameOf, openModbusLink } from "../transport/modbus.ts";
import { DeviceError, StillClosed, type DriverInfo, type RelayDriver, type RelayPosition } from "../types.ts";

/** A coil of a relay board. The board's host watchdog drops all its coils when the register is not written in time. */
export const modbusCoilSchema = z
  .strictObject({
    driver: z.literal("modbus-coil"),
    ...address,
    coil: z.int().min(0).max(65_535),
    /** Holding register of the board's host watchdog: the time to the drop in steps of `unitMs`; 0 is off. */
    watchdog: z.strictObject({ register: z.int().min(0).max(65_535), unitMs: z.int().min(1).max(60_000) }).optional(),
    unguarded,
    /** Time a contact gets to reach its position, ms. */
    settleMs: z.int().min(0).max(5_000).default(200),
    timeoutMs,
  })
  .superRefine(oneWay);
export type ModbusCoilConfig = z.infer<typeof modbusCoilSchema>;
export const modbusCoilInfo: DriverInfo = {
  kind: "relay",
  driver: "modbus-coil",
  summary:
    "coils of a Modbus relay board, over TCP (by itself or behind a gateway) or RTU (serial: { path, baudRate, parity, stopBits })",
  needs: "the board in reach over the network; or a serial port and the group dialout",
  guard: "the board's own host watchdog { register, unitMs }, written before a contact closes and with every renewal",
  example: `driver: modbus-coil
host: 192.168.1.60
port: 502
unit: 1
coil: 0
watchdog: { register: 0, unitMs: 100 }
`,
};
type Watchdog = NonNullable<ModbusCoilConfig["watchdog"]>;

const MAX_STEPS = 0xffff;
const SETTLE_POLL_MS = 10;

/**
 * Coil written with function 5 and read back with function 1. The watchdog is written before a contact closes and with
 * every renewal; opening goes before all other requests to the board and cancels a closing that is under way.
 */
export function createModbusCoil(
  config: ModbusCoilConfig,
  {
    name = `relay ${config.coil} at ${nameOf(endpointOf(config))} unit ${config.unit}`,
    clock = systemClock,
  }: { name?: string; clock?: Clock } = {},
): RelayDriver {
  const { coil, watchdog, unit } = config;
  const link = openModbusLink({ ...endpointOf(config), timeoutMs: config.timeoutMs });
  const board = shareBoard(config);
  const maxLeaseMs = watchdog ? MAX_STEPS * watchdog.unitMs : Number.MAX_SAFE_INTEGER;
  /** Counts the openings, so that a closing notices the one that came after it. */
  let openings = 0;

  const ask = <T>(asks: string, run: ModbusRequest<T>["run"], urgent = false) =>
    link.request({ device: name, asks, unit, run, urgent });

  const readBack = async (urgent: boolean): Promise<RelayPosition> => {
    const { data } = await ask(`read coil ${coil}`, (client) => client.readCoils(coil, 1), urgent);
    return data[0] ? "closed" : "open";
  };

  /** Reads until the contact is where it should be; the time it takes to move is not an error. */
  const reaches = async (wanted: RelayPosition, urgent: boolean): Promise<boolean> => {
    const deadline = clock.monotonicMs() + config.settleMs;
    while ((await readBack(urgent)) !== wanted) {
      if (clock.monotonicMs() >= deadline) return false;
      await clock.sleep(SETTLE_POLL_MS);
    }
    return true;
  };

  const open = async (): Promise<void> => {
    openings++;
    await ask(`open coil ${coil}`, (client) => client.writeCoil(coil, false), true);
    if (!(await reaches("open", true))) {
      const hint = "switch off the supply by hand and replace the relay: its contact may be welded";
      throw new StillClosed(
        name,
        `still reads closed ${config.settleMs} ms after coil ${coil} was switched off; ${hint}`,
      );
    }
    board.leases.delete(coil);
  };

  /** Runs right before a request goes out: what an opening has overtaken must not reach the board any more. */
  const stillWanted = (closing: number): void => {
    if (closing !== openings) throw new DeviceError(name, "was opened while it was being closed");
  };

  const armWatchdog = async ({ register, unitMs }: Watchdog, leaseMs: number, closing: number) => {
    for (const other of board.expired(coil, clock.monotonicMs() + unitMs)) {
      await ask(`open coil ${other}, whose lease is over`, (client) => client.writeCoil(other, false), true);
      board.leases.delete(other);
    }
    const left = Math.min(leaseMs, board.firstEnd(coil) - clock.monotonicMs());
    // 0 would switch the watchdog off.
    const steps = Math.max(1, Math.floor(left / unitMs));
    await ask(`set watchdog register ${register} to ${steps * unitMs} ms`, (client) => {
      stillWanted(closing);
      return client.writeRegister(register, steps);
    });
  };

  const close = async (leaseMs: number): Promise<void> => {
    const shortest = watchdog?.unitMs ?? 1;
    if (!(leaseMs >= shortest && leaseMs <= maxLeaseMs)) {
      throw new RangeError(`${name}: a lease of ${leaseMs} ms is not within ${shortest} to ${maxLeaseMs} ms`);
    }
    const closing = openings;
    board.leases.set(coil, clock.monotonicMs() + leaseMs);
    try {
      if (watchdog) await armWatchdog(watchdog, leaseMs, closing);
      await ask(`close coil ${coil}`, (client) => {
        stillWanted(closing);
        return client.writeCoil(coil, true);
      });
      const closed = await reaches("closed", false);
      stillWanted(closing);
      if (!closed) {
        const hint = "check the coil supply of the board";
        throw new DeviceError(
          name,
          `still reads open ${config.settleMs} ms after coil ${coil} was switched on; ${hint}`,
        );
      }
    } catch (error) {
      // Whether the contact has moved is unknown now. Open is safe; an opening that came meanwhile does it already.
      if (closing === openings) await open().catch((second: unknown) => giveUp(error, second));
      throw error;
    }
  };

  const giveUp = (error: unknown, second: unknown): never => {
    const guard = watchdog ? "its watchdog drops it when the lease ends" : "switch off its supply by hand";
    throw new DeviceError(name, `neither closes nor opens for certain; ${guard} (${text(error)}; ${text(second)})`, {
      cause: error,
    });
  };

  let disposed = false;
  return {
    name,
    caps: { guarded: watchdog !== undefined, maxLeaseMs },
    open,
    close,
    state: () => readBack(false),
    dispose: async () => {
      if (disposed) return;
      disposed = true;
      try {
        await open();
      } finally {
        board.release();
        link.release();
      }
    },
  };
}

/**
 * A board has one watchdog for all its coils. Its time is the shortest of their leases, lest the renewal of one coil
 * keeps another one closed beyond its own.
 */
class Board {
  /** Coil → monotonic time its lease ends. */
  readonly leases = new Map<number, number>();
  readonly #key: string;
  #users = 0;

  constructor(key: string) {
    this.#key = key;
  }

  /** When the first lease of the other coils ends. */
  firstEnd(except: number): number {
    return Math.min(...[...this.leases].filter(([coil]) => coil !== except).map(([, end]) => end));
  }

  expired(except: number, now: number): number[] {
    return [...this.leases].filter(([coil, end]) => coil !== except && end < now).map(([coil]) => coil);
  }

  join(): this {
    this.#users++;
    return this;
  }

  release(): void {
    if (--this.#users === 0) boards.delete(this.#key);
  }
}

const boards = new Map<string, Board>();

function shareBoard(config: ModbusCoilConfig): Board {
  const key = `${nameOf(endpointOf(config))} ${config.unit}`;
  const board = boards.get(key) ?? new Board(key);
  boards.set(key, board);
  return board.join();
}

function text(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}
