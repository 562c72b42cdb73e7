/** The households of `npm start`: batteries on a common DC bus, each behind one meter and two relays. */
import type { DevicePorts, Household } from "./world.ts";

const BATTERY_WH = 10_000;
const CONVERTER_W = 6_000;
const METER_MAX_W = 8_000;
/** Where a battery's electronics say how full it is, in tenths of a percent. */
const GAUGE = { unit: 2, register: 843 };
const METER_MAP = "siemens-pac3200";

/** What stands behind the batteries: enough variety for three, and on from there. */
const VARIETY = [
  { source: "storage", kind: "Battery", pvW: 0, socWh: 2_000, offer: undefined },
  { source: "roof", kind: "Solar", pvW: 8_000, socWh: 8_000, offer: { mode: 0, price: 120_000n, kWh: 2n } },
  { source: "storage", kind: "Battery", pvW: 3_000, socWh: 7_000, offer: { mode: 1, price: 100_000n, kWh: 2n } },
] as const;

export function demoHouseholds(count: number): Household[] {
  return Array.from({ length: count }, (_, i) => {
    const { source, kind, pvW, socWh, offer } = VARIETY[i % VARIETY.length]!;
    return {
      name: `Household ${i + 1} (${source})`,
      kind,
      maxPowerW: METER_MAX_W,
      resolution: 1,
      ...(offer ? { offer } : {}),
      // Not all the same, so that there is a book to look at.
      preferences: {
        lowestSellPrice: 100_000 + 10_000 * (i % 5),
        highestBuyPrice: 260_000 - 10_000 * (i % 5),
        battery: { reservePercent: 50, powerW: CONVERTER_W },
      },
      oracle: switchedBattery,
      physics: (ports) => ({
        name: `household-${i + 1}`,
        meter: { port: ports.meter, unit: 1, map: METER_MAP },
        board: { port: ports.board, unit: 1, coils: { discharge: 0, charge: 1 } },
        battery: {
          capacityWh: BATTERY_WH,
          socWh,
          dischargeLimitW: CONVERTER_W,
          chargeLimitW: CONVERTER_W,
          gauge: { port: ports.board, unit: GAUGE.unit, register: GAUGE.register },
        },
        ...(pvW ? { pv: { peakW: pvW } } : {}),
        load: { formula: "household" },
      }),
    };
  });
}

function switchedBattery(ports: DevicePorts): ReturnType<Household["oracle"]> {
  const coil = (index: number) => ({
    driver: "modbus-coil",
    host: "127.0.0.1",
    port: ports.board,
    unit: 1,
    coil: index,
    watchdog: { register: 0, unitMs: 100 },
  });
  return {
    meter: {
      driver: "modbus",
      host: "127.0.0.1",
      port: ports.meter,
      unit: 1,
      map: METER_MAP,
      scope: "branch",
      maxPowerW: METER_MAX_W,
      pollMs: 500,
    },
    battery: {
      driver: "modbus",
      host: "127.0.0.1",
      port: ports.board,
      unit: GAUGE.unit,
      capacityWh: BATTERY_WH,
      stateOfCharge: { address: GAUGE.register, type: "uint16", scale: 0.1 },
    },
    relays: { discharge: coil(0), charge: coil(1) },
    interlocks: [{ relays: ["charge", "discharge"], deadTimeMs: 500 }],
    routes: [
      { role: "source", peers: "any", relays: ["discharge"], powerW: CONVERTER_W },
      { role: "sink", peers: "any", relays: ["charge"], powerW: CONVERTER_W },
    ],
  };
}
