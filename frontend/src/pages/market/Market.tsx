import { useState } from "react";
import { type Offer, useOffers } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Button, PageTitle } from "../../ui/index.ts";
import { useSession } from "../../wallet/index.ts";
import { BalanceCard } from "./BalanceCard.tsx";
import { BuyDialog } from "./BuyDialog.tsx";
import { byMerit } from "./merit.ts";
import { NextSlotsCard } from "./NextSlotsCard.tsx";
import { OffersCard } from "./OffersCard.tsx";
import { PriceCard } from "./PriceCard.tsx";
import { SellDialog } from "./SellDialog.tsx";

export function Market() {
  const session = useSession();
  const offers = useOffers()?.toSorted(byMerit);
  const [buying, setBuying] = useState<Offer>();
  const [selling, setSelling] = useState(false);
  return (
    <>
      <PageTitle
        title={text.market.title}
        lead={text.market.lead}
        actions={
          <Button variant="secondary" icon="plus" onClick={() => setSelling(true)} data-testid="sell-open">
            {text.market.sell.open}
          </Button>
        }
      />
      <div className="grid grid-cols-1 gap-4 lg:grid-cols-3">
        <PriceCard className="lg:col-span-2" />
        <BalanceCard />
        <OffersCard className="lg:col-span-3" offers={offers} account={session.account} onBuy={setBuying} />
        {/* Comes when it is known how tall the list above it is: nothing jumps. */}
        {offers && <NextSlotsCard className="lg:col-span-3" />}
      </div>
      {buying && (
        <BuyDialog
          first={buying}
          offer={offers?.find((offer) => offer.id === buying.id)}
          onClose={() => setBuying(undefined)}
        />
      )}
      {selling && <SellDialog onClose={() => setSelling(false)} />}
    </>
  );
}
