import { runAgent } from "../agent.ts";
import { UsageError, command } from "../command.ts";
import { WITH_PARENT, service } from "../service.ts";

export default command({
  details: `
Sells a household's surplus and buys its need in the call auction of the next slots, within the preferences of its
configuration, with the money in the vault of the meter's owner. Its key has to be the meter's trader (setTrader); the contracts let
a trader place and cancel, and never withdraw. It asks the household's oracle what is behind the meter.

--once decides once and ends; --dry-run prints the decision and sends nothing, also beside an agent that runs.`,
  options: {
    config: { value: "FILE", required: true, help: "configuration of the agent" },
    once: { help: "decide once and end" },
    "dry-run": { help: "with --once: print what it would do, and send nothing" },
    "with-parent": WITH_PARENT,
  },
  run: ({ config, once, "dry-run": dryRun, "with-parent": withParent }) => {
    if (dryRun && !once) throw new UsageError("--dry-run needs --once");
    return service(withParent, (signal) => runAgent(config, { once, dryRun }, signal));
  },
});
