import { costUp } from "@ioe/protocol";
import { directMarketAbi } from "@ioe/protocol/abi";
import { energyDecimals } from "@ioe/protocol";
import { useState } from "react";
import { useLocation } from "wouter";
import {
  type Offer,
  useBusy,
  useFeed,
  useFormat,
  useFunds,
  useMarketPaused,
  useNow,
  usePresent,
  usePrices,
  useZone,
} from "../../data/index.ts";
import { parseInput } from "../../format/index.ts";
import { asTrader } from "../../forms/index.ts";
import { MeterSelect, useMeterChoice } from "../../forms/MeterSelect.tsx";
import { text } from "../../text/index.ts";
import { Button, Dialog, DialogAction, Select, Stat, TextInput } from "../../ui/index.ts";
import { ActionButton, call, useMeterName, useSend, useSession } from "../../wallet/index.ts";
import { firstAmount } from "./firstAmount.ts";
import { defaultDuration, durations, secondsFor } from "./timing.ts";
import { validateBuy } from "./validate.ts";

/** An index price may move by this much before the purchase is in the chain, in 1/100. */
const INDEX_MARGIN = 110n;

/** Base units per kWh: what the offer asks now, with room for an index that moves. */
function firstLimit(offer: Offer, retail: bigint | undefined): bigint {
  if (offer.mode === "fixed") return offer.allIn;
  const limit = (offer.allIn * INDEX_MARGIN) / 100n;
  return retail !== undefined && limit > retail ? retail : limit;
}

/**
 * @param first the offer as it was when the dialog opened
 * @param offer the same offer as it is now; undefined when it is gone
 */
