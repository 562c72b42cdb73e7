/** What traders, faults and the audit have in common: the world, its lines, and what is known of it from outside. */
import { unitEnvironment } from "../../bench/unit.ts";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import type { ChildProcess } from "node:child_process";
import { Wallet } from "ethers";
import { DEMO_ZONE, type ZoneParameters } from "../../deploy/zone.ts";
import { RpcProxy } from "../../test/faults/rpc-proxy.ts";
import { SmallDisk } from "../../test/faults/small-disk.ts";
import { WallClock } from "../../test/faults/wall-clock.ts";
import { NO_ANVIL, startLocalAnvil } from "../../test/system/anvil.ts";
import { World } from "../../test/system/world.ts";
import { householdDir, LOCAL_CHAIN_ACCOUNTS } from "../world.ts";

/** Slots long enough for a delivery's checkpoints, short enough for many of them. */
export const SOAK_ZONE: ZoneParameters = {
  ...DEMO_ZONE,
  slotDuration: 20,
  gateClosure: 6,
  grace: 60,
  claimWindow: 900,
  maxDelivery: 200,
};

/** Relays open so long after the chain was last seen, s. */
export const AUTHORITY_S = 20;
/** What every meter counted before this world began, so that it can be set back, Wh. */
export const HISTORY_WH = 20_000;
const CHAIN_POLL_MS = 1_000;
const METER_POLL_MS = 1_000;
/** Every so manyth household has a wall clock, or a disk, that can fail. */
const CLOCK_EVERY = 4;
const DISK_EVERY = 5;
const DEPOSIT = 500_000_000n;

export const pause = (seconds: number): Promise<void> => new Promise((done) => setTimeout(done, seconds * 1_000));

/** Something that must not be, with the audit's or the fault's words. */
export interface Violation {
  readonly what: string;
  readonly detail: string;
}

/** A time, Unix ms. */
export interface Span {
  readonly from: number;
  to: number;
}

export interface Undone {
  /** Unix ms. */
  readonly at: number;
  readonly depth: number;
}

export class Ground {
  readonly world: World;
  readonly households: readonly number[];
  /** Each household's line to the node. */
  readonly lines: ReadonlyMap<number, RpcProxy>;
  readonly canReorg: boolean;
  readonly violations: Violation[] = [];
  readonly reorgs: Undone[] = [];
  /** Households whose sender is to have no coin just now. */
  readonly withoutCoin = new Set<number>();
  /** When a household's contact could not open. */
  readonly welded = new Map<number, Span[]>();
  /** Households whose wall clock can be set, and those whose journal lies on a disk of their own. */
  readonly clocks = new Map<number, WallClock>();
  readonly disks = new Map<number, SmallDisk>();
  readonly #anvil: ChildProcess | undefined;
  readonly #unit: Record<string, string>;

  private constructor(
    world: World,
    lines: ReadonlyMap<number, RpcProxy>,
    anvil: ChildProcess | undefined,
    unit: Record<string, string>,
  ) {
    this.#unit = unit;
    this.world = world;
    this.lines = lines;
    this.households = [...lines.keys()];
    this.#anvil = anvil;
    this.canReorg = anvil !== undefined;
  }

  /** Chain, contracts, devices, oracles, keeper, and money in the vault. */
  static async open(households: number): Promise<Ground> {
    let anvil: ChildProcess | undefined;
    const onAnvil = async (port: number) => {
      anvil = await startLocalAnvil(port, LOCAL_CHAIN_ACCOUNTS);
    };
    const world = await World.start(households, SOAK_ZONE, 5173, NO_ANVIL ? undefined : onAnvil);
    const numbers = Array.from({ length: households }, (_, i) => i + 1);
    const lines = new Map<number, RpcProxy>();
    for (const n of numbers) lines.set(n, await RpcProxy.to(world.rpcUrl));
    const ground = new Ground(world, lines, anvil, await unitEnvironment(join(world.dir, "cache")));
    await Promise.all(numbers.map((n) => ground.#furnish(n)));
    await world.configureKeeper((config) => ((config.chain as { pollMs: number }).pollMs = CHAIN_POLL_MS));
    await world.startKeeper();
    // Not all at once: each needs a second of a processor.
    for (const n of numbers) await ground.start(n);
    return ground;
  }

  /** Starts a household's oracle as its systemd unit does. */
  start(n: number): Promise<void> {
    return this.world.startOracle(n, { ...this.#unit, ...this.clocks.get(n)?.env });
  }

  /** Starts a household's oracle again that has ended for a reason nobody foresaw. */
  async revive(n: number): Promise<void> {
    if (n === 0 || this.world.pidOf(`oracle-${n}`) !== undefined) return;
    this.violate(`oracle-${n} runs after a fault is mended`, String(this.world.logged(n, "died").at(-1)?.text));
    await this.start(n).catch((error: Error) => this.violate(`oracle-${n} starts again`, error.message));
  }

  async close(): Promise<void> {
    for (const disk of this.disks.values()) disk.unmount();
    await this.world.stop();
    await Promise.all([...this.lines.values()].map((line) => line.close()));
    this.#anvil?.kill();
  }

  /** File of the household's journal. */
  journalOf(n: number): string {
    return join(this.disks.get(n)?.path ?? householdDir(this.world.dir, n), "journal.sqlite");
  }

  async senderOf(n: number): Promise<Wallet> {
    return new Wallet((await readFile(join(householdDir(this.world.dir, n), "sender.key"), "utf8")).trim());
  }

  violate(what: string, detail: string): void {
    this.violations.push({ what, detail });
    console.log(`  VIOLATION ${what}: ${detail}`);
  }

  async #furnish(n: number): Promise<void> {
    const { world } = this;
    await world.configure(n, (config) => {
      config.chain.rpcUrls = [this.lines.get(n)!.url];
      config.chain.pollMs = CHAIN_POLL_MS;
      (config.meter as { pollMs: number }).pollMs = METER_POLL_MS;
      config.safety = { authorityLeaseS: AUTHORITY_S };
      config.delivery = { noFlowTimeoutS: 10 };
    });
    const clock = n % CLOCK_EVERY === 1 && (await WallClock.make(join(world.dir, `clock-${n}`)));
    if (clock) this.clocks.set(n, clock);
    const disk = n % DISK_EVERY === 2 && (await SmallDisk.mount(join(world.dir, `disk-${n}`)));
    if (disk) {
      this.disks.set(n, disk);
      await world.configure(n, (config) => (config.journal = join(disk.path, "journal.sqlite")));
    }
    await world.physics(n, { meter: { offsetWh: HISTORY_WH } });
    await world.deposit(n, DEPOSIT);
    const { vault, auction } = await world.contracts();
    await (await vault.connect(await world.owner(n)).setAllowed(await auction.getAddress(), true)).wait();
  }
}
