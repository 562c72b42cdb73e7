import { dirname } from "node:path";
import { systemClock as clock } from "../clock.ts";
import type { OracleConfig } from "../config/index.ts";
import { createMeter, createRelay } from "../hardware/index.ts";
import { reasonOf } from "../log.ts";
import { type Finding, error, ok } from "./finding.ts";

const PATIENCE_MS = 5_000;
/** Two looks at the meter, so far apart, show that its registers do not go back. */
const BETWEEN_READS_MS = 1_000;

/** Opens every relay and reads the meter. Not while the oracle runs: it has them all. */
export async function checkHardware(config: OracleConfig, unitsPerKWh: bigint): Promise<Finding[]> {
  const relays = Object.entries(config.relays).map(([name, relay]) => checkRelay(name, relay));
  return [...(await Promise.all(relays)), await checkMeterDevice(config, unitsPerKWh)];
}

async function checkRelay(name: string, config: OracleConfig["relays"][string]): Promise<Finding> {
  const check = `relay ${name}`;
  const relay = createRelay(config, { name });
  try {
    await inTime(relay.open());
    const position = await inTime(relay.state());
    if (position === "open")
      return ok(check, `opens; ${relay.caps.guarded ? "its own guard opens it too" : "unguarded"}`);
    return error(check, "was told to open and reads closed", "switch off the supply by hand and check the contact");
  } catch (reason) {
    return error(check, reasonOf(reason), `check supply, wiring and the section relays.${name} of the configuration`);
  } finally {
    await relay.dispose().catch(() => undefined);
  }
}

async function checkMeterDevice({ meter: config, journal }: OracleConfig, unitsPerKWh: bigint): Promise<Finding> {
  const todo = "check supply, wiring, address and the section meter of the configuration";
  const meter = createMeter(config, { unitsPerKWh, stateDir: dirname(journal) });
  try {
    const first = await meter.read(AbortSignal.timeout(PATIENCE_MS));
    await clock.sleep(BETWEEN_READS_MS);
    const second = await meter.read(AbortSignal.timeout(PATIENCE_MS));
    const kW = (second.powerW / 1_000).toFixed(3);
    if (Math.abs(second.powerW) > config.maxPowerW) {
      return error("meter", `${kW} kW are more than meter.maxPowerW (${config.maxPowerW} W)`, todo);
    }
    if (second.imported < first.imported || second.exported < first.exported) {
      return error("meter", "its registers go back", "choose the register table of this product (meter.map)");
    }
    return ok("meter", `${meter.name}: ${kW} kW, imported ${second.imported}, exported ${second.exported} units`);
  } catch (reason) {
    return error("meter", reasonOf(reason), todo);
  } finally {
    await meter.dispose().catch(() => undefined);
  }
}

async function inTime<T>(work: Promise<T>): Promise<T> {
  const late = clock
    .sleep(PATIENCE_MS)
    .then(() => Promise.reject(new Error(`no answer within ${PATIENCE_MS / 1_000} s`)));
  return Promise.race([work, late]);
}