export function BuyDialog({ first, offer, onClose }: { first: Offer; offer: Offer | undefined; onClose: () => void }) {
  const zone = useZone();
  const { head } = useFeed();
  const format = useFormat();
  const session = useSession();
  const present = usePresent();
  const prices = usePrices();
  const paused = useMarketPaused();
  const now = useNow();
  const meterName = useMeterName();
  const send = useSend();
  const [, navigate] = useLocation();
  const words = text.market.buy;
  const shown = offer ?? first;

  const choice = useMeterChoice({ first: (all) => all.find((each) => each.id !== first.meterId) });
  const { meter, lack } = choice;
  const [energyText, setEnergyText] = useState(() => format.typedEnergy(firstAmount(first, zone.unitsPerKWh)));
  const [limitText, setLimitText] = useState(() => format.typedPrice(firstLimit(first, prices?.retail)));
  const [chosenDuration, setChosenDuration] = useState(0);

  const energy = parseInput(energyText, energyDecimals(zone.unitsPerKWh));
  const maxPrice = parseInput(limitText, format.priceDecimals);
  const busy = useBusy(meter?.id);
  const funds = useFunds(meter?.owner);
  const reasons = asTrader(
    validateBuy({
      session: session.kind,
      paused,
      now,
      offer: offer && { ...offer, busyUntil: offer.busy?.deadline },
      energy,
      meter: meter && { id: meter.id, active: meter.active, busyUntil: busy?.deadline },
      lack,
      maxPrice,
      funds,
      unitsPerKWh: zone.unitsPerKWh,
    }),
    session.account,
    meter,
  );

  const amount = energy.value ?? 0n;
  const cost = costUp(amount, shown.allIn, zone.unitsPerKWh);
  const worst = costUp(amount, maxPrice.value ?? 0n, zone.unitsPerKWh);
  const mayRise = shown.mode === "index" && worst > cost;
  const utility = prices && costUp(amount, prices.retail, zone.unitsPerKWh);
  const power = Math.min(present?.meters.get(first.meterId)?.maxPowerW ?? Infinity, meter?.maxPowerW ?? Infinity);
  const estimate = secondsFor(amount, Number.isFinite(power) ? power : 0, zone.unitsPerKWh);
  const automatic = defaultDuration(estimate, zone.slotDuration, zone.maxDelivery);
  const seller = meterName(first.meterId);

  async function buy() {
    if (!meter || energy.kind !== "amount" || maxPrice.kind !== "amount") return undefined;
    // The newest block's own time: the contract compares the deadline with a block, not with this device's clock.
    const deadline = head.get().timestamp + (chosenDuration || automatic);
    const sent = await send(
      words.transaction(format.energy(energy.value), seller),
      call(zone.contracts.DirectMarket, directMarketAbi, "buy", [
        first.id,
        meter.id,
        Number(energy.value),
        maxPrice.value,
        deadline,
      ]),
    );
    if (sent.receipt) {
      onClose();
      navigate("/deliveries");
    }
    return sent;
  }

  return (
    <Dialog title={words.title(seller)} closeLabel={text.close} onClose={onClose} testId="buy-dialog">
      <form
        className="space-y-2"
        onSubmit={(event) => {
          event.preventDefault();
        }}
      >
        <TextInput
          label={words.energy}
          unit="kWh"
          value={energyText}
          onChange={setEnergyText}
          testId="buy-energy"
          autoFocus
          error={energy.kind === "invalid" ? energy.message : undefined}
          hint={words.energyHint(format.energy(shown.remaining))}
          end={
            <Button variant="secondary" onClick={() => setEnergyText(format.typedEnergy(shown.remaining))}>
              {text.all}
            </Button>
          }
        />
        <MeterSelect {...choice} label={words.meter} testId="buy-meter" />
        <details className="group">
          <summary className="-mx-1 rounded px-1 py-1 text-sm font-medium text-accent" data-testid="buy-limits">
            {words.limits}
          </summary>
          <div className="mt-2 space-y-2">
            <TextInput
              label={words.maxPrice}
              unit={format.priceUnit}
              value={limitText}
              onChange={setLimitText}
              testId="buy-max-price"
              error={maxPrice.kind === "invalid" ? maxPrice.message : undefined}
              hint={words.maxPriceHint}
            />
            <Select
              label={words.deadline}
              value={chosenDuration}
              onChange={(event) => setChosenDuration(Number(event.target.value))}
              hint={words.deadlineHint}
              testId="buy-deadline"
            >
              <option value={0}>{words.deadlineAuto(format.duration(automatic))}</option>
              {durations(zone.slotDuration, zone.maxDelivery).map((duration) => (
                <option key={duration} value={duration}>
                  {format.duration(duration)}
                </option>
              ))}
            </Select>
          </div>
        </details>
        <dl className="grid grid-cols-2 gap-x-4 gap-y-3 rounded-xl bg-sunken p-4">
          <Stat
            label={words.perKWh}
            note={words.split(format.priceNumber(shown.price), format.priceNumber(shown.gridFee))}
          >
            {format.price(shown.allIn)}
          </Stat>
          <Stat label={words.locked} testId="buy-cost" note={mayRise ? words.worst(format.moneyUp(worst)) : undefined}>
            {format.moneyUp(cost)}
          </Stat>
          <Stat label={words.saving}>{utility && utility > cost ? format.moneyDown(utility - cost) : "–"}</Stat>
          <Stat label={words.time} note={Number.isFinite(power) ? words.timeNote(format.power(power)) : undefined}>
            {Number.isFinite(estimate) && amount > 0n ? format.duration(Math.max(1, estimate)) : "–"}
          </Stat>
        </dl>
        <p className="pb-1 text-sm text-muted">{words.lockedNote}</p>
        <DialogAction>
          <ActionButton
            reasons={reasons}
            label={
              mayRise
                ? words.sentenceIndex(format.energy(amount), format.moneyUp(cost), format.moneyUp(worst))
                : words.sentence(format.energy(amount), format.moneyUp(cost))
            }
            onAct={async () => buy()}
            testId="buy-confirm"
          />
        </DialogAction>
      </form>
    </Dialog>
  );
}
