/**
 * Oracle processes with simulated Modbus TCP devices and a chain process, as tests run them: how long a purchase takes
 * to move a contact, and how soon a contact opens when the meter shows too much or nothing. Instants come from the
 * oracles' own log and from the contacts' own history.
 */
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { QUICK_ZONE, freePorts, until, World } from "../test/system/world.ts";
import type { DevicePorts, Household } from "../tools/world.ts";
import { unitEnvironment } from "./unit.ts";

/** Readings stay in time for twenty minutes. */
export const ZONE = { ...QUICK_ZONE, grace: 1_200, claimWindow: 1_800 };
export const POLL_MS = 500;
const PAIRS = 2;
/** More than `safety.minOpenMs`. */
const MIN_OPEN_MS = 2_500;
/** Much power, so that the smallest trades are over in seconds. */
const MOST_POWER_W = 80_000;
const CONVERTER_W = 60_000;
/** What the meter shows of the converter's power is above its limit, and yet possible. */
const TOO_MUCH = 1.4;
/** Wh */
const ENERGY = 30n;
const LARGE_ENERGY = 10_000n;
const ON_OFFER = 1_000_000n;
const PRICE = 120_000n;
const CONTACT = { source: "discharge", sink: "charge" } as const;
type Role = keyof typeof CONTACT;

export interface Switching {
  /** Purchase handed over by the block loop → the sink's contact closed; checkpoint's head → the source's; ms. */
  readonly sink: number[];
  readonly source: number[];
  /** Fault → contact open, in polls. */
  readonly overLimit: number[];
  readonly stale: number[];
  /** Start of the process → first head of the chain handled, ms. */
  readonly coldStart: number[];
  readonly memory: { readonly start: number; readonly end: number; readonly minutes: number };
}

/** Two pairs with batteries, and a meter without an oracle at the end. */
export function households(): Household[] {
  return Array.from({ length: 2 * PAIRS + 1 }, (_, i) => ({
    name: `Battery ${i + 1}`,
    kind: "Battery",
    maxPowerW: MOST_POWER_W,
    resolution: 1,
    oracle: (ports) => devices(ports),
    physics: ({ meter, board }) => ({
      name: `household-${i + 1}`,
      meter: { port: meter, unit: 1, map: "generic-float64" },
      board: { port: board, unit: 1 },
      battery: {
        capacityWh: 2_000_000,
        socWh: 1_000_000,
        dischargeLimitW: CONVERTER_W,
        chargeLimitW: CONVERTER_W,
      },
    }),
  }));
}

function devices({ meter, board }: DevicePorts): ReturnType<Household["oracle"]> {
  const at = (port: number) => ({ host: "127.0.0.1", port, unit: 1 });
  const coil = (index: number) => ({
    driver: "modbus-coil",
    ...at(board),
    coil: index,
    watchdog: { register: 0, unitMs: 100 },
  });
  return {
    meter: {
      driver: "modbus",
      ...at(meter),
      map: "generic-float64",
      scope: "branch",
      maxPowerW: MOST_POWER_W,
      pollMs: POLL_MS,
    },
    relays: { discharge: coil(0), charge: coil(1) },
    interlocks: [{ relays: ["charge", "discharge"], deadTimeMs: 500 }],
    routes: [
      { role: "source", peers: "any", relays: ["discharge"], powerW: CONVERTER_W },
      { role: "sink", peers: "any", relays: ["charge"], powerW: CONVERTER_W },
    ],
  };
}

/**
 * @param purchases of all pairs together.
 * @param rounds of each fault and pair.
 * @param minutes the first oracle runs at least, for its memory.
 */
