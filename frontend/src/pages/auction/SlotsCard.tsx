import { useId } from "react";
import { useCurrentSlot, useFormat, useNow, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Card, CardTitle, classes, Select } from "../../ui/index.ts";
import { gateOf, slotsAfter } from "./slots.ts";
import { useSlotTime } from "./useSlotTime.ts";

interface Props {
  slot: number;
  onChoose: (slot: number) => void;
  className?: string;
}

/** The next slots with the time that is left to order in them, and a list of the later ones. */
export function SlotsCard({ slot, onChoose, className }: Props) {
  const zone = useZone();
  const format = useFormat();
  const now = useNow();
  const current = useCurrentSlot();
  const time = useSlotTime();
  const name = useId();
  const words = text.auction.slots;
  const { near, later } = slotsAfter(current, zone);
  return (
    <Card className={className} testId="auction-slots">
      <CardTitle note={words.note(format.duration(zone.slotDuration))}>{words.title}</CardTitle>
      <div className="grid gap-4 lg:grid-cols-[1fr_14rem] lg:items-end">
        <fieldset className="grid grid-cols-3 gap-2 sm:grid-cols-6">
          <legend className="sr-only">{words.label}</legend>
          {near.map((each) => {
            const left = gateOf(each, zone) - now;
            const checked = each === slot;
            return (
              <label
                key={each}
                data-testid="auction-slot"
                data-slot={each}
                data-open={left > 0 || undefined}
                className={classes(
                  "min-h-14 cursor-pointer rounded-xl border px-2 py-2 text-center has-focus-visible:outline-3 has-focus-visible:outline-offset-2 has-focus-visible:outline-accent",
                  checked ? "border-accent bg-accent-soft" : "border-line hover:bg-sunken",
                )}
              >
                <input type="radio" name={name} className="sr-only" checked={checked} onChange={() => onChoose(each)} />
                <span className={classes("block font-semibold", checked && "text-accent")}>{time.start(each)}</span>
                <span className="block text-xs text-muted">
                  {left > 0 ? (
                    <>
                      {format.duration(left)} <span className="sr-only">{words.toOrder}</span>
                    </>
                  ) : (
                    words.closed
                  )}
                </span>
              </label>
            );
          })}
        </fieldset>
        {later.length > 0 && (
          <Select
            label={words.later}
            value={later.includes(slot) ? slot : ""}
            onChange={(event) => event.target.value && onChoose(Number(event.target.value))}
            testId="auction-later"
          >
            <option value="">{words.laterNone}</option>
            {later.map((each) => (
              <option key={each} value={each}>
                {time.range(each)}
              </option>
            ))}
          </Select>
        )}
      </div>
    </Card>
  );
}
