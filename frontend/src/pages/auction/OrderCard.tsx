import { energyDecimals } from "@ioe/protocol";
import { callAuctionAbi } from "@ioe/protocol/abi";
import { useState } from "react";
import {
  type Book,
  type OrderRecord,
  tickPrice,
  useAuctionPaused,
  useFormat,
  useFunds,
  useNow,
  useZone,
} from "../../data/index.ts";
import { parseInput } from "../../format/index.ts";
import { text } from "../../text/index.ts";
import { Card, CardTitle, Stat, TextInput } from "../../ui/index.ts";
import { ActionButton, call, useSend, useSession } from "../../wallet/index.ts";
import { gateOf } from "./slots.ts";
import { LimitField, Pledge, SideAndMeter } from "./TermsFields.tsx";
import { useSlotTime } from "./useSlotTime.ts";
import { useTerms } from "./useTerms.ts";
import { validateOrder } from "./validate.ts";

interface Props {
  slot: number;
  book: Book | undefined;
  orders: readonly OrderRecord[] | undefined;
  /** An order to start from. */
  amended?: OrderRecord;
  className?: string;
}

export function OrderCard({ slot, book, orders, amended, className }: Props) {
  const zone = useZone();
  const format = useFormat();
  const session = useSession();
  const paused = useAuctionPaused();
  const now = useNow();
  const time = useSlotTime();
  const send = useSend();
  const words = text.auction.order;

  const terms = useTerms(book, amended);
  const { meter, side, limits, limit, limitPrice, most } = terms;
  const [energyText, setEnergyText] = useState(() => format.typedEnergy(amended?.energy ?? zone.minOrder));
  const energy = parseInput(energyText, energyDecimals(zone.unitsPerKWh));
  const amount = energy.value ?? 0n;
  const { locked, replaced, expected } = terms.inSlot(book, amount, orders);
  const funds = useFunds(meter?.owner);
  const reasons = validateOrder({
    session: session.kind,
    paused,
    now,
    gate: gateOf(slot, zone),
    meter,
    lack: terms.lack,
    energy,
    least: zone.minOrder,
    most,
    limit,
    limitPrice,
    bounds: limits && { lowest: tickPrice(zone, limits.lowest), highest: tickPrice(zone, limits.highest) },
    due: locked - (replaced?.locked ?? 0n),
    funds,
  });

  function place() {
    const title = side === "bid" ? words.transactionBid : words.transactionAsk;
    return send(
      title(format.energy(amount), time.range(slot)),
      call(zone.contracts.CallAuction, callAuctionAbi, "placeOrders", [[terms.order(slot, amount)]]),
    );
  }

  const sentence = replaced
    ? side === "bid"
      ? words.replaceBid
      : words.replaceAsk
    : side === "bid"
      ? words.sentenceBid
      : words.sentenceAsk;
  return (
    <Card className={className} testId="auction-form">
      <CardTitle note={words.note(time.range(slot))}>{words.title}</CardTitle>
      <form className="space-y-2" onSubmit={(event) => event.preventDefault()}>
        <SideAndMeter terms={terms} id="auction" />
        <TextInput
          label={words.energy}
          unit="kWh"
          value={energyText}
          onChange={setEnergyText}
          testId="auction-energy"
          error={energy.kind === "invalid" ? energy.message : undefined}
          hint={meter && words.energyHint(format.energy(zone.minOrder), format.energy(most))}
        />
        <LimitField terms={terms} id="auction" />
        <dl className="grid grid-cols-2 gap-x-4 gap-y-3 rounded-xl bg-sunken p-4">
          <Stat
            label={words.expected}
            note={expected ? words.expectedAt(format.price(expected.price)) : text.nbsp}
            testId="auction-expected"
          >
            {expected
              ? words.expectedFill(format.typedEnergy(expected.filled), format.energy(amount))
              : amount > 0n && book
                ? words.expectedNone
                : "–"}
          </Stat>
          <Stat
            label={words.locked}
            note={replaced ? words.lockedReplaces(format.money(replaced.locked)) : text.nbsp}
            testId="auction-locked"
          >
            {format.money(locked)}
          </Stat>
        </dl>
        <Pledge terms={terms} worst={locked} />
        <ActionButton
          reasons={reasons}
          label={sentence(format.energy(amount), format.price(limitPrice ?? 0n))}
          onAct={place}
          testId="auction-confirm"
        />
      </form>
    </Card>
  );
}
