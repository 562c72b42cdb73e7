import type { Address } from "@ioe/protocol";
import { useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Button, Card, CardTitle } from "../../ui/index.ts";
import { billsToCsv, billToJson } from "./csv.ts";
import type { MonthBill } from "./month.ts";
import { slotsToCsv } from "./slots.ts";

function download(name: string, type: string, content: string) {
  const url = URL.createObjectURL(new Blob([content], { type: `${type};charset=utf-8` }));
  const link = Object.assign(document.createElement("a"), { href: url, download: name });
  link.click();
  URL.revokeObjectURL(url);
}

/** "2026-11" */
function nameOf(month: MonthBill): string {
  const at = new Date(month.start * 1000);
  return `${at.getFullYear()}-${String(at.getMonth() + 1).padStart(2, "0")}`;
}

/** The month as files, exact to the last digit. */
export function FilesCard({ account, month }: { account: Address; month: MonthBill }) {
  const zone = useZone();
  const words = text.bills;
  const name = nameOf(month);
  const units = {
    unitsPerKWh: zone.unitsPerKWh,
    moneyDecimals: zone.token.decimals,
    moneySymbol: zone.token.symbol,
  };
  const files = [
    {
      testId: "bills-csv",
      label: words.download,
      save: () => download(words.csvName(name), "text/csv", billsToCsv(month.bills, units)),
    },
    {
      testId: "bills-slots",
      label: words.downloadSlots,
      save: () => download(words.slotsName(name), "text/csv", slotsToCsv(month.lines, zone)),
    },
    {
      testId: "bills-json",
      label: words.downloadJson,
      save: () => download(words.jsonName(name), "application/json", billToJson(account, month, units)),
    },
  ];
  return (
    <Card>
      <CardTitle note={words.filesNote}>{words.files}</CardTitle>
      <div className="grid gap-2 sm:flex sm:flex-wrap">
        {files.map(({ testId, label, save }) => (
          <Button key={testId} variant="secondary" icon="download" onClick={save} data-testid={testId}>
            {label}
          </Button>
        ))}
      </div>
    </Card>
  );
}
