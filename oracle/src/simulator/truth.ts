import { z } from "zod";
import { toMicroJoule, toMilliwatts } from "./build.ts";
import type { Movement } from "./contact.ts";
import { type Feeder, type Household, MICRO_JOULE_PER_WH, type MicroGrid } from "./grid.ts";

/** What is really so, for tests and supervision; the oracle and the dApp see the Modbus registers only. */
export interface MicroGridState {
  /** World time, Unix ms. */
  readonly at: number;
  readonly profileStep: number;
  /** Lost on the bus since the start, Wh. */
  readonly lostWh: number;
  /** Sent − received − lost on the bus, µJ; 0. */
  readonly residual: bigint;
  /** At the connection point of the houses on the public grid, µJ; the residual is 0. */
  readonly feeder: Feeder & { residual: bigint };
  readonly households: readonly HouseholdState[];
}

export interface HouseholdState {
  readonly name: string;
  readonly scope: "branch" | "connection";
  /** At the meter's place, W; positive when it leaves the household. */
  readonly powerW: number;
  /** True energies through the meter's place since the start, Wh. */
  readonly sentWh: number;
  readonly receivedWh: number;
  readonly pvWh: number;
  readonly curtailedWh: number;
  readonly loadWh: number;
  readonly unservedWh: number;
  /** In − out − gain of the battery, µJ; 0. */
  readonly residual: bigint;
  readonly battery?: {
    readonly connected: boolean;
    readonly socWh: number;
    readonly dischargeLimitW: number;
    readonly chargeLimitW: number;
  };
  /** Registers as the meter counts them. */
  readonly meter: {
    readonly importedWh: number;
    readonly exportedWh: number;
    readonly answers: boolean;
    readonly gain: number;
  };
  /** When the relay board's watchdog was written last, Unix ms. */
  readonly watchdogArmedAt?: number;
  /** Real positions, and their changes at Unix ms. */
  readonly contacts: Readonly<
    Record<string, { readonly closed: boolean; readonly welded: boolean; readonly history: readonly Movement[] }>
  >;
}

export function truthOf(grid: MicroGrid): MicroGridState {
  return {
    at: grid.unixMs(grid.now),
    profileStep: grid.profileStep,
    lostWh: toWh(grid.lost),
    residual: grid.busResidual,
    feeder: { ...grid.feeder, residual: grid.feederResidual },
    households: grid.households.map((household) => describe(household, grid)),
  };
}

function describe(household: Household, grid: MicroGrid): HouseholdState {
  const { name, scope, account, battery, meter, board, power } = household;
  return {
    name,
    scope,
    powerW: power / 1_000,
    sentWh: toWh(account.sent),
    receivedWh: toWh(account.received),
    pvWh: toWh(account.pv),
    curtailedWh: toWh(account.curtailed),
    loadWh: toWh(account.load),
    unservedWh: toWh(account.unserved),
    residual: grid.householdResidual(household),
    battery: battery && {
      connected: battery.connected,
      socWh: toWh(battery.charge),
      dischargeLimitW: battery.dischargeLimit / 1_000,
      chargeLimitW: battery.chargeLimit / 1_000,
    },
    meter: {
      importedWh: Number(meter.importedMilliWh) / 1_000,
      exportedWh: Number(meter.exportedMilliWh) / 1_000,
      answers: meter.answers,
      gain: Number(meter.gainPpm) / 1_000_000,
    },
    watchdogArmedAt: board?.armedAt === undefined ? undefined : grid.unixMs(board.armedAt),
    contacts: Object.fromEntries(
      [...(board?.contacts ?? [])].map(([contact, { closed, welded, history }]) => [
        contact,
        { closed, welded, history: history.map((movement) => ({ ...movement, at: grid.unixMs(movement.at) })) },
      ]),
    ),
  };
}

