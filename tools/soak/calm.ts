import { until } from "../../test/system/world.ts";
import { type Ground, pause } from "./ground.ts";

/** Deadline of the last purchase, grace, patience of the keeper, and a slow machine, s. */
const LONGEST_S = 600;

/** Waits until every trade has ended and the chain knows all registers; what has not come by then the audit will name. */
export async function calm(ground: Ground): Promise<void> {
  const { world, households } = ground;
  const { market, auction, registry, vault } = await world.contracts();
  const { slotDuration, grace } = world.zone;
  const settled = async () => {
    const pots = await Promise.all([market, auction].map(async (each) => vault.pot(await each.getAddress())));
    const open = await Promise.all(households.map((n) => market.openDeliveryOf(n)));
    return [...pots, ...open].every((each) => each === 0n);
  };
  const inTime = (error: Error) => ground.violate("in the end", error.message);
  await until("every delivery and order to be settled", settled, LONGEST_S).catch(inTime);
  const from = BigInt(await world.now());
  const reported = async () => {
    const meters = await Promise.all(households.map((n) => registry.meterOf(n)));
    return meters.every(({ lastTakenAt }) => lastTakenAt > from);
  };
  await until("new readings of every meter", reported, LONGEST_S).catch(inTime);
  // Then the last slot in which energy flowed can no longer change.
  await pause(grace + 2 * slotDuration);
}
