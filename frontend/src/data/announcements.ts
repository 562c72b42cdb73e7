/** Which announced calls of the AccessManager are still open. A pure fold over its events, in chain order. */
import type { Address, Hex } from "@ioe/protocol";

interface Place {
  blockNumber: bigint;
  blockHash: Hex | null;
  logIndex: number | null;
}

export type AnnouncedLog = Place &
  (
    | {
        eventName: "OperationScheduled";
        args: { operationId: Hex; nonce: number; schedule: number; caller: Address; target: Address; data: Hex };
      }
    | { eventName: "OperationExecuted" | "OperationCanceled"; args: { operationId: Hex; nonce: number } }
  );

export interface OpenAnnouncement {
  id: Hex;
  caller: Address;
  target: Address;
  data: Hex;
  /** Unix seconds. */
  readyAt: number;
}

/** The same call can be announced again after it was carried out, taken back, or has expired: its id stays the same. */
export function openAnnouncements(
  before: readonly OpenAnnouncement[],
  logs: readonly AnnouncedLog[],
): readonly OpenAnnouncement[] {
  const open = new Map(before.map((each) => [each.id, each]));
  for (const log of logs) {
    const { operationId: id } = log.args;
    if (log.eventName === "OperationScheduled") {
      const { caller, target, data, schedule } = log.args;
      open.set(id, { id, caller, target, data, readyAt: schedule });
    } else {
      open.delete(id);
    }
  }
  return [...open.values()];
}
