import { slotOf } from "@ioe/protocol";
import {
  type DeliveryRecord,
  everOwned,
  ofOwner,
  type OrderRecord,
  type Registered,
  sameAddress,
  tradedBySlot,
  useBlockTimes,
  useLedger,
  useMeasured,
  useOwnerIn,
  useRegistered,
  useSchedule,
  useZone,
} from "../../data/index.ts";
import { type Bill, billOfOrder, billsOf } from "./bill.ts";
import { type MonthBill, monthsOf, pricesAt, type PricesFrom } from "./month.ts";
import { slotLines } from "./slots.ts";

const NO_DELIVERIES: readonly DeliveryRecord[] = [];
const NO_ORDERS: readonly OrderRecord[] = [];

/** The account's trades, newest first; undefined while they are read. */
function useTrades(account: string | undefined, schedule: readonly PricesFrom[] | undefined): Bill[] | undefined {
  const zone = useZone();
  const ledger = useLedger();
  const closed = ledger
    ? [...ledger.deliveries.values()].filter(
        (each) => each.bill && (sameAddress(each.buyer, account) || sameAddress(each.seller, account)),
      )
    : NO_DELIVERIES;
  const orders = ledger
    ? [...ledger.orders.values()].filter((each) => each.settled?.filled && sameAddress(each.account, account))
    : NO_ORDERS;
  const settledAt = useBlockTimes(orders.map((each) => each.settled?.inBlock ?? 0n));
  const boughtAt = useBlockTimes(closed.map((each) => each.boughtInBlock));
  const closedAt = useBlockTimes(closed.map((each) => each.closedInBlock ?? 0n));
  if (!ledger || !account || !schedule || [settledAt, boughtAt, closedAt].some((times) => times.includes(undefined))) {
    return undefined;
  }
  const direct = closed.flatMap((each, i) => {
    const slot = slotOf(boughtAt[i]!, zone.slotDuration);
    const prices = pricesAt(schedule, slot);
    return prices ? billsOf(each, { slot, closedAt: closedAt[i]!, prices }, account, zone.unitsPerKWh) : [];
  });
  const auction = orders.flatMap((each, i) => {
    const slot = ledger.auctions.get(each.slot);
    return (slot && billOfOrder(each, slot, settledAt[i]!, zone.unitsPerKWh)) ?? [];
  });
  return [...direct, ...auction].sort((a, b) => b.closedAt - a.closedAt || (a.id < b.id ? 1 : -1));
}

export interface Bills {
  /** Newest first. */
  months: MonthBill[];
  registered: Registered;
}

/** Bills of the account's trades, and of its meters for as long as they were its own; undefined while they are read. */
export function useBills(account: string | undefined): Bills | undefined {
  const zone = useZone();
  const ledger = useLedger();
  const schedule = useSchedule();
  const trades = useTrades(account, schedule);
  const meters = ledger && everOwned(ledger, account);
  const measured = useMeasured(meters);
  const registered = useRegistered(meters);
  const ownerIn = useOwnerIn(meters);
  if (!ledger || !meters || !trades || !measured || !registered || !ownerIn || !schedule) return undefined;
  const own = ofOwner(measured, (meterId, slot) => sameAddress(ownerIn(meterId, slot), account));
  const traded = new Map(
    meters.map(({ id }) => [
      id,
      tradedBySlot((each) => each === id, ledger.deliveries.values(), ledger.orders.values()),
    ]),
  );
  return { months: monthsOf(slotLines(own, traded), trades, schedule, zone), registered };
}
