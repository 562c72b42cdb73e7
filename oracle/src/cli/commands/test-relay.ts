import { dirname } from "node:path";
import { createInterface } from "node:readline/promises";
import { systemClock as clock } from "../../clock.ts";
import { type OracleConfig, loadConfig } from "../../config/index.ts";
import { AlreadyRunning, ControlServer, socketPath } from "../../control/index.ts";
import { createMeter, createRelay, relayIdentity } from "../../hardware/index.ts";
import { FaultLatch, ProcessLock } from "../../safety/index.ts";
import { CONFIG, UsageError, command } from "../command.ts";

const LONGEST_S = 600;
/** The contact is closed for this long at a time and renewed every second: whatever happens to this process, it opens. */
const LEASE_MS = 5_000;
const STEP_MS = 1_000;
/** Power is only shown: the registers' unit does not matter. */
const UNITS_PER_KWH = 1_000n;

export default command({
  details: `
Closes the relay for some seconds, shows its position and the meter's power every second, and opens it again; also with
Ctrl-C, when the meter does not answer, and when it sees more than meter.maxPowerW. Current may flow: see to it that it
may. The other relays of its interlock groups are opened first. Refused while an oracle, of whatever configuration,
has one of these relays, and while a welded contact is on record.`,
  options: {
    config: CONFIG,
    relay: { value: "NAME", required: true, help: "name of the relay in the configuration" },
    seconds: { value: "N", help: `how long, 1 to ${LONGEST_S}; 5 when left out` },
    yes: { help: "do not ask before closing" },
  },
  run: async ({ config: path, relay: name, seconds: text = "5", yes }) => {
    const config = loadConfig(path);
    const seconds = Number(text);
    if (!Number.isInteger(seconds) || seconds < 1 || seconds > LONGEST_S) {
      throw new UsageError(`--seconds ${text} must be an integer from 1 to ${LONGEST_S}`);
    }
    if (!Object.hasOwn(config.relays, name)) {
      const known = Object.keys(config.relays).join(", ") || "none";
      throw new UsageError(`--relay ${name}: there is no such relay; known relays: ${known}`);
    }
    const stop = new AbortController();
    const end = (reason: string) => stop.abort(new Error(`stopped by ${reason}; the relay is open`));
    const control = new ControlServer(socketPath(config.journal), [name], async () => {
      end("relays-off");
      await done;
      return true;
    });
    let done: Promise<void> = Promise.resolve();
    // Takes the oracle's place, so that none starts meanwhile, and relays-off reaches us.
    await control.start().catch((error: unknown) => {
      if (!(error instanceof AlreadyRunning)) throw error;
      throw new Error("the oracle runs and has the relays; stop it first: sudo systemctl stop ioe", { cause: error });
    });
    refuseWelded(config);
    // Held until the process ends.
    for (const each of [name, ...othersOf(config, name)])
      await ProcessLock.acquire(`relays.${each}`, relayIdentity(config.relays[each]!));
    if (!yes && !(await agreed(name, seconds))) throw new Error("nothing was closed");
    for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"]) process.once(signal, end);
    const work = test(config, name, seconds, stop.signal);
    done = work.catch(() => undefined);
    await work;
    process.exit();
  },
});

/** A contact that does not open must not be closed to try. */
function refuseWelded({ journal }: OracleConfig): void {
  const fault = FaultLatch.beside(journal).load();
  if (!fault) return;
  throw new Error(
    `${fault.kind}: ${fault.reason} (${fault.since}); disconnect by hand, replace the contact, then run: ioe relays-off`,
  );
}

async function agreed(name: string, seconds: number): Promise<boolean> {
  if (!process.stdin.isTTY) throw new UsageError("nobody can be asked here; say --yes");
  const terminal = createInterface({ input: process.stdin, output: process.stdout });
  const answer = await terminal.question(`Close relay ${name} for ${seconds} s? Current may flow. Type yes: `);
  terminal.close();
  return answer.trim().toLowerCase() === "yes";
}

async function test(config: OracleConfig, name: string, seconds: number, signal: AbortSignal): Promise<void> {
  const relay = createRelay(config.relays[name]!, { name });
  const meter = createMeter(config.meter, { unitsPerKWh: UNITS_PER_KWH, stateDir: dirname(config.journal) });
  const say = (text: string) => process.stdout.write(`${text}\n`);
  const look = async () => {
    const [position, sample] = await Promise.all([
      relay.state(),
      meter.read(AbortSignal.any([signal, AbortSignal.timeout(LEASE_MS / 2)])),
    ]);
    say(`${name} ${position}, ${Math.round(sample.powerW)} W (positive: export)`);
    return sample.powerW;
  };
  try {
    await openOthers(config, name);
    await relay.open();
    await look();
    const end = clock.monotonicMs() + seconds * 1_000;
    while (clock.monotonicMs() < end) {
      signal.throwIfAborted();
      await relay.close(Math.min(LEASE_MS, relay.caps.maxLeaseMs));
      const powerW = await look();
      if (Math.abs(powerW) > config.meter.maxPowerW) {
        throw new Error(`${Math.round(powerW)} W are more than meter.maxPowerW (${config.meter.maxPowerW} W)`);
      }
      await clock.sleep(Math.min(STEP_MS, Math.max(0, end - clock.monotonicMs())), signal);
    }
  } finally {
    await relay.open();
    say(`${name} ${await relay.state()}`);
    await Promise.allSettled([relay.dispose(), meter.dispose()]);
  }
}

async function openOthers(config: OracleConfig, name: string): Promise<void> {
  for (const other of othersOf(config, name)) {
    const relay = createRelay(config.relays[other]!, { name: other });
    await relay.open();
    await relay.dispose();
  }
  await clock.sleep(Math.max(0, ...groupsOf(config, name).map(({ deadTimeMs }) => deadTimeMs)));
}

/** The relays that must be open while this one is closed. */
function othersOf(config: OracleConfig, name: string): string[] {
  const together = new Set(groupsOf(config, name).flatMap(({ relays }) => relays));
  together.delete(name);
  return [...together];
}

function groupsOf({ interlocks }: OracleConfig, name: string): OracleConfig["interlocks"] {
  return interlocks.filter(({ relays }) => relays.includes(name));
}
