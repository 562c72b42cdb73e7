import { energyDecimals, paymentDown } from "@ioe/protocol";
import { directMarketAbi } from "@ioe/protocol/abi";
import { useState } from "react";
import { useFeed, useFormat, useMarketPaused, usePrices, useZone } from "../../data/index.ts";
import { parseInput } from "../../format/index.ts";
import { MeterSelect, useMeterChoice } from "../../forms/MeterSelect.tsx";
import { text } from "../../text/index.ts";
import { Choice, Dialog, DialogAction, Select, Stat, TextInput } from "../../ui/index.ts";
import { ActionButton, call, useSend, useSession } from "../../wallet/index.ts";
import { validateSell } from "./validate.ts";

const HOUR = 3_600;
const EXPIRIES = [HOUR, 4 * HOUR, 24 * HOUR, 7 * 24 * HOUR];

export function SellDialog({ onClose }: { onClose: () => void }) {
  const zone = useZone();
  const { head } = useFeed();
  const format = useFormat();
  const session = useSession();
  const prices = usePrices();
  const paused = useMarketPaused();
  const send = useSend();
  const words = text.market.sell;

  const choice = useMeterChoice({ sells: true });
  const { meter, lack } = choice;
  const [energyText, setEnergyText] = useState("");
  const [mode, setMode] = useState<"fixed" | "index">("fixed");
  const [priceText, setPriceText] = useState<string>();
  const [minimumText, setMinimumText] = useState("");
  const [expiry, setExpiry] = useState(EXPIRIES[1]);

  const bounds = prices && { lowest: prices.feedIn, highest: prices.retail - prices.gridFee };
  // Until something is typed: the price now for a fixed offer, the lowest there is as floor of an index offer.
  const proposal = prices && format.typedPrice(mode === "fixed" ? prices.sell : prices.feedIn);
  const decimals = energyDecimals(zone.unitsPerKWh);
  const energy = parseInput(energyText, decimals);
  const minimum = parseInput(minimumText, decimals);
  const price = parseInput(priceText ?? proposal ?? "", format.priceDecimals);
  const reasons = validateSell({ session: session.kind, paused, meter, lack, energy, price, minimum, bounds });

  const amount = energy.value ?? 0n;
  const unitPrice = price.value ?? 0n;
  const tradePrice = mode === "index" && prices && prices.sell > unitPrice ? prices.sell : unitPrice;
  const earns = paymentDown(amount, tradePrice, zone.unitsPerKWh);
  const utility = prices && paymentDown(amount, prices.feedIn, zone.unitsPerKWh);
  // The index may fall, but not below the offer's own lowest price.
  const least = paymentDown(amount, unitPrice, zone.unitsPerKWh);

  async function offer() {
    if (!meter || energy.kind !== "amount" || price.kind !== "amount") return undefined;
    const sent = await send(
      (mode === "fixed" ? words.transaction : words.transactionIndex)(
        format.energy(energy.value),
        format.price(price.value),
      ),
      call(zone.contracts.DirectMarket, directMarketAbi, "list", [
        meter.id,
        Number(energy.value),
        mode === "fixed" ? 0 : 1,
        price.value,
        Number(minimum.value ?? 0n),
        head.get().timestamp + (expiry ?? HOUR),
      ]),
    );
    if (sent.receipt) onClose();
    return sent;
  }

  return (
    <Dialog title={words.title} closeLabel={text.close} onClose={onClose} testId="sell-dialog">
      <form className="space-y-2" onSubmit={(event) => event.preventDefault()}>
        <MeterSelect {...choice} label={words.meter} testId="sell-meter" />
        <TextInput
          label={words.energy}
          unit="kWh"
          value={energyText}
          onChange={setEnergyText}
          testId="sell-energy"
          autoFocus
          error={energy.kind === "invalid" ? energy.message : undefined}
          hint={words.energyHint}
        />
        <Choice
          label={words.mode}
          showLabel
          value={mode}
          options={[
            { value: "fixed", label: words.fixed, testId: "sell-fixed" },
            { value: "index", label: words.index, testId: "sell-index" },
          ]}
          onChange={(next) => {
            setMode(next);
            setPriceText(undefined);
          }}
        />
        <TextInput
          label={mode === "fixed" ? words.price : words.floor}
          unit={format.priceUnit}
          value={priceText ?? proposal ?? ""}
          onChange={setPriceText}
          testId="sell-price"
          error={price.kind === "invalid" ? price.message : undefined}
          hint={bounds && words.bounds(format.priceNumber(bounds.lowest), format.priceNumber(bounds.highest))}
        />
        <div className="grid gap-x-4 sm:grid-cols-2">
          <TextInput
            label={words.minimum}
            unit="kWh"
            value={minimumText}
            onChange={setMinimumText}
            testId="sell-minimum"
            error={minimum.kind === "invalid" ? minimum.message : undefined}
            hint={words.minimumHint}
          />
          <Select
            label={words.expiry}
            value={expiry}
            onChange={(event) => setExpiry(Number(event.target.value))}
            testId="sell-expiry"
          >
            {EXPIRIES.map((duration) => (
              <option key={duration} value={duration}>
                {format.duration(duration)}
              </option>
            ))}
          </Select>
        </div>
        <dl className="rounded-xl bg-sunken p-4">
          <Stat
            label={words.earn}
            note={
              <>
                {utility !== undefined && earns > utility
                  ? words.earnNote(format.moneyDown(earns - utility))
                  : text.nbsp}
                {mode === "index" && <span className="block">{words.earnLeast(format.moneyDown(least))}</span>}
              </>
            }
            testId="sell-earns"
          >
            {format.moneyDown(earns)}
          </Stat>
        </dl>
        <p className="pb-1 text-sm text-muted">{words.promise}</p>
        <DialogAction>
          <ActionButton
            reasons={reasons}
            label={(mode === "fixed" ? words.sentence : words.sentenceIndex)(
              format.energy(amount),
              format.price(unitPrice),
            )}
            onAct={async () => offer()}
            testId="sell-confirm"
          />
        </DialogAction>
      </form>
    </Dialog>
  );
}
