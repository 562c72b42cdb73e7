import { costUp, type OrderSide, packOrderId } from "@ioe/protocol";
import { useState } from "react";
import { type Book, type OrderRecord, tickPrice, useFormat, useZone } from "../../data/index.ts";
import { useMeterChoice } from "../../forms/MeterSelect.tsx";
import { parseInput } from "../../format/index.ts";
import { expectedFill } from "./book.ts";
import { levelOf, limitsOf, lockPrice, tickOf } from "./limit.ts";

/** As in ICallAuction. */
const SIDE_NUMBERS: Record<OrderSide, number> = { bid: 0, ask: 1 };
const JOULES_PER_KWH = 3_600_000n;

export type Terms = ReturnType<typeof useTerms>;

/**
 * What a person decides about an order beside its energy: which meter, which side, which limit; and what follows of it.
 * @param book of the slot whose tariff proposes a limit
 * @param amended an order to start from
 */
export function useTerms(book: Book | undefined, amended?: OrderRecord) {
  const zone = useZone();
  const format = useFormat();
  const [start] = useState(amended);
  const [side, setSide] = useState<OrderSide>(start?.side ?? "bid");
  const meters = useMeterChoice({
    sells: side === "ask",
    first: (all) => all.find(({ id }) => id === start?.meterId),
  });
  const { meter } = meters;
  const [typed, setTyped] = useState(() => start && format.typedPrice(tickPrice(zone, start.tick)));

  const limits = book && limitsOf(side, book);
  const write = (tick: number) => format.typedPrice(tickPrice(zone, tick));
  // Until something is typed: what the utility would charge or pay, the worst anybody accepts. The price is the same
  // for all, so that nobody gains by a bolder limit.
  const proposal = limits && write(side === "bid" ? limits.highest : limits.lowest);
  const limitText = typed ?? proposal ?? "";
  const limit = parseInput(limitText, format.priceDecimals);
  const tick = limit.kind === "amount" ? tickOf(limit.value, side, zone) : undefined;
  const isAllowedIn = (slotBook: Book | undefined): slotBook is Book => {
    const bounds = slotBook && limitsOf(side, slotBook);
    return bounds !== undefined && tick !== undefined && tick >= bounds.lowest && tick <= bounds.highest;
  };

  return {
    ...meters,
    side,
    limits,
    limit,
    limitText,
    setLimitText: setTyped,
    tick,
    isAllowedIn,
    /** The price step the limit counts as, base units per kWh. */
    limitPrice: tick === undefined ? undefined : tickPrice(zone, tick),
    chooseSide: (next: OrderSide) => {
      setSide(next);
      setTyped(undefined);
    },
    /** Writes the price step a typed limit counts as. */
    snap: () => tick !== undefined && setTyped(write(tick)),
    move(steps: number) {
      if (!limits || tick === undefined) return;
      setTyped(write(Math.min(limits.highest, Math.max(limits.lowest, tick + steps))));
    },
    /** Most energy of an order: what the meter moves in a slot. */
    most: (BigInt(meter?.maxPowerW ?? 0) * BigInt(zone.slotDuration) * zone.unitsPerKWh) / JOULES_PER_KWH,

    /** What an order on these terms would come to in a slot. @param book of that slot */
    inSlot(slotBook: Book | undefined, energy: bigint, orders: readonly OrderRecord[] | undefined) {
      if (!isAllowedIn(slotBook) || tick === undefined || !meter) {
        return { perKWh: 0n, locked: 0n, replaced: undefined, expected: undefined };
      }
      const { slot, feedInTick, retailTick, feeTicks } = slotBook;
      const id = packOrderId({ slot, meterId: meter.id, side, tick });
      const replaced = orders?.find((order) => order.id === id && !order.settled);
      const perKWh = lockPrice(side, tick, slotBook, zone);
      const crossing =
        energy > 0n
          ? expectedFill(
              slotBook,
              { lowest: feedInTick, highest: retailTick - feeTicks },
              { side, tick: levelOf({ side, tick }, feeTicks), energy, replaced: replaced?.energy ?? 0n },
            )
          : undefined;
      const fee = side === "bid" ? BigInt(feeTicks) * zone.tickSize : 0n;
      return {
        perKWh,
        locked: costUp(energy, perKWh, zone.unitsPerKWh),
        /** The order it would take the place of. */
        replaced,
        /** All-in for a buyer, without the grid fee for a seller. */
        expected: crossing && { filled: crossing.filled, price: tickPrice(zone, crossing.priceTick) + fee },
      };
    },
    /** The order as `placeOrders` takes it. */
    order: (slot: number, energy: bigint) => ({
      slot,
      meterId: meter?.id ?? 0,
      side: SIDE_NUMBERS[side],
      tick: tick ?? 0,
      energy: Number(energy),
    }),
  };
}
