import { type Ground, HISTORY_WH, pause } from "../ground.ts";
import { type Fault, person } from "./fault.ts";

const CONTACTS = ["charge", "discharge"] as const;

export const DEVICE_FAULTS: readonly Fault[] = [
  meterFault("meter silent", 3, { answers: false }, { answers: true }, 25),
  meterFault("NaN", 2, { garbage: true }, { garbage: false }, 15),
  meterFault("frozen meter", 2, { frozen: true }, { frozen: false }, 25),
  meterFault("meter reads less than flows", 1, { gain: 0.8 }, { gain: 1 }, 40),
  {
    name: "impossible jump",
    weight: 2,
    strike: async (ground, n, random) => {
      const offsetWh = offsetOf(n);
      await ground.world.physics(n, { meter: { offsetWh: offsetWh + 5_000 } });
      await pause(random.within(2, 12));
      await ground.world.physics(n, { meter: { offsetWh } });
    },
  },
  {
    name: "registers go back, meter replaced",
    weight: 1,
    restarts: true,
    strike: async (ground, n, random) => {
      const { world } = ground;
      offsets.set(n, offsetOf(n) - random.within(500, 1_500));
      await world.physics(n, { meter: { offsetWh: offsetOf(n) } });
      await pause(random.within(3, 15));
      await world.stopOracle(n);
      await person("meter", "replace", "--config", world.configOf(n));
      await ground.start(n);
    },
  },
  {
    name: "relay board silent",
    weight: 2,
    strike: async ({ world }, n, random) => {
      await world.physics(n, { board: { answers: false } });
      await pause(random.within(2, 25));
      await world.physics(n, { board: { answers: true } });
    },
  },
  {
    name: "relay does not close",
    weight: 1,
    strike: async ({ world }, n, random) => {
      const contact = random.pick(CONTACTS);
      await world.physics(n, { jammed: { [contact]: true } });
      await pause(random.within(10, 40));
      await world.physics(n, { jammed: { [contact]: false } });
    },
  },
  {
    name: "relay does not open (welded), replaced",
    weight: 1,
    restarts: true,
    strike: async (ground, n, random) => {
      const { world } = ground;
      const contact = random.pick(CONTACTS);
      const span = { from: Date.now(), to: Infinity };
      ground.welded.set(n, [...(ground.welded.get(n) ?? []), span]);
      await world.physics(n, { welded: { [contact]: true } });
      await pause(random.within(10, 40));
      await world.stopOracle(n);
      await world.physics(n, { welded: { [contact]: false } });
      await person("relays-off", "--config", world.configOf(n));
      span.to = Date.now();
      await ground.start(n);
    },
  },
  {
    name: "battery drops out",
    weight: 2,
    strike: async ({ world }, n, random) => {
      await world.physics(n, { battery: { connected: false } });
      await pause(random.within(3, 25));
      await world.physics(n, { battery: { connected: true } });
    },
  },
];

type MeterChange = NonNullable<Parameters<Ground["world"]["physics"]>[1]["meter"]>;

function meterFault(name: string, weight: number, broken: MeterChange, mended: MeterChange, longest: number): Fault {
  return {
    name,
    weight,
    strike: async ({ world }, n, random) => {
      await world.physics(n, { meter: broken });
      await pause(random.within(2, longest));
      await world.physics(n, { meter: mended });
    },
  };
}

/** What each meter shows more than it counted, Wh. */
const offsets = new Map<number, number>();

function offsetOf(n: number): number {
  return offsets.get(n) ?? HISTORY_WH;
}
