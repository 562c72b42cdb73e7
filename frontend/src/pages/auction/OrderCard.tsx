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
import { asTrader } from "../../forms/index.ts";
import { text } from "../../text/index.ts";
import { Button, Card, CardTitle, Stat, TextInput } from "../../ui/index.ts";
import { ActionButton, type Call, call, type Sent, useSend, useSendTogether, useSession } from "../../wallet/index.ts";
import { amendmentOf, bookWithout, freedBy, lockChange, mustTakeBack } from "./amend.ts";
import { gateOf } from "./slots.ts";
import { LimitField, Pledge, SideAndMeter } from "./TermsFields.tsx";
import { useSlotTime } from "./useSlotTime.ts";
import { useTerms } from "./useTerms.ts";
import { validateOrder } from "./validate.ts";

interface Props {
  slot: number;
  book: Book | undefined;
  orders: readonly OrderRecord[] | undefined;
  /** The order that is being changed. */
  amended?: OrderRecord;
  /** It is changed, or taken back: what stands in the form stays. */
  onAmended: () => void;
  /** It stays as it is. */
  onLeave: () => void;
  autoFocus: boolean;
  className?: string;
}

export function OrderCard({ slot, book, orders, amended, onAmended, onLeave, autoFocus, className }: Props) {
  const zone = useZone();
  const format = useFormat();
  const session = useSession();
  const paused = useAuctionPaused();
  const now = useNow();
  const time = useSlotTime();
  const send = useSend();
  const sendTogether = useSendTogether();
  const words = text.auction.order;

  const terms = useTerms(book, amended);
  const { meter, side, limits, limit, limitPrice, tick, most } = terms;
  const [energyText, setEnergyText] = useState(() => format.typedEnergy(amended?.energy ?? zone.minOrder));
  const energy = parseInput(energyText, energyDecimals(zone.unitsPerKWh));
  const amount = energy.value ?? 0n;
  const amendment = amendmentOf(amended, orders, now, zone);
  const changed = amendment?.isLate ? undefined : amendment?.order;
  const next = meter && tick !== undefined ? { slot, meterId: meter.id, side, tick } : undefined;
  const takenBack = mustTakeBack(changed, next);
  const { locked, replaced, expected } = terms.inSlot(book && bookWithout(book, takenBack), amount, orders);
  // Without a sound order there is nothing to compare.
  const isSound = amount > 0n && terms.isAllowedIn(book);
  const change = lockChange(isSound ? freedBy(takenBack ?? replaced, meter?.owner) : 0n, locked);
  const funds = useFunds(meter?.owner);
  const reasons = asTrader(
    validateOrder({
      session: session.kind,
      paused,
      now,
      gate: gateOf(slot, zone),
      changeTooLate: amendment?.isLate ?? false,
      meter,
      lack: terms.lack,
      energy,
      least: zone.minOrder,
      most,
      limit,
      limitPrice,
      bounds: limits && { lowest: tickPrice(zone, limits.lowest), highest: tickPrice(zone, limits.highest) },
      due: locked - (replaced?.locked ?? 0n),
      funds: funds && { ...funds, free: funds.free + freedBy(takenBack, meter?.owner) },
    }),
    session.account,
    meter,
  );

  async function order() {
    const title = (side === "bid" ? words.transactionBid : words.transactionAsk)(
      format.energy(amount),
      time.range(slot),
    );
    const place = call(zone.contracts.CallAuction, callAuctionAbi, "placeOrders", [[terms.order(slot, amount)]]);
    const sent = await (takenBack ? takeBackAndPlace(takenBack, title, place) : send(title, place));
    if (sent.receipt) onAmended();
    return sent;
  }

  /** In this order, so that no money is set aside for both at any time. */
  async function takeBackAndPlace(old: OrderRecord, title: string, place: Call): Promise<Sent> {
    const takeBack = call(zone.contracts.CallAuction, callAuctionAbi, "cancelOrders", [[old.id]]);
    if (sendTogether) return sendTogether(title, [takeBack, place]);
    const first = await send(
      text.auction.mine.cancelTransaction(format.energy(old.energy), time.range(old.slot)),
      takeBack,
    );
    if (!first.receipt) return first;
    onAmended();
    const { receipt, failure } = await send(title, place);
    const advice = [failure?.advice, words.takenBack].filter(Boolean).join(" ");
    return { receipt, failure: failure && { ...failure, advice } };
  }

  const sentences = {
    bid: { place: words.sentenceBid, replace: words.replaceBid, amend: words.amendBid },
    ask: { place: words.sentenceAsk, replace: words.replaceAsk, amend: words.amendAsk },
  };
  const sentence = sentences[side][takenBack ? "amend" : replaced ? "replace" : "place"];
  return (
    <Card className={className} testId="auction-form">
      <CardTitle
        note={words.note(time.range(slot))}
        actions={
          amendment && (
            <Button variant="quiet" onClick={onLeave} data-testid="auction-leave">
              {words.leave}
            </Button>
          )
        }
      >
        {amendment ? words.amendTitle : words.title}
      </CardTitle>
      <form className="space-y-2" onSubmit={(event) => event.preventDefault()}>
        {amendment && (
          <p className="text-sm text-muted" data-testid="auction-amended">
            {words.amended(
              format.energy(amendment.order.energy),
              (amendment.order.side === "bid" ? text.auction.mine.atMost : text.auction.mine.atLeast)(
                format.price(tickPrice(zone, amendment.order.tick)),
              ),
              time.range(amendment.order.slot),
            )}{" "}
            {takenBack && (sendTogether ? words.amendTogether : words.amendSteps)}
          </p>
        )}
        <SideAndMeter terms={terms} id="auction" />
        <TextInput
          label={words.energy}
          unit="kWh"
          value={energyText}
          onChange={setEnergyText}
          testId="auction-energy"
          autoFocus={autoFocus}
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
            note={
              change.kind === "back"
                ? words.lockedBack(format.moneyDown(change.money))
                : change.kind === "kept"
                  ? words.lockedReplaces(format.moneyUp(change.money))
                  : text.nbsp
            }
            testId="auction-locked"
          >
            {format.moneyUp(locked)}
          </Stat>
        </dl>
        <Pledge terms={terms} worst={locked} />
        <ActionButton
          reasons={reasons}
          label={sentence(format.energy(amount), format.price(limitPrice ?? 0n))}
          onAct={order}
          testId="auction-confirm"
        />
      </form>
    </Card>
  );
}
