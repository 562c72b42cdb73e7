import {
  type DeliveryRecord,
  type OrderRecord,
  type Registered,
  sameAddress,
  tradedBySlot,
  useBlockTimes,
  useLedger,
  useMeasured,
  useRegistered,
  useSchedule,
  useTermsOf,
  useZone,
} from "../../data/index.ts";
import { type Bill, billOfOrder, billsOf } from "./bill.ts";
import { type MonthBill, monthsOf } from "./month.ts";
import { slotLines } from "./slots.ts";

const NO_DELIVERIES: readonly DeliveryRecord[] = [];
const NO_ORDERS: readonly OrderRecord[] = [];

/** The account's trades, newest first; undefined while they are read. */
function useTrades(account: string | undefined): Bill[] | undefined {
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
  const terms = useTermsOf(closed);
  if (!ledger || !account || terms.includes(undefined) || settledAt.includes(undefined)) return undefined;
  const direct = closed.flatMap((each, i) => billsOf(each, terms[i]!, account, zone.unitsPerKWh));
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

/** Bills of the account's trades and own meters; undefined while they are read. */
export function useBills(account: string | undefined): Bills | undefined {
  const zone = useZone();
  const ledger = useLedger();
  const trades = useTrades(account);
  const meters = ledger && [...ledger.meters.values()].filter(({ owner }) => sameAddress(owner, account));
  const measured = useMeasured(meters);
  const registered = useRegistered(meters);
  const schedule = useSchedule();
  if (!ledger || !meters || !trades || !measured || !registered || !schedule) return undefined;
  const traded = new Map(
    meters.map(({ id }) => [id, tradedBySlot(new Set([id]), ledger.deliveries.values(), ledger.orders.values())]),
  );
  return { months: monthsOf(slotLines(measured, traded), trades, schedule, zone), registered };
}
