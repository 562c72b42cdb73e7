import { useState } from "react";
import { HistoryPlace } from "../../history/index.ts";
import { text } from "../../text/index.ts";
import { Button, Card, Empty, PageTitle, Select, usePrinting } from "../../ui/index.ts";
import { useFormat } from "../../data/index.ts";
import { ConnectFirst, useSession } from "../../wallet/index.ts";
import { FilesCard } from "./FilesCard.tsx";
import { MonthCard } from "./MonthCard.tsx";
import { Paper } from "./Paper.tsx";
import { TradesCard } from "./TradesCard.tsx";
import { useBills } from "./useBills.ts";

/** A month at a time: on the screen as cards, on paper as a document of its own. */
export function Bills() {
  const format = useFormat();
  const session = useSession();
  const printing = usePrinting();
  const bills = useBills(session.account);
  const [chosen, setChosen] = useState<number>();
  const words = text.bills;
  const months = bills?.months ?? [];
  const month = months.find(({ start }) => start === chosen) ?? months[0];
  return (
    <>
      <div className="print:hidden">
        <PageTitle
          title={words.title}
          lead={words.lead}
          actions={
            month && (
              <div className="flex flex-wrap items-end gap-2">
                {months.length > 1 && (
                  <Select
                    label={words.month.choose}
                    value={month.start}
                    onChange={(event) => setChosen(Number(event.target.value))}
                    testId="bill-month-choice"
                  >
                    {months.map(({ start }) => (
                      <option key={start} value={start}>
                        {format.month(start)}
                      </option>
                    ))}
                  </Select>
                )}
                <Button variant="secondary" icon="print" onClick={() => window.print()} data-testid="bills-print">
                  {words.print}
                </Button>
              </div>
            )
          }
        />
        {!session.account ? (
          <ConnectFirst icon="wallet" title={words.connectFirst} />
        ) : !bills ? (
          <HistoryPlace className="min-h-96 rounded-2xl" />
        ) : !month ? (
          <Card>
            <Empty icon="bills" title={words.none}>
              {words.noneNote}
            </Empty>
          </Card>
        ) : (
          <div className="space-y-4">
            <MonthCard month={month} />
            <TradesCard key={month.start} bills={month.bills} />
            <FilesCard account={session.account} month={month} />
          </div>
        )}
      </div>
      {printing && session.account && bills && month && (
        <Paper account={session.account} month={month} registered={bills.registered} />
      )}
    </>
  );
}
