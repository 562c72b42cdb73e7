import { useState } from "react";
import { type DeliveryRecord, type Ledger, sameAddress, useLedger } from "../../data/index.ts";
import { HistoryPlace } from "../../history/index.ts";
import { text } from "../../text/index.ts";
import { Button, ButtonLink, Card, CardTitle, Choice, Empty, PageTitle } from "../../ui/index.ts";
import { useSession } from "../../wallet/index.ts";
import { EndedTable } from "./EndedTable.tsx";
import { RunningCard } from "./RunningCard.tsx";

/** Each running delivery shown listens to both meters' live figures. */
const AT_ONCE = 4;

/** Where an account stands in a delivery; traders stand where their owner stands. */
export type Role = "buyer" | "seller" | undefined;

function roleOf(delivery: DeliveryRecord, ledger: Ledger, account: string | undefined): Role {
  const trades = (meterId: number) => sameAddress(ledger.meters.get(meterId)?.trader, account);
  if (sameAddress(delivery.buyer, account) || trades(delivery.buyerMeterId)) return "buyer";
  if (sameAddress(delivery.seller, account) || trades(delivery.sellerMeterId)) return "seller";
  return undefined;
}

export function Deliveries() {
  const session = useSession();
  const ledger = useLedger();
  const [chosen, setChosen] = useState<"mine" | "all">();
  const whose = chosen ?? (session.account ? "mine" : "all");
  const words = text.deliveries;

  const [shown, setShown] = useState(AT_ONCE);
  const newestFirst = ledger && [...ledger.deliveries.values()].reverse();
  const listed = newestFirst?.filter((each) => whose === "all" || roleOf(each, ledger!, session.account));
  const running = listed?.filter((each) => each.outcome === undefined);
  const ended = listed?.filter((each) => each.outcome !== undefined);
  return (
    <>
      <PageTitle
        title={words.title}
        lead={words.lead}
        actions={
          <Choice
            label={words.whose}
            value={whose}
            options={[
              { value: "mine", label: words.mine, testId: "deliveries-mine" },
              { value: "all", label: words.all, testId: "deliveries-all" },
            ]}
            onChange={setChosen}
          />
        }
      />
      <div className="space-y-4">
        {!running || !ledger ? (
          <HistoryPlace className="min-h-72 rounded-2xl" />
        ) : running.length === 0 ? (
          <Card>
            <Empty icon="deliveries" title={words.noneRunning}>
              <p className="mb-4">{whose === "mine" && !session.account ? words.noneMine : words.noneRunningNote}</p>
              <ButtonLink href="/" variant="secondary">
                {words.toMarket}
              </ButtonLink>
            </Empty>
          </Card>
        ) : (
          running
            .slice(0, shown)
            .map((each) => (
              <RunningCard key={String(each.id)} delivery={each} role={roleOf(each, ledger, session.account)} />
            ))
        )}
        {running && running.length > shown && (
          <Button variant="quiet" className="w-full" onClick={() => setShown(shown + AT_ONCE)}>
            {text.more}
          </Button>
        )}
        <Card testId="ended">
          <CardTitle>{words.ended}</CardTitle>
          {!ended ? (
            <HistoryPlace className="min-h-24" />
          ) : ended.length > 0 ? (
            <EndedTable deliveries={ended} />
          ) : (
            <p className="text-muted">{words.noneEnded}</p>
          )}
        </Card>
      </div>
    </>
  );
}
