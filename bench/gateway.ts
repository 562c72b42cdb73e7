/**
 * `npm run bench:gateway [-- --meters 1000 --slots 2 --slot-seconds 120 --block-seconds 2]`: meters that all hand in their reading at the end
 * of a slot, over HTTP, to a real keeper process with its gateway, in front of a real chain process. Every meter signs with
 * a key of its own and comes from an address of its own (as a reverse proxy would name it), so all checks and limits of the
 * gateway are in force as they are by default. Writes bench/results/gateway.json and gateway.md; ends with 1 when a slot's
 * readings are not all on chain before the next slot's are due.
 */
import { mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { network } from "hardhat";
import { generatePrivateKey, privateKeyToAccount } from "viem/accounts";
import { parse, stringify } from "yaml";
import { DEMO_ZONE, LOCAL_ACCOUNTS } from "../deploy/zone.ts";
import { encodeReadings } from "../oracle/src/gateway/wire.ts";
import { MeterKey, signPossession } from "../oracle/src/metering/index.ts";
import { nextBoundary, type Reading, registryDomain, slotOf } from "../protocol/src/index.ts";
import { freePorts, until } from "../test/system/world.ts";
import { integerOption } from "../tools/cli.ts";
import { Processes } from "../tools/processes.ts";
import { buildWorld, keeperConfig } from "../tools/world.ts";
import { percentile, publish } from "./report.ts";

const KIND = 6;
const MOST_POWER_W = 10_000;
/** Oracles see the boundary in their next poll, so nearly all come at once, s. */
const HERD_S = 1;
/** As the courier does. */
const AGAIN_MS = 5_000;

interface Pi {
  readonly id: number;
  readonly key: MeterKey;
  readonly address: string;
  last: Reading;
}

const { values } = parseArgs({
  options: {
    meters: { type: "string" },
    slots: { type: "string" },
    "slot-seconds": { type: "string" },
    "block-seconds": { type: "string" },
  },
});
const D = integerOption("slot-seconds", values["slot-seconds"], 120, 10, DEMO_ZONE.claimWindow / 2);
const meters = integerOption("meters", values.meters, 1_000, 1, 20_000);
const slots = integerOption("slots", values.slots, 2, 1, 100);
const blockSeconds = integerOption("block-seconds", values["block-seconds"], 2, 1, 30);

const processes = new Processes({ onDeath: (_name, lastWords) => console.error(lastWords) });
const dir = await mkdtemp(join(tmpdir(), "ioe-gateway-"));
let broken: string[];
try {
  broken = await run();
} finally {
  await processes.endAll();
  await rm(dir, { recursive: true, force: true });
}
process.exit(broken.length === 0 ? 0 : 1);

async function run(): Promise<string[]> {
  const [rpcPort, port, metricsPort] = [await freePorts(1), await freePorts(1), await freePorts(1)];
  const rpcUrl = `http://127.0.0.1:${rpcPort}`;
  await processes.start("chain", "tools/chain.ts", ["--port", String(rpcPort)], /answers at/);
  const connection = await network.create({ network: "localhost", override: { url: rpcUrl } });
  const { ethers } = connection;
  const deployment = await buildWorld(connection, {
    dir,
    rpcUrl,
    households: [],
    livePort: 1,
    devicePort: 1,
    dappPort: 1,
    zone: { ...DEMO_ZONE, slotDuration: D, grace: Math.max(D, DEMO_ZONE.grace) },
  });
  const signers = await ethers.getSigners();
  const operator = signers[LOCAL_ACCOUNTS.operator]!;
  const owner = signers[LOCAL_ACCOUNTS.firstHousehold]!.address as `0x${string}`;
  const registry = await ethers.getContractAt("MeterRegistry", deployment.contracts.MeterRegistry, operator);
  const salt = (await registry.eip712Domain()).salt as `0x${string}`;
  const domain = registryDomain(deployment.chainId, deployment.contracts.MeterRegistry, salt);

  console.log(`registering ${meters} meters …`);
  const pis: Pi[] = [];
  for (let i = 0; i < meters; i++) {
    const account = privateKeyToAccount(generatePrivateKey());
    const possession = await signPossession(account, domain, owner);
    await registry.register(owner, KIND, MOST_POWER_W, 1, account.address, possession);
    const id = i + 1;
    const last = { meterId: id, epoch: 0, since: 0, takenAt: 0, imported: 0n, exported: 0n };
    pis.push({
      id,
      key: new MeterKey(account, domain),
      address: `10.${id >> 16}.${(id >> 8) & 255}.${id & 255}`,
      last,
    });
  }
  await until("all meters to be registered", async () => (await registry.meterCount()) === BigInt(meters));
  await ethers.provider.send("evm_setAutomine", [false]);
  await ethers.provider.send("evm_setIntervalMining", [blockSeconds * 1_000]);

  const config = parse(await readFile(keeperConfig(dir), "utf8")) as object;
  const gateway = { port, trustedProxies: ["127.0.0.1"] };
  await writeFile(keeperConfig(dir), stringify({ ...config, waitS: 0, metrics: { port: metricsPort }, gateway }));
  await processes.start("keeper", "oracle/bin/ioe.mjs", ["keeper", "--config", keeperConfig(dir)], /"event":"ready"/);

  // Everything is signed before it begins: a thousand meters have a thousand processors.
  const first = nextBoundary(Math.ceil(Date.now() / 1_000) + (meters * (slots + 1)) / 50, D);
  const signed = new Map<number, Parameters<typeof encodeReadings>[0][number][]>();
  for (let i = 0; i <= slots; i++) {
    const readings = [];
    for (const pi of pis) {
      const { last } = pi;
      pi.last = { ...last, since: last.takenAt, takenAt: first + i * D, exported: BigInt(50 * i) };
      readings.push({ ...pi.last, signature: await pi.key.reading(pi.last) });
    }
    signed.set(first + i * D, readings);
  }
  if (Date.now() > first * 1_000) throw new Error("signing took longer than planned: try fewer meters");

  /** Seconds from the end of the slot to each meter's answer that its reading is on chain. */
  async function playSlot(end: number): Promise<{ seconds: number[]; refused: number }> {
    let refused = 0;
    const seconds = await Promise.all(
      pis.map(async ({ address }, i) => {
        await sleepUntil(end * 1_000 + (HERD_S * 1_000 * i) / pis.length);
        for (;;) {
          const response = await fetch(`http://127.0.0.1:${port}/v1/readings`, {
            method: "POST",
            headers: { "x-forwarded-for": address },
            body: encodeReadings([signed.get(end)![i]!]),
          }).catch(() => undefined);
          const text = await response?.text();
          if (response?.status === 200 && /"on-chain"|"known"/.test(text!)) return Date.now() / 1_000 - end;
          if (response?.status !== 202) refused++;
          if (Date.now() / 1_000 > end + D) return Infinity;
          await sleepUntil(Date.now() + AGAIN_MS);
        }
      }),
    );
    return { seconds, refused };
  }

  // The first reading of a meter is a baseline, for which the gateway also asks who the meter is.
  const baseline = await playSlot(first);
  if (baseline.seconds.includes(Infinity)) throw new Error("not even the baselines are on chain within a slot");
  const before = await metrics(metricsPort);
  const ends = Array.from({ length: slots }, (_, i) => first + (i + 1) * D);
  const played = await Promise.all(ends.map(playSlot));
  const after = await metrics(metricsPort);
  const complete = await Promise.all(
    ends.map(async (end) => Number((await registry.totalsIn(slotOf(end, D))).completeMeters)),
  );
  await connection.close();

  const all = played.flatMap(({ seconds }) => seconds);
  const missing = slots * meters - complete.reduce((sum, count) => sum + count, 0);
  const sent = (name: string) => after(name) - before(name);
  const transactions = sent('ioe_keeper_transactions_total{kind="report"}');
  return publish(
    "gateway",
    `${meters.toLocaleString("en-US")} meters hand in a signed reading at the end of each slot of ${D} s, all within ${HERD_S} s, over HTTP to one
\`ioe keeper\` process; a chain process (Hardhat) with blocks of ${blockSeconds} s; meters, keeper and chain on one machine. ${slots} slots after
a first one with the meters' baselines (all of them on chain after ${Math.max(...baseline.seconds).toFixed(1)} s). Readings of slots that nobody has reported before: the ring's
first round, dearer than the steady state of \`bench:gas\`. \`npm run bench:gateway\` writes this file; it fails when a reading is late.`,
    [
      {
        name: "readings that missed their slot",
        value: missing,
        unit: "",
        budget: 0,
        strict: true,
        what: `of ${slots * meters}; booked in their slots by the registry's own count`,
      },
      {
        name: "slot end → last reading on chain",
        value: Math.max(...all),
        unit: "s",
        budget: D,
        strict: true,
        what: "the worst, as the meter learns of it",
      },
      { name: "slot end → on chain, p50", value: percentile(all, 0.5), unit: "s", what: "the same, for half of them" },
      {
        name: "transactions",
        value: transactions / slots,
        unit: "a slot",
        what: "each with as many readings as leave room in a block",
      },
      {
        name: "gas",
        value: sent('ioe_keeper_gas_total{kind="report"}') / (slots * meters),
        unit: "each",
        what: "whole transactions, divided by readings",
      },
      {
        name: "refused",
        value: played.reduce((sum, { refused }) => sum + refused, 0),
        unit: "",
        what: "answers other than on chain or queued",
      },
      {
        name: "keeper's processor time",
        value: sent("process_cpu_seconds_total") / slots,
        unit: "s a slot",
        what: "checks of signatures above all",
      },
      {
        name: "keeper's memory",
        value: after("process_resident_memory_bytes") / 2 ** 20,
        unit: "MiB",
        what: "RSS at the end",
      },
    ],
  );
}

/** The keeper's own figures, by name with labels. */
async function metrics(port: number): Promise<(name: string) => number> {
  const text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text();
  const values = new Map(
    text.split("\n").map((line) => [line.slice(0, line.lastIndexOf(" ")), line.split(" ").at(-1)]),
  );
  return (name) => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`the keeper has no figure ${name}`);
    return Number(value);
  };
}

async function sleepUntil(unixMs: number): Promise<void> {
  const left = unixMs - Date.now();
  if (left > 0) await new Promise((done) => setTimeout(done, left));
}
