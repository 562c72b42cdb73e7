import { z } from "zod";
import { type Clock, systemClock } from "../../clock.ts";
import { gpioLine } from "../relay/gpio.ts";
import { type LineEvent, biases } from "../transport/gpio-uapi.ts";
import { type EdgeLine, requestEdges } from "../transport/gpio.ts";
import { type DriverInfo, DeviceError, type EnergyMeter } from "../types.ts";
import { PulseCounter } from "./pulses.ts";
import { StateFile, bigintText } from "./state-file.ts";

/** A meter with a pulse output (S0, EN 62053-31) on a pin of this computer. It counts in one direction. */
export const s0Schema = z.strictObject({
  driver: z.literal("s0"),
  ...gpioLine,
  pulsesPerKWh: z.int().min(1).max(1_000_000),
  direction: z.enum(["export", "import"]),
  /** What the meter's display shows when it is first used, Wh. */
  initialWh: z.int().min(0).default(0),
  /** The output pulls the pin to ground, as an open collector does. */
  activeLow: z.boolean().default(true),
  bias: z.enum(biases).default("pull-up"),
  /** A pulse lasts 30 ms at least (EN 62053-31); what is shorter than this is noise. */
  debounceMs: z.int().min(0).max(100).default(10),
  scope: z.enum(["branch", "connection"]),
  maxPowerW: z.int().positive(),
});
export type S0Config = z.infer<typeof s0Schema>;
export const s0Info: DriverInfo = {
  kind: "meter",
  driver: "s0",
  summary: "meters with a pulse output (S0) on a pin of this computer; one direction",
  needs: "Linux 5.10 or newer, membership of the group gpio",
  registers:
    "steps of one pulse (1 Wh with 1000 pulses per kWh), kept in a file beside the journal, never wrapping; what flows while this computer is off is not counted",
  example: `driver: s0
line: GPIO22
pulsesPerKWh: 1000
direction: import
initialWh: 0
scope: branch
maxPowerW: 3600
`,
};

const stateSchema = z.strictObject({
  pulses: bigintText,
  pulsesPerKWh: z.int(),
});

export interface S0Context {
  unitsPerKWh: bigint;
  /** Folder in which the count is kept. */
  stateDir: string;
  clock?: Clock;
  open?: typeof requestEdges;
}

/**
 * Counts pulses that the kernel has seen, dated and queued. A pulse is on the disk before it is reported: what is reported
 * never goes back, and a power failure loses no more than what nobody has seen.
 */
export function createS0(
  config: S0Config,
  { unitsPerKWh, stateDir, clock = systemClock, open = requestEdges }: S0Context,
): EnergyMeter {
  const name = `meter s0 on ${config.line}`;
  const perKWh = BigInt(config.pulsesPerKWh);
  const initial = (BigInt(config.initialWh) * unitsPerKWh) / 1_000n;
  const file = new StateFile(name, stateDir, `s0-${config.line}`, stateSchema);
  let line: EdgeLine | undefined;
  let counter: PulseCounter | undefined;
  const unwritten: LineEvent[] = [];

  const start = (): PulseCounter => {
    const state = file.read();
    if (state && state.pulsesPerKWh !== config.pulsesPerKWh) {
      const found = `${file.path} was counted with ${state.pulsesPerKWh} pulses per kWh`;
      const hint = "for another meter move the file away and set initialWh";
      throw new DeviceError(name, `${found}, the configuration says ${config.pulsesPerKWh}; ${hint}`);
    }
    return new PulseCounter(BigInt(state?.pulses ?? 0), config.pulsesPerKWh);
  };

  /** Moves what the kernel has queued into the total, past the disk. */
  const count = (counting: PulseCounter, from: EdgeLine): void => {
    unwritten.push(...from.events());
    if (unwritten.length === 0) return;
    file.write({ pulses: String(counting.totalWith(unwritten)), pulsesPerKWh: config.pulsesPerKWh });
    counting.add(unwritten.splice(0));
  };

  return {
    name,
    scope: config.scope,
    maxPowerW: config.maxPowerW,
    resolution: (unitsPerKWh + perKWh - 1n) / perKWh,
    read: (signal) =>
      Promise.try(() => {
        signal.throwIfAborted();
        counter ??= start();
        line ??= open(name, config);
        count(counter, line);
        const at = clock.monotonicMs();
        const register = initial + (counter.total * unitsPerKWh) / perKWh;
        const now = process.hrtime.bigint();
        const powerW = counter.powerAt(now);
        const powerAt = at - counter.sinceNewestMs(now);
        return config.direction === "export"
          ? { at, imported: 0n, exported: register, powerW, powerAt }
          : { at, imported: register, exported: 0n, powerW: 0 - powerW, powerAt };
      }),
    dispose: () => {
      line?.close();
      line = undefined;
      return Promise.resolve();
    },
  };
}
