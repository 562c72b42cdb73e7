import { type DeliveryEvent, type DeliveryRecord, useDeliveryStory, useFormat } from "../data/index.ts";
import type { Format } from "../format/index.ts";
import { text } from "../text/index.ts";
import { useAccountName, useMeterName } from "../wallet/index.ts";
import { type Figure, Story } from "./Story.tsx";

/** A delivery, running or ended. */
export function DeliveryStory({ delivery, onClose }: { delivery: DeliveryRecord; onClose: () => void }) {
  const format = useFormat();
  const meterName = useMeterName();
  const accountName = useAccountName();
  const told = useDeliveryStory(delivery);
  const { deliveries: words } = text;
  return (
    <Story
      title={words.heading(String(delivery.id))}
      lead={words.route(meterName(delivery.sellerMeterId), meterName(delivery.buyerMeterId))}
      figures={figuresOf(delivery, format)}
      steps={told?.map(({ event, time, readings }) => ({
        sentence: say(event, delivery, format, accountName),
        time,
        transaction: event.transactionHash,
        readings,
      }))}
      side={(meterId) => (meterId === delivery.sellerMeterId ? "exported" : "imported")}
      onClose={onClose}
    />
  );
}

function figuresOf(delivery: DeliveryRecord, format: Format): Figure[] {
  const { energy, delivered, locked, paid, bill } = delivery;
  const words = text.deliveries.story;
  const missing = energy - delivered;
  return [
    {
      label: text.deliveries.column.energy,
      value: format.energyFixed(delivered),
      note: words.of(format.energy(energy)),
    },
    { label: words.missing, value: missing > 0n ? format.energyFixed(missing) : words.nothing },
    bill
      ? { label: words.cost, value: format.moneyUp(bill.cost), note: words.ofLocked(format.moneyUp(locked)) }
      : { label: words.locked, value: format.moneyUp(locked) },
    {
      label: words.seller,
      value: format.moneyDown(paid),
      note: bill && words.gridFee(format.moneyUp(bill.gridFee)),
    },
    { label: words.refund, value: bill ? format.moneyDown(bill.refund) : words.notYet },
    { label: words.price, value: format.price(delivery.price) },
  ];
}

function say(
  event: DeliveryEvent,
  { energy }: DeliveryRecord,
  format: Format,
  name: (account: `0x${string}`) => string,
) {
  const words = text.deliveries.story;
  switch (event.eventName) {
    case "Bought":
      return words.bought(format.energy(energy), format.moneyUp(event.args.locked));
    case "DeliveryProgress":
      return words.progress(format.energy(event.args.delivered), format.moneyDown(event.args.paid));
    case "DeliveryEnding":
      return words.endingBy(name(event.args.by));
    case "DeliveryClosed": {
      const delivered = BigInt(event.args.delivered);
      return delivered < energy
        ? words.closedShort(format.energy(delivered), format.energy(energy - delivered))
        : words.closed(format.energy(delivered));
    }
    case "DeliveryBilled": {
      const { cost, sellerPaid, gridFee, refund } = event.args;
      return words.billed(
        format.moneyUp(cost),
        format.moneyDown(sellerPaid),
        format.moneyUp(gridFee),
        format.moneyDown(refund),
      );
    }
  }
}
