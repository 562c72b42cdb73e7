/**
 * `npm run bench:oracle [-- --purchases 100 --rounds 4 --minutes 5]`: how fast an oracle is, with real oracle processes,
 * a real chain process and real Modbus TCP. Writes bench/results/oracle.json and oracle.md; ends with 1 when a relay
 * stays closed for too many polls. Milliseconds depend on what else the machine does: they are shown beside their budget.
 */
import { readFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { World } from "../test/system/world.ts";
import { integerOption, ROOT } from "../tools/cli.ts";
import { type Figure, percentile, publish } from "./report.ts";
import { households, measureSwitching, POLL_MS, type Switching, ZONE } from "./switching.ts";
import { measureThroughput, type Throughput } from "./throughput.ts";

const MEMORY = resolve(ROOT, "bench/results/memory.json");

const { values } = parseArgs({
  options: { purchases: { type: "string" }, rounds: { type: "string" }, minutes: { type: "string" } },
});
const options = {
  purchases: integerOption("purchases", values.purchases, 100, 2, 10_000),
  rounds: integerOption("rounds", values.rounds, 4, 1, 1_000),
  minutes: integerOption("minutes", values.minutes, 5, 0, 1_440),
};

const people = households();
const world = await World.start(people, ZONE);
let switching: Switching;
let throughput: Throughput;
try {
  switching = await measureSwitching(world, options);
  throughput = await measureThroughput(world, people.length);
} finally {
  await world.stop();
}

const { sink, source, overLimit, stale, coldStart, memory } = switching;
const both = [...sink, ...source];
const ms = (name: string, measured: readonly number[], share: number, what: string): Figure => ({
  name,
  value: percentile(measured, share),
  unit: "ms",
  what,
});
const polls = (name: string, measured: readonly number[], what: string): Figure => ({
  name,
  value: Math.max(...measured),
  unit: "polls",
  budget: 2,
  strict: true,
  what: `${what}; the worst of ${measured.length}`,
});
const rate = (name: string, value: number, unit: string, what: string): Figure => ({ name, value, unit, what });
// An hour is too long to be measured along with the rest.
const { minutes, oracles } = JSON.parse(readFileSync(MEMORY, "utf8")) as {
  minutes: number;
  oracles: { medianMB: number }[];
};
const hour = Math.max(...oracles.map(({ medianMB }) => medianMB));
const figures: Figure[] = [
  ms(
    "event → relay, p50",
    both,
    0.5,
    `detected event → contact moved, of ${both.length}, the contact's 15 ms included`,
  ),
  { ...ms("event → relay, p99", both, 0.99, "the same"), budget: 50 },
  {
    name: "purchases not carried out",
    value: options.purchases - sink.length,
    unit: "",
    what: `of ${options.purchases}; on a machine so busy that meters are not read in time, relays stay open`,
  },
  ms("event → relay, sink p99", sink, 0.99, `purchase handed over by the block loop, of ${sink.length}`),
  ms("event → relay, source p99", source, 0.99, `head with the buyer's checkpoint, of ${source.length}`),
  polls("over-limit → open", overLimit, "the meter shows more than its rating → contact open"),
  polls("stale → open", stale, "the meter falls silent → contact open"),
  rate("signed", throughput.signedPerSecond, "1/s", "readings, EIP-712 with a secp256k1 key"),
  rate("stored", throughput.storedPerSecond, "1/s", "readings, each durable in the journal before the next"),
  rate("relayed", throughput.relayedPerSecond, "1/s", "readings of one meter's backlog, on chain, 40 a transaction"),
  rate("backfill", throughput.blocksPerSecond, "blocks/s", "of a chain that was missed"),
  { ...rate("memory at the start", memory.start, "MiB", "RSS, with the service's limits of the heap"), budget: 150 },
  {
    ...rate("memory at the end", memory.end, "MiB", `RSS of the same process after ${memory.minutes} minutes of this`),
    budget: 150,
  },
  {
    ...rate(
      "memory after an hour",
      hour,
      "MiB",
      `median RSS, the larger of two oracles that trade, of \`bench:memory\` over ${minutes} minutes`,
    ),
    budget: 150,
  },
  ms("cold start, p50", coldStart, 0.5, `process start → first head of the chain handled, of ${coldStart.length}`),
];
const broken = await publish(
  "oracle",
  `Real oracle processes against a chain process (Hardhat, a block a second) and Modbus TCP devices of the simulator, all on
one machine: four oracles with debug log, polls of ${POLL_MS} ms. Confirmations and the poll of the chain are not in
"event → relay". \`npm run bench:oracle\` writes this file; it fails when a count is above its budget.`,
  figures,
);
process.exit(broken.length === 0 ? 0 : 1);
