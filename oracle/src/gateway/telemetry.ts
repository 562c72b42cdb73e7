import type { LiveEvent } from "@ioe/protocol";
import type { Clock } from "../clock.ts";
import { type Logger, reasonOf } from "../log.ts";
import { type Gateway, refusalOf } from "./client.ts";

export interface TelemetryOptions {
  /** The gateway in use; nothing when there is none. */
  gateway: () => Gateway | undefined;
  /** Newest signed figures; nothing while there is no fresh sample. */
  event: () => Promise<LiveEvent | undefined>;
  /** A delivery is under way: figures are worth a signature a second. */
  delivering: () => boolean;
  clock: Clock;
  log: Logger;
}

const DELIVERING_MS = 1_000;
const IDLE_MS = 15_000;
const TIMEOUT_MS = 3_000;

/** Hands live figures to the gateway in use until the signal aborts. Nobody settles them, so what is lost is not sent again. */
export async function pushTelemetry(options: TelemetryOptions, signal: AbortSignal): Promise<void> {
  const { gateway, event, delivering, clock, log } = options;
  let idleSince = -Infinity;
  let failing = false;
  while (!signal.aborted) {
    await clock.sleep(DELIVERING_MS, signal).catch(() => undefined);
    const used = gateway();
    const now = clock.monotonicMs();
    if (signal.aborted || !used || (!delivering() && now - idleSince < IDLE_MS)) continue;
    idleSince = now;
    try {
      const live = await event();
      if (!live) continue;
      const answer = await used.ask("telemetry", JSON.stringify(live), TIMEOUT_MS);
      if (answer.status !== 204) throw new Error(refusalOf(answer));
      failing = false;
    } catch (error) {
      if (!failing && !signal.aborted) log.warn("telemetry.not-taken", { gateway: used.name, reason: reasonOf(error) });
      failing = true;
    }
  }
}
