/**
 * `npm run soak -- --minutes N [--households 20] [--seed S] [--report DIR] [--logs FILE]`: a micro-grid of real oracle processes on
 * simulated devices and a local chain trades for so long, directly and by auction, while faults strike at random; then all
 * is mended, every trade ends, and an audit holds registers, money and contacts against each other. Writes soak.md and
 * soak.json into the report's folder; ends with 1 when something does not hold.
 */
import { createWriteStream, mkdirSync, writeFileSync } from "node:fs";
import { resolve } from "node:path";
import { parseArgs } from "node:util";
import { die, endWithParent, integerOption, ROOT } from "./cli.ts";
import { auditMemory } from "./soak/memory.ts";
import { auditMoney } from "./soak/money.ts";
import { auditRegisters } from "./soak/registers.ts";
import { auditRelays } from "./soak/relays.ts";
import { Ground, pause } from "./soak/ground.ts";
import { History } from "./soak/history.ts";
import { plan, untried } from "./soak/plan.ts";
import { type Outcome, report } from "./soak/report.ts";
import { calm } from "./soak/calm.ts";
import { tradeUntil } from "./soak/trading.ts";
import { Random } from "./soak/random.ts";
import { Watch } from "./soak/watch.ts";
import { MOST_HOUSEHOLDS } from "./world.ts";

const { values } = parseArgs({
  options: {
    minutes: { type: "string" },
    households: { type: "string" },
    seed: { type: "string" },
    report: { type: "string", default: "bench/results" },
    logs: { type: "string" },
  },
});
const minutes = integerOption("minutes", values.minutes, 10, 1, 10_000);
const households = integerOption("households", values.households, 20, 2, MOST_HOUSEHOLDS);
const seed = integerOption("seed", values.seed, Math.floor(Math.random() * 1_000_000), 1, 1_000_000_000);
const folder = resolve(ROOT, values.report);

const outcome = await soak().catch((error: Error) => die(error.stack ?? error.message));
mkdirSync(folder, { recursive: true });
const { text, json } = report(outcome);
writeFileSync(resolve(folder, "soak.md"), text);
writeFileSync(resolve(folder, "soak.json"), `${JSON.stringify(json, null, 2)}\n`);
console.log(text);
process.exit(outcome.violations.length === 0 ? 0 : 1);

async function soak(): Promise<Outcome> {
  const beganAt = performance.now();
  console.log(`${households} households, ${minutes} min, seed ${seed}`);
  let opened: Ground | undefined;
  endWithParent(() => opened?.close());
  const ground = (opened = await Ground.open(households));
  try {
    if (values.logs !== undefined) {
      const file = createWriteStream(values.logs);
      ground.world.onLog((line) => file.write(`${JSON.stringify({ at: new Date(), ...line })}\n`));
    }
    const clock = () => `${((performance.now() - since) / 1_000).toFixed(0).padStart(5)} s`;
    const since = performance.now();
    const strikes = plan(ground, minutes * 60, seed);
    console.log(`everything runs; ${strikes.length} faults will strike`);
    const watch = new Watch(ground);
    const [noMoreTrades, over] = [new AbortController(), new AbortController()];
    const watching = watch.run(over.signal);
    const trading = tradeUntil(ground, seed, noMoreTrades.signal);
    const struck = new Map<string, number>();

    // A household's faults come one after the other.
    const queues = Map.groupBy(strikes, ({ household }) => household);
    await Promise.all([
      ...[...queues.values()].map(async (queue) => {
        for (const { at, fault, household, seed: own } of queue) {
          await pause(Math.max(0, at - (performance.now() - since) / 1_000));
          const whom = household === 0 ? "everybody" : `household ${household}`;
          console.log(`${clock()}  ${whom}: ${fault.name}`);
          struck.set(fault.name, (struck.get(fault.name) ?? 0) + 1);
          await fault
            .strike(ground, household, new Random(own))
            .catch((error: Error) => ground.violate(`${fault.name}, ${whom}`, error.message));
          await ground.revive(household);
        }
      }),
      pause(minutes * 60),
    ]);
    noMoreTrades.abort();
    const tally = await trading;
    console.log(`${clock()}  no more trades and faults; waiting for everything to be settled`);
    await calm(ground);
    over.abort();
    await watching;
    await watch.book();
    for (const n of ground.households) await ground.world.stopOracle(n);

    const history = await History.read(ground);
    const chapters = [
      await auditMoney(ground, history),
      await auditRegisters(ground, history, watch),
      await auditRelays(ground, history, tally),
      auditMemory(watch),
    ];
    return {
      minutes,
      households,
      seed,
      node: ground.canReorg ? "anvil" : "Hardhat",
      tookMinutes: Math.round((performance.now() - beganAt) / 60_000),
      struck,
      untried: untried(ground),
      refused: tally.refused,
      chapters,
      violations: [...ground.violations, ...chapters.flatMap(({ violations }) => violations)],
    };
  } finally {
    await ground.close();
  }
}
