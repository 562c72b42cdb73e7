import { readFileSync } from "node:fs";
import { registryDomain } from "@ioe/protocol";
import * as z from "zod";
import { replaceFile } from "../replace-file.ts";
import type { MeterState, ZoneConstants } from "./zone.ts";

/** What of the contract measuring and signing need. */
export interface Terms extends ZoneConstants {
  meter: Pick<MeterState, "epoch" | "epochFromSlot" | "resolution">;
}

const address = z.string().regex(/^0x[0-9a-fA-F]{40}$/) as z.ZodType<`0x${string}`>;
const word = z.string().regex(/^0x[0-9a-fA-F]{64}$/) as z.ZodType<`0x${string}`>;
const count = z.int().min(0);
const onFile = z.object({
  world: z.string(),
  slotDuration: count,
  grace: count,
  unitsPerKWh: z.coerce.bigint(),
  domain: z.object({ chainId: count, verifyingContract: address, salt: word }),
  meter: z.object({ id: count, epoch: count, epochFromSlot: count, resolution: z.coerce.bigint() }),
});

/**
 * Keeps in a small file what the contract said last: after a loss of power the network is often back later than the Pi, and
 * what flows until then must be measured and signed as well.
 */
export class KeptTerms {
  readonly path: string;
  readonly #world: string;
  readonly #meterId: number;

  private constructor(path: string, world: string, meterId: number) {
    this.path = path;
    this.#world = world;
    this.#meterId = meterId;
  }

  /** Those of the oracle with this journal. */
  static beside(journal: string, world: string, meterId: number): KeptTerms {
    return new KeptTerms(`${journal}.terms`, world, meterId);
  }

  /** Nothing when there are none of this deployment and meter, or they cannot be read: the chain has to be asked then. */
  load(): Terms | undefined {
    let text: string;
    try {
      text = readFileSync(this.path, "utf8");
    } catch {
      return undefined;
    }
    const { success, data } = onFile.safeParse(parsed(text));
    if (!success || data.world !== this.#world || data.meter.id !== this.#meterId) return undefined;
    const { slotDuration, grace, unitsPerKWh, domain, meter } = data;
    const { epoch, epochFromSlot, resolution } = meter;
    return {
      ...{ slotDuration, grace, unitsPerKWh },
      domain: registryDomain(domain.chainId, domain.verifyingContract, domain.salt),
      meter: { epoch, epochFromSlot, resolution },
    };
  }

  save({ slotDuration, grace, unitsPerKWh, domain, meter }: Terms): void {
    const { epoch, epochFromSlot, resolution } = meter;
    const fields = {
      slotDuration,
      grace,
      unitsPerKWh,
      domain,
      meter: { id: this.#meterId, epoch, epochFromSlot, resolution },
    };
    const text = JSON.stringify({ world: this.#world, ...fields }, (_key, value: unknown) =>
      typeof value === "bigint" ? String(value) : value,
    );
    replaceFile(this.path, `${text}\n`, 0o600);
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
