import { ButtonLink, Card, CardTitle, Skeleton } from "../../ui/index.ts";
import { tickPrice, useBooks, useCurrentSlot, useFormat, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { cross } from "../auction/book.ts";
import { useSlotTime } from "../auction/useSlotTime.ts";

const SLOTS = 4;

/** What the auction's books say of the next slots' prices. */
export function NextSlotsCard({ className }: { className?: string }) {
  const zone = useZone();
  const format = useFormat();
  const current = useCurrentSlot();
  const time = useSlotTime();
  const books = useBooks(Array.from({ length: SLOTS }, (_, i) => current + 1 + i));
  const words = text.market.next;
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
        {(books ?? Array.from({ length: SLOTS }, () => undefined)).map((book, i) => {
          if (!book) return <Skeleton key={i} className="block h-24 w-full rounded-xl" />;
          const crossing = cross(book, { lowest: book.feedInTick, highest: book.retailTick - book.feeTicks });
          const isFixed = book.status === "cleared" || book.status === "finalized";
          return (
            <li key={book.slot} className="rounded-xl border border-line p-3">
              <p className="text-sm text-muted">{time.range(book.slot)}</p>
              <p className="font-semibold">
                {crossing
                  ? format.price(tickPrice(zone, crossing.priceTick))
                  : isFixed
                    ? words.noMatchFinal
                    : words.noMatch}
              </p>
              <p className="text-sm text-muted">
                {crossing
                  ? (isFixed ? words.fixed : words.expected)(format.energy(crossing.volume))
                  : isFixed
                    ? text.nbsp
                    : words.open}
              </p>
            </li>
          );
        })}
      </ul>
    </Card>
  );
}