export async function measureSwitching(
  world: World,
  { purchases, rounds, minutes }: { purchases: number; rounds: number; minutes: number },
): Promise<Switching> {
  const result = { sink: [], source: [], overLimit: [], stale: [], coldStart: [] } as unknown as Switching;
  const metricsPort = await freePorts(1);
  const pairs = Array.from({ length: PAIRS }, (_, i) => ({ buyer: 2 * i + 1, seller: 2 * i + 2 }));
  await world.configure(1, (config) => (config.metrics = { port: metricsPort }));
  for (let n = 1; n <= 2 * PAIRS; n++) {
    await world.configure(n, (config) => (config.log = { level: "debug" }));
    result.coldStart.push(await start(world, n));
  }
  const startedAt = Date.now();
  const memoryAtStart = await residentMemory(metricsPort);
  const listings = new Map<number, bigint>();
  for (const { buyer, seller } of pairs) {
    await world.deposit(buyer, 500_000_000n);
    listings.set(seller, await world.list(seller, ON_OFFER, PRICE));
  }

  // A contact that has just opened stays so for a while, for its own sake, at the start too: no delay of the oracle's.
  await pause(MIN_OPEN_MS);
  await Promise.all(
    pairs.map(async ({ buyer, seller }) => {
      for (let i = 0; i < purchases / PAIRS; i++) {
        const { id, block, at } = await buy(world, listings.get(seller)!, buyer, ENERGY);
        await closed(world, id);
        await pause(MIN_OPEN_MS);
        const sink = await sinkLatency(world, buyer, id, at);
        const source = await sourceLatency(world, { buyer, seller }, block, at);
        if (sink !== undefined) result.sink.push(sink);
        if (source !== undefined) result.source.push(source);
      }
    }),
  );
  for (let round = 0; round < rounds; round++) {
    for (const pair of pairs) {
      result.overLimit.push(await overLimit(world, pair, listings.get(pair.seller)!));
      await world.stopOracle(pair.seller);
      result.coldStart.push(await start(world, pair.seller));
      result.stale.push(...(await stale(world, pair, listings.get(pair.seller)!)));
    }
  }
  await until(
    "the minutes to pass",
    () => Promise.resolve(Date.now() - startedAt >= minutes * 60_000),
    minutes * 61 + 1,
  );
  const memory = {
    start: memoryAtStart,
    end: await residentMemory(metricsPort),
    minutes: Math.round((Date.now() - startedAt) / 60_000),
  };
  return { ...result, memory };
}

async function start(world: World, n: number): Promise<number> {
  const env = await unitEnvironment(join(world.dir, "cache"));
  const handled = world.nextLog(n, "chain.head");
  const since = Date.now();
  await world.startOracle(n, env);
  return Date.parse((await handled).time as string) - since;
}

async function buy(world: World, listingId: bigint, n: number, energy: bigint) {
  const { market } = await world.contracts();
  const buyer = market.connect(await world.owner(n));
  const at = Date.now();
  // Estimated, it could be too little: the other pair trades in the same blocks.
  const sent = await buyer.buy(listingId, n, energy, 1_000_000n, (await world.now()) + 150, { gasLimit: 500_000 });
  const { blockNumber } = (await sent.wait())!;
  const [event] = await market.queryFilter(market.filters.DeliveryRequested(undefined, undefined, n), blockNumber);
  return { id: event!.args.deliveryId, block: blockNumber, at };
}

async function closed(world: World, id: bigint): Promise<void> {
  const { market } = await world.contracts();
  await until(`delivery ${id} to be closed`, async () => (await market.deliveryOf(id)).closed, 200);
}

/** When a household's contact first moved that way after an instant, Unix ms; nothing when it has not. */
async function moved(world: World, n: number, role: Role, closes: boolean, after: number): Promise<number | undefined> {
  const { history } = await world.contact(n, CONTACT[role]);
  return history.find((movement) => movement.closed === closes && movement.at >= after)?.at;
}

function opening(world: World, n: number, role: Role, after: number): Promise<number> {
  return until(`contact ${CONTACT[role]} of household ${n} to open`, () => moved(world, n, role, false, after));
}

