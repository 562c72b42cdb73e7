import { tariffAbi } from "@ioe/protocol/abi";
import { useState } from "react";
import { useCurrentSlot, useFormat, useNoticeSlots, usePrices, useSchedule, useZone } from "../../data/index.ts";
import { type Parsed, parseInput } from "../../format/index.ts";
import { text } from "../../text/index.ts";
import { Card, CardTitle, Select, TextInput } from "../../ui/index.ts";
import { call } from "../../wallet/index.ts";
import { PowerButton } from "./PowerButton.tsx";
import { replacedBy, startsAfter, validateTariff } from "./tariff.ts";

const MOST_SHOWN = 8;

/** The utility's prices and the grid fee, announced ahead. @param delay waiting time of the role, seconds. */
export function TariffCard({ delay }: { delay: number }) {
  const zone = useZone();
  const format = useFormat();
  const prices = usePrices();
  const schedule = useSchedule();
  const notice = useNoticeSlots();
  const current = useCurrentSlot();
  const [typed, setTyped] = useState<Partial<Record<Figure, string>>>({});
  const [wait, setWait] = useState(0);
  const words = text.operator.tariff;

  const value = (figure: Figure) => typed[figure] ?? (prices ? format.typedPrice(prices[figure]) : "");
  const parsed = Object.fromEntries(
    FIGURES.map((figure) => [figure, parseInput(value(figure), format.priceDecimals)]),
  ) as Record<Figure, Parsed>;
  const starts = startsAfter(current, notice ?? 1, zone.slotDuration, delay);
  const fromSlot = starts[wait] ?? starts[0]!;
  const reasons = validateTariff(parsed, zone);
  const when = (slot: number) => format.dateTime(slot * zone.slotDuration);
  const figures = FIGURES.map((figure) => parsed[figure].value ?? 0n);
  const replaced = replacedBy(schedule ?? [], fromSlot).map((each) => when(each.fromSlot));
  const announced = schedule?.slice(-MOST_SHOWN);
  return (
    <Card testId="tariff-card">
      <CardTitle note={words.note}>{words.title}</CardTitle>
      <form className="space-y-2" onSubmit={(event) => event.preventDefault()}>
        <div className="grid gap-x-3 sm:grid-cols-3">
          {FIGURES.map((figure) => {
            const each = parsed[figure];
            return (
              <TextInput
                key={figure}
                label={words[figure]}
                unit={format.priceUnit}
                value={value(figure)}
                onChange={(next) => setTyped({ ...typed, [figure]: next })}
                testId={`tariff-${figure}`}
                error={each.kind === "invalid" ? each.message : undefined}
                hint={text.nbsp}
              />
            );
          })}
        </div>
        <Select
          label={words.from}
          value={wait}
          onChange={(event) => setWait(Number(event.target.value))}
          testId="tariff-from"
        >
          {starts.map((slot, i) => (
            <option key={i} value={i}>
              {when(slot)}
            </option>
          ))}
        </Select>
        <p className="pb-1 text-sm text-muted">{words.steps(format.price(zone.tickSize))}</p>
        {replaced.length > 0 && (
          <p className="pb-1 text-sm text-sun" data-testid="tariff-replaces">
            {words.replaces(replaced.join(", "))}
          </p>
        )}
        <PowerButton
          power="setTariff"
          reasons={reasons}
          label={words.sentence(when(fromSlot))}
          title={words.transaction}
          intended={
            reasons.length === 0
              ? call(zone.contracts.Tariff, tariffAbi, "setTariff", [
                  fromSlot,
                  ...(figures as [bigint, bigint, bigint]),
                ])
              : undefined
          }
          onDone={() => setTyped({})}
          testId="tariff-confirm"
        />
      </form>
      {announced && announced.length > 0 && (
        <table className="mt-4 w-full border-t border-line text-sm" data-testid="tariff-schedule">
          <caption className="sr-only">{words.schedule}</caption>
          <thead>
            <tr className="text-xs text-muted">
              {[words.from, ...FIGURES.map((figure) => words[figure])].map((title, i) => (
                <th key={title} scope="col" className={`pt-3 pb-1 font-medium ${i ? "pl-3 text-right" : "text-left"}`}>
                  {title}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {announced.map(({ fromSlot: from, ...each }) => (
              <tr key={from}>
                <th scope="row" className="py-1 text-left font-normal">
                  {from <= 0 ? words.fromStart : when(from)}
                </th>
                {FIGURES.map((figure) => (
                  <td key={figure} className="py-1 pl-3 text-right align-top">
                    {format.priceNumber(each[figure])}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      )}
    </Card>
  );
}

const FIGURES = ["feedIn", "retail", "gridFee"] as const;
type Figure = (typeof FIGURES)[number];
