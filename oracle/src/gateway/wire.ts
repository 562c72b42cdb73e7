import { z } from "zod";
import type { SignedReading } from "../metering/index.ts";

/** What a meter's Pi and a gateway say to each other; JSON, integers that may outgrow a double as decimal strings. */

/** Most readings in one request: what a Pi sends after hours offline, several requests long. */
export const MOST_READINGS = 40;
/** Largest body, bytes: `MOST_READINGS` of about 350 bytes, and some room. */
export const LARGEST_BODY = 32_768;

const uint = (bits: number) =>
  z
    .int()
    .min(0)
    .max(Number(2n ** BigInt(bits) - 1n));
const uint64 = z
  .string()
  .regex(/^\d{1,20}$/, "expected a decimal string")
  .transform(BigInt)
  .refine((value) => value < 2n ** 64n, "is larger than 64 bits");
/** r‖s‖v of a secp256k1 key, or r‖s of a P-256 key. */
const signature = z
  .string()
  .regex(/^0x([0-9a-fA-F]{128}|[0-9a-fA-F]{130})$/, "expected 64 or 65 bytes in hex")
  .transform((text) => text as `0x${string}`);

const reading = z.strictObject({
  meterId: uint(32),
  epoch: uint(16),
  since: uint(40),
  takenAt: uint(40),
  imported: uint64,
  exported: uint64,
  signature,
});

export const readingsBody = z.strictObject({ readings: z.array(reading).min(1).max(MOST_READINGS) });

export const telemetryBody = z.strictObject({
  telemetry: z.strictObject({
    meterId: uint(32),
    epoch: uint(16),
    takenAt: uint(40),
    powerW: z
      .int()
      .min(-(2 ** 31))
      .max(2 ** 31 - 1),
    imported: uint64,
    exported: uint64,
  }),
  signature,
  relays: z.record(z.string().max(40), z.enum(["open", "closed"])).refine((relays) => Object.keys(relays).length <= 32),
  deliveryId: z
    .string()
    .regex(/^\d{1,78}$/)
    .optional(),
  battery: z
    .strictObject({ stateOfCharge: z.int().min(0).max(1_000), capacityWh: z.int().positive().max(1e9) })
    .optional(),
});
export type SignedTelemetry = z.infer<typeof telemetryBody>;

/**
 * What has become of a reading.
 * `on-chain`: the chain took it in `transaction`. `known`: the chain is past it already. `queued`: not decided yet; sent
 * again it is answered again. `refused`: it will not be relayed, for the reason given; it may be sent anew when that has
 * changed.
 */
export type Verdict =
  | { readonly status: "on-chain"; readonly transaction: `0x${string}` }
  | { readonly status: "known" | "queued" }
  | { readonly status: "refused"; readonly reason: string };

export type Answer = Verdict & { readonly meterId: number; readonly takenAt: number };

const answer = z.object({
  meterId: z.int(),
  takenAt: z.int(),
  status: z.enum(["on-chain", "known", "queued", "refused"]),
  transaction: z.string().optional(),
  reason: z.string().optional(),
});
export const answersBody = z.object({ results: z.array(answer).max(MOST_READINGS) });

export function encodeReadings(readings: readonly SignedReading[]): string {
  return JSON.stringify({
    readings: readings.map(({ imported, exported, ...rest }) => ({
      ...rest,
      imported: imported.toString(),
      exported: exported.toString(),
    })),
  });
}
