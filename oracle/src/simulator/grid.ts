import type { Board } from "./board.ts";
import type { ChargeGauge } from "./gauge.ts";
import type { Meter } from "./meter.ts";
import type { Profile } from "./profile.ts";

/**
 * The physics. Powers are integers in mW and time runs in steps of whole ms, so energies are integers in µJ (mW·ms) and
 * the books balance to the last one.
 */

/** Length of a step, ms. */
export const STEP_MS = 5;
/** Time a converter takes from nothing to its limit, ms. */
const RAMP_MS = 500;
export const MICRO_JOULE_PER_WH = 3_600_000_000n;

/** Loss on the common bus: a share of what is sent, or what its resistance makes of the current. */
export type BusLoss = { readonly lossFraction: number } | { readonly resistanceOhm: number; readonly nominalV: number };

export interface Battery {
  connected: boolean;
  readonly capacity: bigint;
  /** State of charge, µJ. */
  charge: bigint;
  /** Limits of the two converters, mW. */
  dischargeLimit: number;
  chargeLimit: number;
}

export interface HouseholdParts {
  readonly name: string;
  /**
   * `branch`: the meter sits between the battery and the bus. `connection`: it sits between the house and the public
   * grid, and the battery, if there is one, is in the house.
   */
  readonly scope: "branch" | "connection";
  readonly meter: Meter;
  readonly board?: Board;
  readonly battery?: Battery;
  /** Shows the battery's state of charge to whoever asks. */
  readonly gauge?: ChargeGauge;
  /** Millionths of the peak power, mW. */
  readonly pv: { readonly peak: number; readonly profile: Profile };
  /** mW */
  readonly load: Profile;
}

/** Energies since the start, µJ. */
export interface Account {
  /** Through the meter's place, out of and into the household. */
  sent: bigint;
  received: bigint;
  pv: bigint;
  /** Sunshine a full battery had no room for. */
  curtailed: bigint;
  load: bigint;
  /** Load an empty battery could not serve. */
  unserved: bigint;
  /** Put into the battery by hand. */
  adjusted: bigint;
}

export interface Household extends HouseholdParts {
  readonly account: Account;
  readonly initialCharge: bigint;
  /** Position of the two converters' ramps, mW. */
  readonly ramp: { discharge: number; charge: number };
  /** Power through the meter's place in the last step, mW; positive when it leaves the household. */
  power: number;
}

/** When profile steps are played: step `firstStep + i` in the slot number i counted from `startsAt`. */
export interface Timetable {
  readonly slotMs: number;
  readonly startsAtUnixMs: number;
  readonly firstStep: number;
}

/** Energies at the common connection point of the houses on the public grid since the start, µJ. */
export interface Feeder {
  /** Out of and into the houses. */
  sent: bigint;
  received: bigint;
  /** From and to the utility. */
  imported: bigint;
  exported: bigint;
  /** On the lines between the houses and the connection point. */
  lost: bigint;
}

export class MicroGrid {
  readonly households: readonly Household[];
  readonly feeder: Feeder = { sent: 0n, received: 0n, imported: 0n, exported: 0n, lost: 0n };
  /** Lost on the bus since the start, µJ. */
  lost = 0n;
  readonly #loss: BusLoss;
  readonly #timetable: Timetable;
  #now: number;
  readonly #unixOffset: number;

  /** @param start the present on both clocks, ms. */
  constructor(
    loss: BusLoss,
    timetable: Timetable,
    households: readonly HouseholdParts[],
    start: { monotonicMs: number; unixMs: number },
  ) {
    this.#loss = loss;
    this.#timetable = timetable;
    this.#now = start.monotonicMs;
    this.#unixOffset = start.unixMs - start.monotonicMs;
    this.households = households.map((parts) => ({
      ...parts,
      account: { sent: 0n, received: 0n, pv: 0n, curtailed: 0n, load: 0n, unserved: 0n, adjusted: 0n },
      initialCharge: parts.battery?.charge ?? 0n,
      ramp: { discharge: 0, charge: 0 },
      power: 0,
    }));
  }

  /** World time, monotonic ms. */
  get now(): number {
    return this.#now;
  }

  unixMs(at: number): number {
    return at + this.#unixOffset;
  }

