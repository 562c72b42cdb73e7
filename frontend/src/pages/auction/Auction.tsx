import { useState } from "react";
import { type OrderRecord, useBook, useCurrentSlot, useMyOrders, useNow, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Button, PageTitle } from "../../ui/index.ts";
import { useSession } from "../../wallet/index.ts";
import { BookCard } from "./BookCard.tsx";
import { CurveDialog } from "./CurveDialog.tsx";
import { OrderCard } from "./OrderCard.tsx";
import { OrdersCard } from "./OrdersCard.tsx";
import { ResultsCard } from "./ResultsCard.tsx";
import { SlotsCard } from "./SlotsCard.tsx";
import { firstSlot } from "./slots.ts";

export function Auction() {
  const zone = useZone();
  const session = useSession();
  const now = useNow();
  const current = useCurrentSlot();
  const [chosen, setChosen] = useState(() => firstSlot(now, current, zone));
  // A slot that runs already takes no orders: its result is further down.
  const slot = chosen > current ? chosen : firstSlot(now, current, zone);
  if (slot !== chosen) setChosen(slot);
  const [form, setForm] = useState<{ amended?: OrderRecord; revision: number }>({ revision: 0 });
  /** Also when the same order is to be changed again. */
  const fillIn = (amended?: OrderRecord) => setForm(({ revision }) => ({ amended, revision: revision + 1 }));
  const [curving, setCurving] = useState(false);
  const book = useBook(slot);
  const orders = useMyOrders(session.account);
  return (
    <>
      <PageTitle
        title={text.auction.title}
        lead={text.auction.lead}
        actions={
          <Button variant="secondary" icon="plus" onClick={() => setCurving(true)} data-testid="curve-open">
            {text.auction.curve.open}
          </Button>
        }
      />
      <div className="grid grid-cols-1 gap-4 lg:grid-cols-5">
        <SlotsCard className="lg:col-span-5" slot={slot} onChoose={setChosen} />
        <BookCard className="lg:col-span-3" slot={slot} book={book} orders={orders} />
        <OrderCard
          key={form.revision}
          className="lg:col-span-2"
          slot={slot}
          book={book}
          orders={orders}
          amended={form.amended}
          onAmended={() => setForm(({ revision }) => ({ revision }))}
          onLeave={() => fillIn()}
          // Whoever asked for the form anew goes on there, with the keyboard as well.
          autoFocus={form.revision > 0}
        />
        <OrdersCard
          className="lg:col-span-5"
          orders={orders}
          onAmend={(order) => {
            setChosen(order.slot);
            fillIn(order);
          }}
        />
        <ResultsCard className="lg:col-span-5" orders={orders} />
      </div>
      {curving && <CurveDialog book={book} orders={orders} onClose={() => setCurving(false)} />}
    </>
  );
}
