/**
 * `npm run bench:memory [-- --minutes 60]`: resident memory of two oracles that run as their systemd unit runs them and
 * trade with each other, on the local chain with simulated devices. Writes bench/results/memory.json and memory.md; ends
 * with 1 when something is above its budget. A machine that does other work as well does not disturb it.
 */
import { mkdir, writeFile } from "node:fs/promises";
import { join, resolve } from "node:path";
import { parseArgs } from "node:util";
import { DEMO_ZONE } from "../deploy/zone.ts";
import { World } from "../test/system/world.ts";
import { build } from "../tools/build.ts";
import { die, integerOption } from "../tools/cli.ts";
import { MemoryWatch } from "./rss.ts";
import { unitEnvironment } from "./unit.ts";

const BUDGET = { rssMB: 150, growthMBPerHour: 5 };
const SAMPLE_MS = 5_000;
/** Steady from here on: the heap has found its size. */
const WARM_UP_S = 600;
const TRADE_EVERY_S = 300;
const TRADE = { wh: 100n, price: 150_000n, seconds: 600 };
/** Households of the demo: one with a full battery and a roof, one with an empty battery. */
const [BUYER, SELLER] = [1, 2];

const { values } = parseArgs({ options: { minutes: { type: "string" } } });
const minutes = integerOption("minutes", values.minutes, 60, 15, 10_000);

const built = await build();
if (!built.ok) die(built.output);
const world = await World.start(2, DEMO_ZONE);
const watches = new Map<number, MemoryWatch>();
let trades = 0;
try {
  const env = await unitEnvironment(join(world.dir, "cache"));
  await world.deposit(BUYER, 100_000_000n);
  for (const n of [BUYER, SELLER]) {
    // As on a Pi, where all starts but the first find compiled code.
    await world.startOracle(n, env);
    await world.stopOracle(n);
    await world.startOracle(n, env);
    watches.set(n, new MemoryWatch(world.pidOf(`oracle-${n}`)!));
  }
  const started = performance.now();
  const elapsedS = () => (performance.now() - started) / 1_000;
  while (elapsedS() < minutes * 60) {
    for (const watch of watches.values()) watch.sample();
    if (elapsedS() > trades * TRADE_EVERY_S) {
      trades++;
      const listing = await world.list(SELLER, TRADE.wh, TRADE.price);
      await world.buy(listing, BUYER, TRADE.wh, TRADE.seconds);
    }
    await new Promise((done) => setTimeout(done, SAMPLE_MS));
  }
  const { market } = await world.contracts();
  let delivered = 0n;
  for (let id = 1n; id <= BigInt(trades); id++) delivered += (await market.deliveryOf(id)).delivered;
  process.exitCode = await report(delivered);
} finally {
  await world.stop();
}
process.exit();

async function report(delivered: bigint): Promise<number> {
  const figures = [...watches].map(([n, watch]) => {
    const steady = watch.samples.filter(({ atS }) => atS >= WARM_UP_S).map(({ rssMB }) => rssMB);
    steady.sort((a, b) => a - b);
    return {
      oracle: n === SELLER ? "seller" : "buyer",
      startMB: round(watch.samples[0]!.rssMB),
      medianMB: round(steady[Math.floor(steady.length / 2)]!),
      maxMB: round(steady.at(-1)!),
      growthMBPerHour: round(watch.growthMBPerHour(WARM_UP_S)),
    };
  });
  const rows = figures.map(
    ({ oracle, startMB, medianMB, maxMB, growthMBPerHour }) =>
      `| ${oracle} | ${startMB} | ${medianMB} | ${maxMB} | ${growthMBPerHour} |`,
  );
  const text = `# Memory of an oracle

Resident memory in MB (10⁶ bytes, shared pages of Node's own file included), Node ${process.versions.node} on ${process.arch}. Two oracles
started as \`oracle/install/ioe.service\` starts them, with Modbus devices, a block every second and a head asked for four times a second; ${trades}
purchases of ${TRADE.wh} Wh in ${minutes} minutes, ${delivered} Wh delivered. Steady: after the first ${WARM_UP_S / 60} minutes; growth is the slope of
the least squares' line. \`npm run bench:memory\` writes this file and fails above ${BUDGET.rssMB} MB or ${BUDGET.growthMBPerHour} MB/h.

| oracle | after its start | median, steady | most, steady | growth, MB/h |
| ------ | --------------: | -------------: | -----------: | -----------: |
${rows.join("\n")}
`;
  console.log(text);
  const results = resolve(import.meta.dirname, "results");
  await mkdir(results, { recursive: true });
  const conditions = {
    minutes,
    trades,
    deliveredWh: Number(delivered),
    node: process.versions.node,
    arch: process.arch,
  };
  await writeFile(resolve(results, "memory.json"), `${JSON.stringify({ ...conditions, oracles: figures }, null, 2)}\n`);
  await writeFile(resolve(results, "memory.md"), text);
  const complaints = figures.flatMap(({ oracle, maxMB, growthMBPerHour }) => [
    ...(maxMB > BUDGET.rssMB ? [`The ${oracle} takes ${maxMB} MB; the budget is ${BUDGET.rssMB} MB.`] : []),
    ...(growthMBPerHour >= BUDGET.growthMBPerHour
      ? [`The ${oracle} grows by ${growthMBPerHour} MB/h; the budget is ${BUDGET.growthMBPerHour} MB/h.`]
      : []),
  ]);
  for (const complaint of complaints) console.error(complaint);
  return complaints.length === 0 ? 0 : 1;
}

function round(value: number): number {
  return Math.round(value * 10) / 10;
}
