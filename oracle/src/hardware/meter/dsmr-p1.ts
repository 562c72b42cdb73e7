import { z } from "zod";
import { type Clock, systemClock } from "../../clock.ts";
import { baudRate, serialPath } from "../schemas.ts";
import { openSerial, SerialError, type SerialPort } from "../transport/serial.ts";
import { DeviceError, type DriverInfo, type EnergyMeter, type MeterSample } from "../types.ts";
import { type Arrival, TelegramReader } from "./p1/reader.ts";
import { type Telegram, TelegramError, parseTelegram } from "./p1/telegram.ts";
import { floor, times } from "./register.ts";

/**
 * How versions differ on the wire (P1 Companion Standards 2.2, 4.2.2 and 5.0.2, section 5): before DSMR 4 9600 baud, 7 bits,
 * even parity, no checksum; from 4 on 115200 baud, 8 bits, CRC. Version 5 sends every second, all others every ten.
 */
const VERSIONS = {
  "2.2": { baudRate: 9600, checked: false, everyMs: 10_000 },
  "4": { baudRate: 115_200, checked: true, everyMs: 10_000 },
  "5": { baudRate: 115_200, checked: true, everyMs: 1_000 },
} as const;

/** The customer port (P1) of Dutch, Belgian, Luxembourgish and Swedish meters. */
export const dsmrP1Schema = z.strictObject({
  driver: z.literal("dsmr-p1"),
  serial: z.strictObject({ path: serialPath, baudRate: baudRate.optional() }),
  /** 2.2 (also for 3), 4, or 5 (also Fluvius, Smarty and Swedish meters). */
  version: z.enum(["2.2", "4", "5"], { error: 'expected "2.2", "4" or "5", in quotation marks' }),
  scope: z.enum(["branch", "connection"]),
  maxPowerW: z.int().positive(),
  /** Longest wait for a telegram; three and a half times what the version promises if left out. */
  timeoutMs: z.int().min(100).max(60_000).optional(),
});
export const dsmrP1Info: DriverInfo = {
  kind: "meter",
  driver: "dsmr-p1",
  summary: "customer port P1: DSMR 2.2 to 5, Fluvius, Swedish meters; Luxembourg's Smarty once decrypted",
  needs:
    "a P1 cable (data request line high, inverted receive line), a serial port and the group dialout; pollMs of at least 10000 for version 2.2 and 4, at least 1000 for 5",
  registers: "1 Wh, both directions, sum of the tariffs; wraps with the meter's digits (10⁵, 10⁶ or 10⁸ kWh)",
  example: `driver: dsmr-p1
serial: { path: /dev/serial/by-id/usb-P1-if00-port0 }
version: "5"
scope: connection
maxPowerW: 17250
`,
};
export type DsmrP1Config = z.infer<typeof dsmrP1Schema>;

/** Time between two telegrams by the version, ms: reading more often finds nothing new. */
export function p1IntervalMs({ version }: Pick<DsmrP1Config, "version">): number {
  return VERSIONS[version].everyMs;
}

/** A meter's clock that stands for so long, ms, means that somebody repeats an old telegram. */
const CLOCK_STANDS_MS = 30_000;

/** @param unitsPerKWh energy units in a kWh; registers are converted once, here, rounded down. */
export function createDsmrP1(
  config: DsmrP1Config,
  { unitsPerKWh, clock = systemClock }: { unitsPerKWh: bigint; clock?: Clock },
  open = openSerial,
): EnergyMeter {
  const { path } = config.serial;
  const version = VERSIONS[config.version];
  const { timeoutMs = 3.5 * version.everyMs } = config;
  const name = `P1 meter at ${path}`;
  const unitsPerWh = { num: unitsPerKWh, den: 1_000n };
  let port: Promise<SerialPort> | undefined;
  let newest: Arrival | undefined;
  let wake: (error?: Error) => void = () => undefined;
  let lastTime: { text: string; since: number } | undefined;
  let wrap: bigint | undefined;
  let disposed = false;

  const connect = async (): Promise<SerialPort> => {
    // 8 bits whatever the version: the parity of old versions is the eighth, and checked by the reader.
    const opened = await open({
      path,
      baudRate: config.serial.baudRate ?? version.baudRate,
      parity: "none",
      stopBits: 1,
    });
    const reader = new TelegramReader({ checked: version.checked, evenParity: !version.checked });
    opened.onData((bytes) => {
      // Of several only the newest counts; one that broke counts as well.
      const last = reader.push(bytes, clock.monotonicMs()).at(-1);
      if (!last) return;
      newest = last;
      wake();
    });
    opened.closed.catch((error: unknown) => {
      port = undefined;
      wake(error as Error);
    });
    if (disposed) opened.close();
    return opened;
  };

  /** The newest telegram that nobody has read yet, or the next one. */
  const next = async (signal: AbortSignal): Promise<Arrival> => {
    const fresh = take();
    if (fresh) return fresh;
    const done = new AbortController();
    try {
      return await new Promise<Arrival>((resolve, reject) => {
        wake = (error) => {
          const arrival = take();
          if (error) reject(error);
          else if (arrival) resolve(arrival);
        };
        signal.addEventListener("abort", () => reject(signal.reason as Error), { signal: done.signal, once: true });
        clock.sleep(timeoutMs, done.signal).then(
          () => reject(new SerialError(silence(path, timeoutMs))),
          () => undefined,
        );
      });
    } finally {
      wake = () => undefined;
      done.abort();
    }
  };

  const take = (): Arrival | undefined => {
    const arrival = newest;
    newest = undefined;
    return arrival && clock.monotonicMs() - arrival.at <= timeoutMs ? arrival : undefined;
  };

  const parse = (arrival: Arrival): Telegram => {
    if ("problem" in arrival) throw new TelegramError(arrival.problem);
    const telegram = parseTelegram(arrival.bytes, version.checked);
    const { time } = telegram;
    if (time === undefined) return telegram;
    if (lastTime?.text !== time) lastTime = { text: time, since: arrival.at };
    if (arrival.at - lastTime.since >= CLOCK_STANDS_MS) {
      throw new TelegramError(`the meter's clock stands at ${time}: an old telegram is repeated`);
    }
    return telegram;
  };

  const read = async (signal: AbortSignal): Promise<MeterSample> => {
    signal.throwIfAborted();
    port ??= connect();
    await port.catch((error: unknown) => {
      port = undefined;
      throw error;
    });
    const arrival = await next(signal);
    const telegram = parse(arrival);
    wrap = floor(times({ num: telegram.wrapsAtWh, den: 1n }, unitsPerWh));
    return {
      at: arrival.at,
      imported: floor(times(telegram.imported, unitsPerWh)),
      exported: floor(times(telegram.exported, unitsPerWh)),
      powerW: telegram.powerW,
    };
  };

  return {
    name,
    scope: config.scope,
    maxPowerW: config.maxPowerW,
    resolution: unitsPerKWh / 1_000n,
    get wrap() {
      return wrap;
    },
    latencyMs: version.everyMs + 1_000,
    read: (signal) =>
      read(signal).catch((error: unknown) => {
        if (error instanceof TelegramError || error instanceof SerialError) {
          throw new DeviceError(name, error.message, { cause: error });
        }
        throw error;
      }),
    dispose: async () => {
      disposed = true;
      (await port?.catch(() => undefined))?.close();
      port = undefined;
    },
  };
}

function silence(path: string, ms: number): string {
  return `no telegram within ${ms} ms on ${path}; check the cable (data request line, inverted receive line), the version and the baud rate`;
}
