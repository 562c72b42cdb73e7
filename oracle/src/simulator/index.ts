import { type Clock, systemClock } from "../clock.ts";
import { buildMicroGrid } from "./build.ts";
import type { MicroGridConfig } from "./config.ts";
import { type Control, serveControl } from "./control.ts";
import type { MicroGrid } from "./grid.ts";
import { type ModbusDevice, type ModbusServer, PortError, serveModbus } from "./modbus-server.ts";
import { type MicroGridState, type PhysicsChange, changePhysics, truthOf } from "./truth.ts";

export { ConfigError, type MicroGridConfig, type MicroGridInput, loadMicroGrid, parseMicroGrid } from "./config.ts";
export { PortError } from "./modbus-server.ts";
export { ProfileError } from "./profile.ts";
export { type HouseholdState, type MicroGridState, type PhysicsChange, PhysicsError } from "./truth.ts";

/** The world moves whenever a device is asked; in between at least this often, ms, for the watchdogs. */
const TICK_MS = 20;
/** Time for all contacts to fall when the simulator stops, ms. */
const STOP_MS = 50;

export interface Simulator {
  /** The ports in use, by the order of the households; they differ from the configuration where that says 0. */
  readonly ports: {
    readonly control?: number;
    readonly households: readonly { name: string; meter: number; board?: number }[];
  };
  state(): MicroGridState;
  /** Changes something physical. @throws PhysicsError */
  change(change: PhysicsChange): void;
  /** Drops all coils, then closes all ports. */
  stop(): Promise<void>;
}

/**
 * A micro-grid that runs in real time and shows itself as Modbus TCP devices.
 * @throws PortError, ProfileError
 */
export async function startSimulator(config: MicroGridConfig, clock: Clock = systemClock): Promise<Simulator> {
  const grid = buildMicroGrid(config, clock);
  const advance = () => grid.advanceTo(clock.monotonicMs());
  const open: (ModbusServer | Control)[] = [];
  const closeAll = () => Promise.all(open.map((server) => server.close()));
  const stopping = new AbortController();

  const world = {
    state: () => {
      advance();
      return truthOf(grid);
    },
    change: (change: PhysicsChange) => {
      advance();
      changePhysics(grid, change);
    },
  };

  try {
    const portOf = await serveDevices(config, grid, open);
    const control = config.control && (await serveControl(config.control.port, world));
    if (control) open.push(control);
    const ticking = tick(advance, clock, stopping.signal);
    let stopped: Promise<void> | undefined;
    const stop = async () => {
      advance();
      for (const { board } of grid.households) board?.switchAll(false, grid.now, "stop");
      await clock.sleep(STOP_MS);
      advance();
      stopping.abort();
      await ticking;
      await closeAll();
    };
    return {
      ports: { control: control?.port, households: portOf },
      ...world,
      stop: () => (stopped ??= stop()),
    };
  } catch (error) {
    await closeAll();
    throw error;
  }
}

async function tick(advance: () => void, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    advance();
    await clock.sleep(TICK_MS, signal).catch(() => undefined); // aborted: the loop ends
  }
}

/** Devices with the same port are units behind one gateway. */
async function serveDevices(config: MicroGridConfig, grid: MicroGrid, open: (ModbusServer | Control)[]) {
  interface Gateway {
    readonly port: number;
    /** Where the configuration asks for it first. */
    readonly path: string;
    readonly units: Map<number, ModbusDevice>;
    actual: number;
  }
  const gateways = new Map<number | string, Gateway>();
  const join = (address: { port: number; unit: number }, device: ModbusDevice, path: string) => {
    const key = address.port === 0 ? path : address.port;
    const gateway = gateways.get(key) ?? { port: address.port, path, units: new Map(), actual: 0 };
    gateways.set(key, gateway);
    gateway.units.set(address.unit, device);
    return gateway;
  };
  const homes = config.households.map((household, i) => {
    const { name, meter, board, gauge } = grid.households[i]!;
    const at = `households.${i}`;
    const place = household.battery?.gauge;
    if (place && gauge) join(place, gauge, `${at}.battery.gauge.port`);
    return {
      name,
      meter: join(household.meter, meter, `${at}.meter.port`),
      board: household.board && board && join(household.board, board, `${at}.board.port`),
    };
  });
  for (const gateway of gateways.values()) {
    try {
      const server = await serveModbus(config.host, gateway.port, gateway.units);
      open.push(server);
      gateway.actual = server.port;
    } catch (error) {
      throw error instanceof PortError
        ? new PortError(`${gateway.path}: ${error.message}`, { cause: error.cause })
        : error;
    }
  }
  return homes.map(({ name, meter, board }) => ({ name, meter: meter.actual, board: board?.actual }));
}
