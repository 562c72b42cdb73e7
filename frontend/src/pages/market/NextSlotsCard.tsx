import { ButtonLink, Card, CardTitle, Skeleton } from "../../ui/index.ts";
import { tickPrice, useBooks, useCurrentSlot, useFormat, useNow, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { cross } from "../auction/book.ts";
import { bookStateOf } from "../auction/state.ts";
import { useSlotTime } from "../auction/useSlotTime.ts";

const SLOTS = 4;

/** What the auction's books say of the next slots' prices. */
export function NextSlotsCard({ className }: { className?: string }) {
  const zone = useZone();
  const format = useFormat();
  const now = useNow();
  const current = useCurrentSlot();
  const time = useSlotTime();
  const slots = Array.from({ length: SLOTS }, (_, i) => current + 1 + i);
  // The one after them is there already when its turn comes.
  const books = useBooks(slots, [current + 1 + SLOTS]);
  const words = text.market.next;
  const matched = {
    open: words.expected,
    closed: words.expectedClosed,
    closedEmpty: words.expectedClosed,
    cleared: words.fixed,
    void: words.fixed,
  };
  const unmatched = {
    open: { price: words.noMatch, note: words.open },
    closed: { price: words.noMatchFinal, note: words.closed },
    closedEmpty: { price: words.noPrice, note: words.closedEmpty },
    cleared: { price: words.noMatchFinal, note: text.nbsp },
    void: { price: words.noPrice, note: text.nbsp },
  };
  return (
    <Card className={className} testId="next-slots">
      <CardTitle
        note={words.note}
        actions={
          <ButtonLink href="/auction" variant="secondary">
            {words.toAuction}
          </ButtonLink>
        }
      >
        {words.title}
      </CardTitle>
      <ul className="grid grid-cols-2 gap-3 lg:grid-cols-4">
        {slots.map((slot) => {
          const book = books.get(slot);
          if (!book) return <Skeleton key={slot} className="block h-24 w-full rounded-xl" />;
          const state = bookStateOf(book, now, zone);
          const crossing =
            state !== "void" && cross(book, { lowest: book.feedInTick, highest: book.retailTick - book.feeTicks });
          return (
            <li key={slot} className="rounded-xl border border-line p-3">
              <p className="text-sm text-muted">{time.range(slot)}</p>
              <p className="font-semibold">
                {crossing ? format.price(tickPrice(zone, crossing.priceTick)) : unmatched[state].price}
              </p>
              <p className="text-sm text-muted">
                {crossing ? matched[state](format.energy(crossing.volume)) : unmatched[state].note}
              </p>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
