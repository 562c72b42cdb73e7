import { dirname } from "node:path";
import { formatKWh } from "@ioe/protocol";
import { Zone, createChainClient, worldOf } from "../../chain/index.ts";
import { loadConfig, loadDeployment } from "../../config/index.ts";
import { askOracle, socketPath } from "../../control/index.ts";
import { createMeter } from "../../hardware/index.ts";
import { Journal } from "../../journal/index.ts";
import { replaceMeter } from "../../metering/index.ts";
import { CONFIG, command } from "../command.ts";

const PING_MS = 1_000;
/** A P1 meter of an old version sends every ten seconds. */
const READ_MS = 30_000;

export default command({
  details: `
An oracle never believes a register that goes back (save where its product says that it wraps): it refuses the meter, with
its relays open, until this command says that it was replaced or reset. Install and configure the new meter, stop the oracle, run this
command, start the oracle.

The new meter is read once. From then on its registers are counted on from where the old one's last reading stood; the
journal keeps the difference. The chain of readings restarts: what flowed between the last reading and now is booked nowhere.`,
  options: { config: CONFIG },
  run: async ({ config: path }) => {
    const config = loadConfig(path);
    const { id } = config.meter;
    const running = await askOracle(socketPath(config.journal), "ping", PING_MS);
    if (running) throw new Error(`an oracle runs with this configuration (process ${running.pid}); stop it first`);
    const deployment = loadDeployment(config.chain.deployment);
    const { unitsPerKWh } = await new Zone(createChainClient(config.chain.rpcUrls), deployment).constants();
    const journal = new Journal(config.journal, worldOf(deployment));
    const meter = createMeter(config.meter, { unitsPerKWh, stateDir: dirname(config.journal) });
    try {
      const since = Math.floor(Date.now() / 1_000);
      const { shown, from } = await replaceMeter(journal, id, meter, since, AbortSignal.timeout(READ_MS));
      const registers = ({ imported, exported }: { imported: bigint; exported: bigint }) =>
        `imported ${formatKWh(imported, unitsPerKWh)} kWh, exported ${formatKWh(exported, unitsPerKWh)} kWh`;
      process.stdout.write(
        `meter ${id} is now ${meter.name}\n` +
          `it shows         ${registers(shown)}\n` +
          `and counts on at ${registers(from)} (reading of ${new Date(from.at * 1_000).toISOString()})\n` +
          "start the oracle; its chain of readings begins anew\n",
      );
    } finally {
      journal.close();
      await meter.dispose();
    }
  },
});
