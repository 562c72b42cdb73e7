import { type Address, slotOf } from "@ioe/protocol";
import { sameAddress } from "./address.ts";
import { useLedger } from "./chain.tsx";
import type { Ledger, Meter } from "./records.ts";
import { ownerIn } from "./tenures.ts";
import { useBlockTimes } from "./times.ts";
import { useZone } from "./zone.ts";

/** Meters an account has owned at some time. */
export function everOwned({ meters, tenures }: Ledger, account: string | undefined): Meter[] {
  return [...meters.values()].filter(({ id }) => tenures.get(id)?.some(({ owner }) => sameAddress(owner, account)));
}

/** Whose a meter's energy of a slot is. */
export type OwnerIn = (meterId: number, slot: number) => Address | undefined;

/** Undefined while it is read. The slot in which a meter changes hands is still wholly the earlier owner's. */
export function useOwnerIn(meters: readonly Pick<Meter, "id">[] | undefined): OwnerIn | undefined {
  const { slotDuration } = useZone();
  const tenures = useLedger()?.tenures;
  const all = (meters ?? []).flatMap(({ id }) => (tenures?.get(id) ?? []).map((each, i) => ({ id, i, ...each })));
  const changes = all.filter(({ i }) => i > 0);
  const times = useBlockTimes(changes.map(({ sinceBlock }) => sinceBlock));
  if (!tenures || times.includes(undefined)) return undefined;
  const from = new Map(changes.map((change, i) => [change, slotOf(times[i]!, slotDuration) + 1]));
  const owners = new Map(
    (meters ?? []).map(({ id }) => [
      id,
      all.filter((each) => each.id === id).map((each) => ({ owner: each.owner, fromSlot: from.get(each) ?? 0 })),
    ]),
  );
  return (meterId, slot) => ownerIn(owners.get(meterId) ?? [], slot);
}
