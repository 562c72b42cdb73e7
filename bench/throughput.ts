/** How fast readings are signed, stored and brought to a chain process, and how fast a chain that was missed is read. */
import { mkdir, mkdtemp, readFile, rm } from "node:fs/promises";
import { join } from "node:path";
import { privateKeyToAccount } from "viem/accounts";
import { BlockLoop, createChainClient, Outbox, worldOf, Zone } from "../oracle/src/chain/index.ts";
import { systemClock as clock } from "../oracle/src/clock.ts";
import { Journal } from "../oracle/src/journal/index.ts";
import { createLogger } from "../oracle/src/log.ts";
import { MeterKey, Reporter, type SignedReading } from "../oracle/src/metering/index.ts";
import type { World } from "../test/system/world.ts";
import { ROOT } from "../tools/cli.ts";
import { householdDir } from "../tools/world.ts";

/** All within the zone's grace, one a second. */
const READINGS = 1_000;
const BLOCKS = 5_000;
const MINED_AT_ONCE = 100;

export interface Throughput {
  readonly signedPerSecond: number;
  readonly storedPerSecond: number;
  readonly relayedPerSecond: number;
  readonly blocksPerSecond: number;
}

/** @param n a household without an oracle. */
export async function measureThroughput(world: World, n: number): Promise<Throughput> {
  // Not in the system's folder for temporary files: that may be memory, and what is stored has to reach a disk.
  await mkdir(join(ROOT, "cache"), { recursive: true });
  const dir = await mkdtemp(join(ROOT, "cache", "bench-"));
  const journal = new Journal(join(dir, "journal.sqlite"), worldOf(world.deployment));
  const stop = new AbortController();
  try {
    const client = createChainClient([world.rpcUrl]);
    const log = createLogger({ level: "warn" });
    const account = await keyOf(world, n, "sender");
    const { chainId } = world.deployment;
    const outbox = new Outbox({ client, account, chainId, store: journal, clock, log, pollMs: 50 }, stop.signal);
    const zone = new Zone(client, world.deployment, outbox);
    const { domain, slotDuration, grace } = await zone.constants();
    const key = new MeterKey(await keyOf(world, n, "meter"), domain);

    const first = (await world.now()) - READINGS;
    const readings = Array.from({ length: READINGS }, (_, i) => ({
      meterId: n,
      epoch: 0,
      since: i === 0 ? 0 : first + i - 1,
      takenAt: first + i,
      imported: 0n,
      exported: BigInt(i),
    }));
    const signed: SignedReading[] = [];
    const signing = await secondsOf(async () => {
      for (const reading of readings) signed.push({ ...reading, signature: await key.reading(reading) });
    });
    const storing = await secondsOf(() => {
      for (const reading of signed) journal.addReading(reading);
      return Promise.resolve();
    });
    const reporter = new Reporter({
      meterId: n,
      chain: zone,
      store: journal,
      sign: (reading) => key.reading(reading),
      slotDuration,
      grace,
      clock,
      log,
    });
    // Connections that the node has closed while this process was busy are noticed.
    await clock.sleep(100);
    const relaying = await secondsOf(() => reporter.wake(first + READINGS));
    const { lastTakenAt } = await zone.meter(n);
    if (lastTakenAt !== readings.at(-1)!.takenAt)
      throw new Error(`the chain has the readings up to ${lastTakenAt} only`);
    return {
      signedPerSecond: READINGS / signing,
      storedPerSecond: READINGS / storing,
      relayedPerSecond: READINGS / relaying,
      blocksPerSecond: await backfill(world, journal),
    };
  } finally {
    stop.abort();
    journal.close();
    await rm(dir, { recursive: true, force: true });
  }
}

/** Reads the chain from the deployment on, with many empty blocks at its end. */
async function backfill(world: World, journal: Journal): Promise<number> {
  const { deployment } = world;
  for (let i = 0; i < BLOCKS; i += MINED_AT_ONCE)
    await Promise.all(Array.from({ length: MINED_AT_ONCE }, () => world.ethers.provider.send("evm_mine", [])));
  const { contracts, deploymentBlock, deploymentBlockHash } = deployment;
  const client = createChainClient([world.rpcUrl]);
  const head = await client.getBlockNumber();
  const blocks = new BlockLoop({
    client,
    store: journal,
    clock,
    log: createLogger({ level: "warn" }),
    addresses: [contracts.MeterRegistry, contracts.DirectMarket, contracts.CallAuction],
    deploymentBlock: { number: BigInt(deploymentBlock), hash: deploymentBlockHash },
    confirmations: 0,
    pollMs: 250,
    apply: (events) => {
      for (const event of events)
        if (event.type === "ReadingAccepted") journal.acceptReading(event.meterId, event.takenAt, event.block);
    },
    onHead: () => undefined,
  });
  const seconds = await secondsOf(async () => {
    while ((journal.cursor()?.number ?? 0n) < head) await blocks.step();
  });
  return (Number(head) - deploymentBlock) / seconds;
}

async function keyOf(world: World, n: number, name: "meter" | "sender") {
  const text = await readFile(join(householdDir(world.dir, n), `${name}.key`), "utf8");
  return privateKeyToAccount(text.trim() as `0x${string}`);
}

async function secondsOf(work: () => Promise<void>): Promise<number> {
  const since = performance.now();
  await work();
  return (performance.now() - since) / 1_000;
}
