import type { Clock } from "../clock.ts";
import { meterMaps } from "../hardware/index.ts";
import { Board } from "./board.ts";
import type { MicroGridConfig } from "./config.ts";
import { type BusLoss, type HouseholdParts, MICRO_JOULE_PER_WH, MicroGrid, type Timetable } from "./grid.ts";
import { ChargeGauge } from "./gauge.ts";
import { Meter } from "./meter.ts";
import { type Profile, clearSkyProfile, constantProfile, householdProfile, loadCsvProfile } from "./profile.ts";

type HouseholdConfig = MicroGridConfig["households"][number];

const DEFAULT_LOSS = 0.015;

/** The world a configuration describes, at the clock's present. It has to be advanced. @throws ProfileError */
export function buildMicroGrid(config: MicroGridConfig, clock: Clock): MicroGrid {
  const start = { monotonicMs: clock.monotonicMs(), unixMs: clock.unixMs() };
  const stepSeconds = config.profile?.stepSeconds ?? 900;
  // Devices are part of the world and are asked between its steps: each question first brings it to the present.
  const present = () => {
    grid.advanceTo(clock.monotonicMs());
    return grid.now;
  };
  const grid: MicroGrid = new MicroGrid(
    busLoss(config.bus),
    timetable(config.profile, start.unixMs),
    config.households.map((household) => build(household, stepSeconds, present)),
    start,
  );
  return grid;
}

function build(config: HouseholdConfig, stepSeconds: number, present: () => number): HouseholdParts {
  const { name, scope, board } = config;
  const battery = config.battery && {
    connected: true,
    capacity: toMicroJoule(config.battery.capacityWh),
    charge: toMicroJoule(config.battery.socWh),
    dischargeLimit: toMilliwatts(config.battery.dischargeLimitW),
    chargeLimit: toMilliwatts(config.battery.chargeLimitW),
  };
  const gauge = config.battery?.gauge;
  return {
    name,
    scope,
    meter: new Meter(meterMaps[config.meter.map], config.meter.start, present),
    board: board && new Board(board, present),
    battery,
    gauge: battery && gauge && new ChargeGauge(battery, gauge.register, present),
    pv: solar(config.pv, stepSeconds),
    load: consumption(config.load, stepSeconds),
  };
}

function solar(pv: HouseholdConfig["pv"], stepSeconds: number): HouseholdParts["pv"] {
  if (!pv) return { peak: 0, profile: constantProfile(0) };
  const profile =
    pv.csv === undefined ? clearSkyProfile(pv, stepSeconds) : loadCsvProfile(pv.csv, stepSeconds, 1_000_000);
  return { peak: toMilliwatts(pv.peakW), profile };
}

function consumption(load: HouseholdConfig["load"], stepSeconds: number): Profile {
  if (!load) return constantProfile(0);
  if ("csv" in load) return loadCsvProfile(load.csv, stepSeconds, 1_000);
  if ("formula" in load) return householdProfile(load.averageW, stepSeconds);
  return constantProfile(toMilliwatts(load.watts));
}

function busLoss({ nominalV, lossFraction, resistanceOhm }: MicroGridConfig["bus"]): BusLoss {
  return resistanceOhm === undefined ? { lossFraction: lossFraction ?? DEFAULT_LOSS } : { resistanceOhm, nominalV };
}

function timetable(profile: MicroGridConfig["profile"], nowUnixMs: number): Timetable {
  if (!profile) {
    const quarter = 900_000;
    const startsAtUnixMs = Math.floor(nowUnixMs / quarter) * quarter;
    return { slotMs: quarter, startsAtUnixMs, firstStep: (startsAtUnixMs % 86_400_000) / quarter };
  }
  const slotMs = profile.slotSeconds * 1_000;
  const startsAtUnixMs =
    profile.startsAt === undefined ? Math.floor(nowUnixMs / slotMs) * slotMs : profile.startsAt * 1_000;
  return { slotMs, startsAtUnixMs, firstStep: profile.firstStep };
}

export function toMicroJoule(wattHours: number): bigint {
  return (BigInt(Math.round(wattHours * 1_000_000)) * MICRO_JOULE_PER_WH) / 1_000_000n;
}

export function toMilliwatts(watts: number): number {
  return Math.round(watts * 1_000);
}
