import { ConfigError, loadRelays } from "../../config/index.ts";
import { askOracle, socketPath } from "../../control/index.ts";
import { type RelayDriverConfig, createRelay } from "../../hardware/index.ts";
import { reasonOf } from "../../log.ts";
import { FaultLatch } from "../../safety/index.ts";
import { CONFIG, command } from "../command.ts";

/** A device that does not even refuse must not keep the others waiting. */
const PATIENCE_MS = 3_000;

export default command({
  details: `
Needs neither chain nor key, and reads only the sections journal and relays of the configuration. All relays are tried,
side by side, whatever becomes of the others; one that does not open within ${PATIENCE_MS / 1_000} s makes the exit code 1.

A running oracle opens its relays itself when it is asked, and keeps them open until it is started again.

When all are open, a fault that would otherwise survive the next start (a welded contact) is forgotten: a person has looked.`,
  options: {
    config: CONFIG,
    "keep-fault": { help: "do not forget it: for what opens relays without a person" },
  },
  run: async ({ config: path, "keep-fault": keepsFault }) => {
    const { relays, journal } = loadRelays(path);
    if (relays.size === 0) {
      // No failure: systemd calls this after every end of the oracle, in houses without relays as well.
      process.stdout.write(`${path} configures no relays\n`);
      return;
    }
    const forget = () => void (journal !== undefined && !keepsFault && forgetFault(journal));
    if (journal !== undefined && (await byTheOracle(journal))) return forget();
    const failures = await Promise.all(
      [...relays].map(async ([name, config]) => {
        const failure = await open(name, config);
        process.stdout.write(`${name}: ${failure ?? "open"}\n`);
        return failure;
      }),
    );
    if (failures.some((failure) => failure !== undefined)) throw new Error("not every relay could be opened");
    forget();
    // A device that hangs in its goodbye has nothing left to say.
    process.exit();
  },
});

/** Ends a fault that only a person may end. */
function forgetFault(journal: string): void {
  const latch = FaultLatch.beside(journal);
  const fault = latch.load();
  if (!fault) return;
  latch.clear();
  process.stdout.write(`forgotten: ${fault.kind}, ${fault.reason} (${fault.since})\n`);
}

/** True when an oracle runs and has opened everything. */
async function byTheOracle(journal: string): Promise<boolean> {
  const answer = await askOracle(socketPath(journal), "relays-off", PATIENCE_MS).catch(reasonOf);
  if (answer === undefined) return false;
  if (typeof answer === "string" || !answer.opened) {
    const why = typeof answer === "string" ? answer : "not every relay opened";
    process.stderr.write(`the running oracle: ${why}; trying without it\n`);
    return false;
  }
  for (const name of answer.relays) process.stdout.write(`${name}: open\n`);
  process.stdout.write("they stay open until the oracle is started again\n");
  return true;
}

/** @returns why it did not open, nothing when it did. */
async function open(name: string, config: RelayDriverConfig | ConfigError): Promise<string | undefined> {
  if (config instanceof ConfigError) return config.message;
  const work = async () => {
    const relay = createRelay(config, { name });
    try {
      await relay.open();
    } finally {
      void relay.dispose().catch(() => undefined);
    }
    return undefined;
  };
  const late = new Promise<string>((done) => {
    setTimeout(() => done(`does not answer within ${PATIENCE_MS / 1_000} s`), PATIENCE_MS).unref();
  });
  return Promise.race([work().catch(reasonOf), late]);
}