/** Nothing when the purchase was not carried out: on a machine that is too busy, meters are not read in time. */
async function sinkLatency(world: World, buyer: number, id: bigint, after: number): Promise<number | undefined> {
  const line = world.logged(buyer, "delivery.requested").find(({ deliveryId }) => deliveryId === String(id));
  if (!line) throw new Error(`oracle ${buyer} has not seen delivery ${id}`);
  const closedAt = await moved(world, buyer, "sink", true, after);
  return closedAt && closedAt - Date.parse(line.time as string);
}

/** Nothing as well when the source did not wait for the sink's checkpoint. */
async function sourceLatency(
  world: World,
  { buyer, seller }: { buyer: number; seller: number },
  block: number,
  after: number,
): Promise<number | undefined> {
  const { registry } = await world.contracts();
  const purchasedAt = (await world.ethers.provider.getBlock(block))!.timestamp;
  const readings = await registry.queryFilter(registry.filters.ReadingAccepted(buyer), block);
  const checkpoint = readings.find((reading) => reading.args.takenAt >= BigInt(purchasedAt));
  const head = world
    .logged(seller, "chain.head")
    .find(({ number }) => checkpoint && Number(number) >= checkpoint.blockNumber);
  if (!head) return undefined;
  const closedAt = (await moved(world, seller, "source", true, after)) ?? -Infinity;
  const latency = closedAt - Date.parse(head.time as string);
  return latency >= 0 ? latency : undefined;
}

/** Buys a lot and waits until it flows; the work has the instant of its fault and the household it was made in. */
async function whileFlowing<T>(
  world: World,
  { buyer, seller }: { buyer: number; seller: number },
  listing: bigint,
  work: () => Promise<T>,
): Promise<T> {
  const { market } = await world.contracts();
  const { id } = await buy(world, listing, buyer, LARGE_ENERGY);
  const state = await until(
    "energy to flow",
    async () => {
      if ((await world.truth()).households[seller - 1]!.powerW >= CONVERTER_W * 0.99) return "flows";
      return (await market.deliveryOf(id)).closed && "ended";
    },
    200,
  );
  if (state === "ended") return whileFlowing(world, { buyer, seller }, listing, work);
  const result = await work();
  for (const n of [buyer, seller]) {
    // The oracles may be faster.
    const ending = market.connect(await world.owner(n)).close(id);
    await ending.then((sent) => sent.wait()).catch(() => undefined);
  }
  await closed(world, id);
  return result;
}

function overLimit(world: World, pair: { buyer: number; seller: number }, listing: bigint): Promise<number> {
  return whileFlowing(world, pair, listing, async () => {
    const fault = world.nextLog(pair.seller, "safety.fault");
    const at = Date.now();
    await world.physics(pair.seller, { meter: { gain: TOO_MUCH } });
    const openedAt = await opening(world, pair.seller, "source", at);
    if ((await fault).fault !== "OverPower") throw new Error(`the relay opened for ${String((await fault).reason)}`);
    await world.physics(pair.seller, { meter: { gain: 1 } });
    return (openedAt - at) / POLL_MS;
  });
}

/** Of both: each stands alone with a meter that is silent. */
async function stale(world: World, pair: { buyer: number; seller: number }, listing: bigint): Promise<number[]> {
  return whileFlowing(world, pair, listing, async () => {
    const at = Date.now();
    await Promise.all([pair.seller, pair.buyer].map((n) => world.physics(n, { meter: { answers: false } })));
    const opened = [await opening(world, pair.seller, "source", at), await opening(world, pair.buyer, "sink", at)];
    await Promise.all([pair.seller, pair.buyer].map((n) => world.physics(n, { meter: { answers: true } })));
    return opened.map((openedAt) => (openedAt - at) / POLL_MS);
  });
}

/** MiB */
async function residentMemory(port: number): Promise<number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const [, bytes] = /^process_resident_memory_bytes (\d+)/m.exec(text) ?? [];
  if (bytes === undefined) throw new Error("the oracle does not say how much memory it uses");
  return Number(bytes) / 2 ** 20;
}