  /** Lives through all whole steps up to a monotonic time, ms. */
  advanceTo(monotonicMs: number): void {
    while (this.#now + STEP_MS <= monotonicMs) this.#step();
  }

  /** The profile step that is played now. */
  get profileStep(): number {
    const { slotMs, startsAtUnixMs, firstStep } = this.#timetable;
    return firstStep + Math.max(0, Math.floor((this.unixMs(this.#now) - startsAtUnixMs) / slotMs));
  }

  /** Sent = received + lost, µJ; 0 or the physics is wrong. */
  get busResidual(): bigint {
    let residual = -this.lost;
    for (const { scope, account } of this.households)
      if (scope === "branch") residual += account.sent - account.received;
    return residual;
  }

  /** Sent + from the utility = received + to the utility + lost, µJ; 0 or the physics is wrong. */
  get feederResidual(): bigint {
    const { sent, received, imported, exported, lost } = this.feeder;
    return sent + imported - received - exported - lost;
  }

  /** What goes into a household = what comes out + what its battery holds more, µJ; 0 or the physics is wrong. */
  householdResidual({ account, battery, initialCharge }: Household): bigint {
    const gained = (battery?.charge ?? 0n) - initialCharge;
    return account.pv + account.received + account.adjusted - account.load - account.sent - gained;
  }

  #step(): void {
    const step = this.profileStep;
    const plans = this.households.map((household) => {
      household.board?.step(this.#now);
      const net = liveInHouse(household, step);
      return { household, net };
    });
    this.#exchangeOnBus(
      plans.filter(({ household }) => household.scope === "branch").map(({ household }) => household),
    );
    const houses = plans.filter(({ household }) => household.scope === "connection");
    for (const { household, net } of houses) exchangeWithGrid(household, net);
    this.#balanceFeeder(houses.map(({ household }) => household.power));
    this.#now += STEP_MS;
  }

  #exchangeOnBus(households: readonly Household[]): void {
    const outLimits = households.map((household) => dischargeRoom(household));
    const inLimits = households.map((household) => chargeRoom(household));
    const flows = sum(outLimits) > 0 && sum(inLimits) > 0;
    for (const household of households) {
      ramp(household, "discharge", flows && isClosed(household, "discharge"));
      ramp(household, "charge", flows && isClosed(household, "charge"));
    }
    const outs = outLimits.map((limit, i) => Math.min(limit, households[i]!.ramp.discharge));
    const ins = inLimits.map((limit, i) => Math.min(limit, households[i]!.ramp.charge));
    const sent = Math.min(sum(outs), neededFor(sum(ins), this.#loss));
    const received = Math.min(Math.max(0, sent - Math.ceil(lossOf(sent, this.#loss))), sum(ins));
    const sentBy = share(sent, outs);
    const receivedBy = share(received, ins);
    this.lost += energy(sent - received);
    for (const [i, household] of households.entries()) {
      discharge(household, sentBy[i]!);
      charge(household, receivedBy[i]!);
      household.account.sent += energy(sentBy[i]!);
      household.account.received += energy(receivedBy[i]!);
      household.power = sentBy[i]! - receivedBy[i]!;
      household.meter.count(household.power, STEP_MS);
    }
  }

  /** What the houses send reaches the others less the line's loss; the utility takes or gives the difference. */
  #balanceFeeder(powers: readonly number[]): void {
    const sent = sum(powers.filter((power) => power > 0));
    const received = -sum(powers.filter((power) => power < 0));
    const lost = Math.ceil(lossOf(sent, this.#loss));
    const surplus = sent - lost - received;
    this.feeder.sent += energy(sent);
    this.feeder.received += energy(received);
    this.feeder.lost += energy(lost);
    if (surplus > 0) this.feeder.exported += energy(surplus);
    else this.feeder.imported += energy(-surplus);
  }
}

/**
 * Sun and load of one step. On a branch they feed and drain the battery behind the meter; what does not fit is curtailed
 * or unserved.
 * @returns their difference, mW, for a house on the public grid.
 */
function liveInHouse({ scope, battery, pv, load, account }: Household, step: number): number {
  const sun = Math.floor((pv.peak * pv.profile.at(step)) / 1_000_000);
  const wanted = load.at(step);
  if (scope === "connection" || !battery) {
    account.pv += energy(sun);
    account.load += energy(wanted);
    return sun - wanted;
  }
  const stored = battery.connected ? battery.charge : 0n;
  const room = battery.connected ? battery.capacity - battery.charge : 0n;
  const served = min(energy(wanted), energy(sun) + stored);
  const used = min(energy(sun), served + room);
  account.pv += used;
  account.curtailed += energy(sun) - used;
  account.load += served;
  account.unserved += energy(wanted) - served;
  battery.charge += used - served;
  return 0;
}

function exchangeWithGrid(household: Household, net: number): void {
  ramp(household, "discharge", isClosed(household, "discharge"));
  ramp(household, "charge", isClosed(household, "charge"));
  const out = Math.min(dischargeRoom(household), household.ramp.discharge);
  const into = Math.min(chargeRoom(household), household.ramp.charge);
  discharge(household, out);
  charge(household, into);
  household.power = net + out - into;
  if (household.power > 0) household.account.sent += energy(household.power);
  else household.account.received += energy(-household.power);
  household.meter.count(household.power, STEP_MS);
}

function isClosed({ board }: Household, contact: "discharge" | "charge"): boolean {
  return board?.contacts.get(contact)?.closed ?? false;
}

/** What the battery can give through its closed contact during a step, mW. */
function dischargeRoom(household: Household): number {
  const { battery } = household;
  if (!battery?.connected || !isClosed(household, "discharge")) return 0;
  return Math.min(battery.dischargeLimit, Number(battery.charge / BigInt(STEP_MS)));
}

function chargeRoom(household: Household): number {
  const { battery } = household;
  if (!battery?.connected || !isClosed(household, "charge")) return 0;
  return Math.min(battery.chargeLimit, Number((battery.capacity - battery.charge) / BigInt(STEP_MS)));
}

/** A converter climbs to its limit while current can flow, and starts from nothing each time. */
function ramp({ ramp, battery }: Household, converter: "discharge" | "charge", runs: boolean): void {
  const limit = (converter === "discharge" ? battery?.dischargeLimit : battery?.chargeLimit) ?? 0;
  ramp[converter] = runs ? Math.min(limit, ramp[converter] + Math.ceil((limit * STEP_MS) / RAMP_MS)) : 0;
}

function discharge({ battery }: Household, milliwatts: number): void {
  if (battery) battery.charge -= energy(milliwatts);
}

function charge({ battery }: Household, milliwatts: number): void {
  if (battery) battery.charge += energy(milliwatts);
}

/** µJ of a step of constant power, mW. */
function energy(milliwatts: number): bigint {
  return BigInt(milliwatts * STEP_MS);
}

/** Loss when `sent` mW leave the sources: a share, or I²R at the nominal voltage. */
function lossOf(sent: number, loss: BusLoss): number {
  return "lossFraction" in loss ? sent * loss.lossFraction : sent ** 2 * lossPerSquare(loss);
}

/** What must be sent, mW, for `wanted` mW to arrive: the inverse of sent − loss(sent). */
function neededFor(wanted: number, loss: BusLoss): number {
  if ("lossFraction" in loss) return Math.ceil(wanted / (1 - loss.lossFraction));
  const k = lossPerSquare(loss);
  if (k === 0) return wanted;
  // k·s² − s + wanted = 0; beyond s = 1/2k more current only heats the line.
  return Math.ceil((1 - Math.sqrt(Math.max(0, 1 - 4 * k * wanted))) / (2 * k));
}

/** P_loss = P²·R/V² in W, hence with mW on both sides R/V²/1000. */
function lossPerSquare({ resistanceOhm, nominalV }: { resistanceOhm: number; nominalV: number }): number {
  return resistanceOhm / nominalV ** 2 / 1_000;
}

/** Splits an integer in proportion to the limits (their sum is not below it); the parts add up to it exactly. */
export function share(total: number, limits: readonly number[]): number[] {
  const whole = sum(limits);
  if (total === 0 || whole === 0) return limits.map(() => 0);
  const parts = limits.map((limit) => Math.min(limit, Math.floor(limit * (total / whole))));
  let rest = total - sum(parts);
  for (let i = 0; rest !== 0; i = (i + 1) % parts.length) {
    if (rest > 0 && parts[i]! < limits[i]!) {
      parts[i]!++;
      rest--;
    } else if (rest < 0 && parts[i]! > 0) {
      parts[i]!--;
      rest++;
    }
  }
  return parts;
}

function sum(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

function min(a: bigint, b: bigint): bigint {
  return a < b ? a : b;
}
