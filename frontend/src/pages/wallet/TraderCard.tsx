import type { Address } from "@ioe/protocol";
import { meterRegistryAbi } from "@ioe/protocol/abi";
import { zeroAddress } from "viem";
import { type Meter, sameAddress, useMyMeters, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Card, CardTitle } from "../../ui/index.ts";
import { call, useAccountName, useMeterName, useSend } from "../../wallet/index.ts";
import { AccountForm } from "./AccountForm.tsx";

/** Who besides the owner may trade for each meter; the household's oracle as a rule. */
export function TraderCard({ account, className }: { account: Address; className?: string }) {
  const meters = useMyMeters(account)?.filter((meter) => sameAddress(meter.owner, account));
  const words = text.wallet.trader;
  if (!meters?.length) return null;
  return (
    <Card className={className} testId="trader-card">
      <CardTitle>{words.title}</CardTitle>
      <p className="mb-4 text-muted">{words.note}</p>
      <ul className="divide-y divide-line">
        {meters.map((meter) => (
          <TraderRow key={meter.id} meter={meter} />
        ))}
      </ul>
    </Card>
  );
}

function TraderRow({ meter }: { meter: Meter }) {
  const zone = useZone();
  const send = useSend();
  const meterName = useMeterName();
  const accountName = useAccountName();
  const words = text.wallet.trader;
  const hasTrader = meter.trader !== zeroAddress;
  const set = (title: string, trader: Address) =>
    send(title, call(zone.contracts.MeterRegistry, meterRegistryAbi, "setTrader", [meter.id, trader]));
  return (
    <li className="py-4 first:pt-0 last:pb-0" data-testid="trader-row">
      <h3 className="font-semibold">{meterName(meter.id)}</h3>
      <p className="mb-3 text-sm text-muted" data-testid="trader-now">
        {hasTrader ? words.now(accountName(meter.trader)) : words.nobody}
      </p>
      <AccountForm
        label={words.account}
        set={words.set}
        onSet={(trader) => set(words.setTransaction(meterName(meter.id)), trader)}
        clear={words.clear}
        nothing={hasTrader ? undefined : { code: "noTrader" }}
        onClear={() => set(words.clearTransaction(meterName(meter.id)), zeroAddress)}
        testId="trader"
      />
    </li>
  );
}
