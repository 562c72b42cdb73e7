import { z } from "zod";
import { reasonOf } from "../log.ts";

/** What the agent takes of `GET /v1/status`, see LiveServer. */
const statusSchema = z.object({
  meter: z.object({ id: z.int(), scope: z.enum(["branch", "connection"]) }),
  relays: z.record(z.string(), z.unknown()),
  /** State of charge in thousandths, of the battery's own gauge. */
  battery: z.object({ stateOfCharge: z.int().min(0).max(1_000), capacityWh: z.number().positive() }).nullish(),
});

/** The household behind the meter, as its oracle sees it now. */
export interface Household {
  /** Relays carry out what is traded: what the meter shows is, in part, what trades made it show. */
  readonly switched: boolean;
  /** mWh */
  readonly battery: { readonly stored: bigint; readonly capacity: bigint } | undefined;
}

const PATIENCE_MS = 5_000;

/**
 * Asks the household's oracle.
 * @param url base address of its live server.
 * @throws when it does not answer, or is another meter's
 */
export async function askHousehold(url: string, meterId: number): Promise<Household> {
  let body: unknown;
  try {
    const response = await fetch(new URL("/v1/status", url), { signal: AbortSignal.timeout(PATIENCE_MS) });
    body = await response.json();
  } catch (error) {
    throw new Error(`the oracle does not answer at ${url} (${reasonOf(error)}); is it running, with a section live?`, {
      cause: error,
    });
  }
  const { success, data } = statusSchema.safeParse(body);
  if (!success) throw new Error(`what answers at ${url} is not an oracle of this version; fix oracle`);
  const { meter, relays, battery } = data;
  if (meter.id !== meterId) throw new Error(`the oracle at ${url} reads meter ${meter.id}, not ${meterId}; fix oracle`);
  const capacity = battery ? BigInt(Math.round(battery.capacityWh * 1_000)) : 0n;
  return {
    switched: meter.scope === "branch" || Object.keys(relays).length > 0,
    battery: battery ? { stored: (capacity * BigInt(battery.stateOfCharge)) / 1_000n, capacity } : undefined,
  };
}