/** What can happen to a thing in a cabinet. Only what is named changes. */
export const physicsSchema = z.strictObject({
  household: z.string(),
  battery: z
    .strictObject({
      connected: z.boolean().optional(),
      socWh: z.number().min(0).optional(),
      dischargeLimitW: z.number().min(0).max(1_000_000).optional(),
      chargeLimitW: z.number().min(0).max(1_000_000).optional(),
    })
    .optional(),
  /**
   * `gain` 0.9: it counts nine tenths of what flows. `offsetWh`: what both registers show more than was counted.
   * `frozen`: it goes on showing what it shows now. `garbage`: every bit it shows is set.
   */
  meter: z
    .strictObject({
      answers: z.boolean().optional(),
      gain: z.number().min(0).max(10).optional(),
      offsetWh: z.int().min(0).max(1_000_000_000_000).optional(),
      frozen: z.boolean().optional(),
      garbage: z.boolean().optional(),
    })
    .optional(),
  board: z.strictObject({ answers: z.boolean().optional() }).optional(),
  /** Contact → welded or not: once closed it stays closed. */
  welded: z.record(z.string(), z.boolean()).optional(),
  /** Contact → jammed or not: once open it stays open. */
  jammed: z.record(z.string(), z.boolean()).optional(),
});
export type PhysicsChange = z.infer<typeof physicsSchema>;

/** A change that cannot be made; the message says why. */
export class PhysicsError extends Error {
  override readonly name = "PhysicsError";
}

/** @throws PhysicsError and changes nothing */
export function changePhysics(grid: MicroGrid, change: PhysicsChange): void {
  const household = grid.households.find(({ name }) => name === change.household);
  if (!household) {
    const names = grid.households.map(({ name }) => name).join(", ");
    throw new PhysicsError(`there is no household "${change.household}"; there are ${names}`);
  }
  const { battery, board, meter, account } = household;
  if (change.battery && !battery) throw new PhysicsError(`${household.name} has no battery`);
  if ((change.board || change.welded || change.jammed) && !board)
    throw new PhysicsError(`${household.name} has no relay board`);
  const charge = change.battery?.socWh === undefined ? undefined : toMicroJoule(change.battery.socWh);
  if (battery && charge !== undefined && charge > battery.capacity) {
    throw new PhysicsError(`the battery of ${household.name} holds ${toWh(battery.capacity)} Wh at most`);
  }
  const contactsIn = (named: Readonly<Record<string, boolean>> = {}) =>
    Object.entries(named).map(([name, value]) => {
      const contact = board?.contacts.get(name);
      if (!contact)
        throw new PhysicsError(
          `${household.name} has no contact "${name}"; it has ${[...board!.contacts.keys()].join(", ")}`,
        );
      return { contact, value };
    });
  const [welded, jammed] = [contactsIn(change.welded), contactsIn(change.jammed)];

  if (battery && change.battery) {
    const { connected, dischargeLimitW, chargeLimitW } = change.battery;
    if (charge !== undefined) {
      account.adjusted += charge - battery.charge;
      battery.charge = charge;
    }
    battery.connected = connected ?? battery.connected;
    if (dischargeLimitW !== undefined) battery.dischargeLimit = toMilliwatts(dischargeLimitW);
    if (chargeLimitW !== undefined) battery.chargeLimit = toMilliwatts(chargeLimitW);
  }
  meter.answers = change.meter?.answers ?? meter.answers;
  if (change.meter?.gain !== undefined) meter.gainPpm = BigInt(Math.round(change.meter.gain * 1_000_000));
  if (change.meter?.offsetWh !== undefined) meter.offsetMilliWh = BigInt(change.meter.offsetWh) * 1_000n;
  meter.frozen = change.meter?.frozen ?? meter.frozen;
  meter.garbage = change.meter?.garbage ?? meter.garbage;
  if (board) board.answers = change.board?.answers ?? board.answers;
  for (const { contact, value } of welded) contact.welded = value;
  for (const { contact, value } of jammed) contact.jammed = value;
}

function toWh(microJoule: bigint): number {
  return Number(microJoule) / Number(MICRO_JOULE_PER_WH);
}
