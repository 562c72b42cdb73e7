import { type OrderEvent, type OrderRecord, tickPrice, useFormat, useOrderStory, useZone } from "../data/index.ts";
import type { Format } from "../format/index.ts";
import { text } from "../text/index.ts";
import { useMeterName } from "../wallet/index.ts";
import { type Figure, Story } from "./Story.tsx";

/** @param slotName the slot by its times */
export function OrderStory(props: { order: OrderRecord; slotName: string; onClose: () => void }) {
  const { order, slotName, onClose } = props;
  const zone = useZone();
  const format = useFormat();
  const meterName = useMeterName();
  const told = useOrderStory(order);
  const words = text.auction.story;
  const limit = format.price(tickPrice(zone, order.tick));
  return (
    <Story
      title={(order.side === "bid" ? words.bid : words.ask)(slotName)}
      lead={meterName(order.meterId)}
      figures={figuresOf(order, limit, format)}
      steps={told?.map(({ event, time, readings }) => ({
        sentence: say(event, order, limit, format),
        time,
        transaction: event.transactionHash,
        readings,
      }))}
      side={() => (order.side === "ask" ? "exported" : "imported")}
      onClose={onClose}
    />
  );
}

function figuresOf({ side, energy, locked, settled }: OrderRecord, limit: string, format: Format): Figure[] {
  const words = text.auction.story;
  const [pays, gets] = [format.moneyUp, format.moneyDown];
  const isBid = side === "bid";
  const order = { label: words.ordered, value: format.energy(energy), note: words.limit(limit) };
  const aside = { label: words.locked, value: pays(locked) };
  if (!settled) return [order, aside];
  const { filled, energy: delivered, money, penalty } = settled;
  const missing = filled - delivered;
  return [
    order,
    { label: words.filled, value: format.energy(filled) },
    { label: isBid ? words.received : words.delivered, value: format.energyFixed(delivered) },
    {
      label: text.deliveries.story.missing,
      value: missing > 0n ? format.energy(missing) : text.deliveries.story.nothing,
    },
    isBid ? { label: words.paid, value: pays(money) } : { label: words.earned, value: gets(money) },
    isBid ? { label: words.compensation, value: gets(penalty) } : { label: words.penalty, value: pays(penalty) },
    aside,
    {
      label: words.back,
      value: gets(isBid ? locked - money + penalty : locked - penalty),
      note: isBid ? words.backBid : words.backAsk,
    },
  ];
}

function say(event: OrderEvent, { side }: OrderRecord, limit: string, format: Format): string {
  const words = text.auction.story;
  switch (event.eventName) {
    case "OrderPlaced":
      return words.placed(format.energy(event.args.energy), limit, format.moneyUp(event.args.locked));
    case "OrderCancelled":
      return words.cancelled;
    case "SlotCleared":
      return event.args.volume > 0n
        ? words.cleared(format.energy(event.args.volume), format.price(event.args.price))
        : words.clearedNothing;
    case "SlotFinalized":
      return words.finalized(format.energy(event.args.delivered));
    case "OrderSettled": {
      const { filled, energy, money, penalty } = event.args;
      if (filled === 0) return words.settledNothing;
      const [got, of] = [format.energy(energy), format.energy(filled)];
      return side === "bid"
        ? words.settledBid(got, of, format.moneyUp(money), format.moneyDown(penalty))
        : words.settledAsk(got, of, format.moneyDown(money), format.moneyUp(penalty));
    }
  }
}
