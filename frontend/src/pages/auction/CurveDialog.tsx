import { energyDecimals } from "@ioe/protocol";
import { callAuctionAbi } from "@ioe/protocol/abi";
import { useState } from "react";
import {
  type Book,
  type OrderRecord,
  tickPrice,
  useAuctionPaused,
  useBooks,
  useCurrentSlot,
  useFormat,
  useFunds,
  useNow,
  useZone,
} from "../../data/index.ts";
import { parseInput } from "../../format/index.ts";
import { asTrader } from "../../forms/index.ts";
import { text } from "../../text/index.ts";
import { Button, Dialog, DialogAction, Pager, Stat, TextInput } from "../../ui/index.ts";
import { ActionButton, call, type Sent, useSend, useSession } from "../../wallet/index.ts";
import { curveBatches, curveOrders, curvePages, curveSlots, validateCurve } from "./curve.ts";
import { limitsOf } from "./limit.ts";
import { LimitField, Pledge, SideAndMeter } from "./TermsFields.tsx";
import { useSlotTime } from "./useSlotTime.ts";
import { useTerms } from "./useTerms.ts";

interface Props {
  /** Of the slot whose tariff proposes a limit. */
  book: Book | undefined;
  orders: readonly OrderRecord[] | undefined;
  onClose: () => void;
}

const sumOf = (amounts: readonly bigint[]) => amounts.reduce((sum, each) => sum + each, 0n);

/** A day's curve: an amount for each of the next slots, at one limit, with as few signatures as can be. */
export function CurveDialog({ book, orders, onClose }: Props) {
  const zone = useZone();
  const format = useFormat();
  const session = useSession();
  const paused = useAuctionPaused();
  const now = useNow();
  const current = useCurrentSlot();
  const time = useSlotTime();
  const send = useSend();
  const words = text.auction.curve;

  const terms = useTerms(book);
  const [all, setAll] = useState("");
  const [typed, setTyped] = useState<Record<number, string>>({});
  // Slots that close while the form is open leave it.
  const [offered] = useState(() => curveSlots(now, current, zone));
  const pages = curvePages(offered, now, zone);
  const open = pages.flatMap((each) => each.slots);
  const [chosenPage, choosePage] = useState(0);
  const at = Math.max(
    0,
    pages.findIndex(({ number }) => number === chosenPage),
  );
  const shown = pages[at]?.slots ?? [];
  const decimals = energyDecimals(zone.unitsPerKWh);
  const slots = open.map((slot) => ({ slot, energy: parseInput(typed[slot] ?? "", decimals) }));
  const chosen = curveOrders(slots);
  const chosenSlots = chosen.map(({ slot }) => slot);
  const books = useBooks(
    chosenSlots.filter((slot) => shown.includes(slot)),
    chosenSlots.filter((slot) => !shown.includes(slot)),
  );
  const outcomes = chosen.map(({ slot, energy }) => terms.inSlot(books.get(slot), energy, orders));
  const locked = sumOf(outcomes.map((each) => each.locked));
  const funds = useFunds(terms.meter?.owner);
  const reasons = asTrader(
    validateCurve({
      session: session.kind,
      paused,
      meter: terms.meter,
      lack: terms.lack,
      slots,
      least: zone.minOrder,
      most: terms.most,
      limit: terms.limit,
      limitPrice: terms.limitPrice,
      bounds: chosen.map(({ slot }) => {
        const slotBook = books.get(slot);
        const limits = slotBook && limitsOf(terms.side, slotBook);
        return limits && { lowest: tickPrice(zone, limits.lowest), highest: tickPrice(zone, limits.highest) };
      }),
      due: locked - sumOf(outcomes.map(({ replaced }) => replaced?.locked ?? 0n)),
      funds,
    }),
    session.account,
    terms.meter,
  );
  const total = sumOf(chosen.map(({ energy }) => energy));
  const filled = sumOf(outcomes.map(({ expected }) => expected?.filled ?? 0n));

  async function place() {
    let sent: Sent = {};
    for (const batch of curveBatches(chosen)) {
      sent = await send(
        words.transaction(batch.length, format.energy(sumOf(batch.map(({ energy }) => energy)))),
        call(zone.contracts.CallAuction, callAuctionAbi, "placeOrders", [
          batch.map(({ slot, energy }) => terms.order(slot, energy)),
        ]),
      );
      // Those that are in stay in; sent once more, they take their own place.
      if (!sent.receipt) return sent;
    }
    onClose();
    return sent;
  }

  return (
    <Dialog title={words.title} closeLabel={text.close} onClose={onClose} testId="curve-dialog">
      <form className="space-y-3" onSubmit={(event) => event.preventDefault()}>
        <SideAndMeter terms={terms} id="curve" />
        <LimitField terms={terms} id="curve" />
        <TextInput
          label={words.all}
          unit="kWh"
          value={all}
          onChange={setAll}
          testId="curve-all"
          end={
            <Button
              variant="secondary"
              data-testid="curve-fill"
              onClick={() => setTyped(Object.fromEntries(open.map((slot) => [slot, all])))}
            >
              {words.fill}
            </Button>
          }
        />
        <fieldset>
          <legend className="mb-1 text-sm font-medium">{words.slots}</legend>
          <div className="grid grid-cols-2 gap-2 sm:grid-cols-3" data-testid="curve-slots">
            {shown.map((slot) => (
              <TextInput
                key={slot}
                label={time.start(slot)}
                unit="kWh"
                value={typed[slot] ?? ""}
                onChange={(next) => setTyped({ ...typed, [slot]: next })}
              />
            ))}
          </div>
          <Pager
            words={text.pager}
            page={at}
            last={Math.max(0, pages.length - 1)}
            onPage={(next) => choosePage(pages[next]?.number ?? 0)}
          >
            {shown.length > 0 && text.auction.range(time.start(shown[0]!), time.start(shown.at(-1)!))}
          </Pager>
        </fieldset>
        <dl className="grid grid-cols-2 gap-x-4 rounded-xl bg-sunken p-4">
          <Stat label={text.auction.order.expected} testId="curve-expected">
            {total > 0n ? text.auction.order.expectedFill(format.typedEnergy(filled), format.energy(total)) : "–"}
          </Stat>
          <Stat label={text.auction.order.locked}>{format.moneyUp(locked)}</Stat>
        </dl>
        <Pledge terms={terms} worst={locked} />
        <DialogAction>
          <ActionButton
            reasons={reasons}
            label={words.sentence(chosen.length, format.energy(total))}
            onAct={place}
            testId="curve-confirm"
          />
        </DialogAction>
      </form>
    </Dialog>
  );
}
