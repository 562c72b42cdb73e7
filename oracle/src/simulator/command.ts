import { createLogger } from "../log.ts";
import { loadMicroGrid, startSimulator } from "./index.ts";

/**
 * `ioe simulate`: runs the micro-grid of a configuration file until SIGTERM, SIGINT or, with `withParent`, until standard
 * input closes. Logs one JSON line when it is ready and one when it stops.
 * @throws ConfigError, ProfileError or PortError before it is ready
 */
export async function runSimulate({ config, withParent }: { config: string; withParent: boolean }): Promise<void> {
  const simulator = await startSimulator(loadMicroGrid(config));
  const log = createLogger();
  const stop = untilStopped(withParent);
  log.info("ready", { config, ...simulator.ports });
  const reason = await stop;
  await simulator.stop();
  log.info("stopped", { reason });
}

function untilStopped(withParent: boolean): Promise<string> {
  return new Promise((resolve) => {
    const onSignal = (signal: string) => done(signal);
    const onEnd = () => done("parent");
    const done = (reason: string) => {
      process.off("SIGTERM", onSignal).off("SIGINT", onSignal);
      process.stdin.off("end", onEnd).off("close", onEnd).pause();
      resolve(reason);
    };
    process.on("SIGTERM", onSignal).on("SIGINT", onSignal);
    if (withParent) process.stdin.on("end", onEnd).on("close", onEnd).resume();
  });
}
