import { type LiveEvent, type RegistryDomain, TYPES } from "@ioe/protocol";
import { isHex, recoverTypedDataAddress } from "viem";

/** A meter's live figures whose signature was checked. Not settled: the chain alone decides what is paid. */
export interface LiveFigures {
  meterId: number;
  epoch: number;
  takenAt: number;
  /** W, positive when the meter exports. */
  powerW: number;
  imported: bigint;
  exported: bigint;
  /** What the oracle says of its relays; not signed. */
  relays: Record<string, "open" | "closed">;
  /** What a battery's own gauge says; not signed. State of charge in thousandths. */
  battery?: { stateOfCharge: number; capacityWh: number };
}

const isRegister = (x: unknown) => typeof x === "string" && /^\d{1,20}$/.test(x);
const isCount = (x: unknown): x is number => Number.isSafeInteger(x) && (x as number) >= 0;

const isGauge = (battery: Partial<NonNullable<LiveEvent["battery"]>> | null) =>
  isCount(battery?.stateOfCharge) &&
  battery.stateOfCharge <= 1_000 &&
  isCount(battery.capacityWh) &&
  battery.capacityWh > 0;

/** @returns undefined when the text is not a live event. */
export function parseLiveEvent(text: string): LiveEvent | undefined {
  let event: Partial<LiveEvent>;
  try {
    event = JSON.parse(text) as Partial<LiveEvent>;
  } catch {
    return undefined;
  }
  const t = event?.telemetry;
  const sound =
    t !== undefined &&
    isCount(t.meterId) &&
    isCount(t.epoch) &&
    isCount(t.takenAt) &&
    Number.isSafeInteger(t.powerW) &&
    isRegister(t.imported) &&
    isRegister(t.exported) &&
    isHex(event.signature) &&
    typeof event.relays === "object" &&
    event.relays !== null &&
    Object.values(event.relays).every((position) => position === "open" || position === "closed") &&
    (event.battery === undefined || isGauge(event.battery));
  return sound ? (event as LiveEvent) : undefined;
}

/**
 * The figures of an event when the meter's registered key has signed them, otherwise undefined.
 * @param signerOf address registered for (meter, epoch), null when there is none.
 */
export async function verifyLiveEvent(
  event: LiveEvent,
  meterId: number,
  domain: RegistryDomain,
  signerOf: (meterId: number, epoch: number) => Promise<string | null>,
): Promise<LiveFigures | undefined> {
  if (event.telemetry.meterId !== meterId) return undefined;
  const message = {
    ...event.telemetry,
    imported: BigInt(event.telemetry.imported),
    exported: BigInt(event.telemetry.exported),
  };
  const [expected, actual] = await Promise.all([
    signerOf(meterId, message.epoch),
    recoverTypedDataAddress({
      domain,
      types: { Telemetry: TYPES.Telemetry },
      primaryType: "Telemetry",
      message,
      signature: event.signature,
    }).catch(() => undefined), // not a signature at all
  ]);
  if (!expected || actual?.toLowerCase() !== expected.toLowerCase()) return undefined;
  return { ...message, relays: event.relays, battery: event.battery };
}
