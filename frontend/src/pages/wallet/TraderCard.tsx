import type { Address } from "@ioe/protocol";
import { meterRegistryAbi } from "@ioe/protocol/abi";
import { useState } from "react";
import { isAddress, zeroAddress } from "viem";
import { type Meter, sameAddress, useFormat, useMyMeters, useZone } from "../../data/index.ts";
import { sessionReasons } from "../../forms/index.ts";
import { type Reason, text } from "../../text/index.ts";
import { Card, CardTitle, TextInput } from "../../ui/index.ts";
import { ActionButton, call, useAccountName, useMeterName, useSend, useSession } from "../../wallet/index.ts";

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
  const format = useFormat();
  const session = useSession();
  const send = useSend();
  const meterName = useMeterName();
  const accountName = useAccountName();
  const [typed, setTyped] = useState("");
  const words = text.wallet.trader;
  const hasTrader = meter.trader !== zeroAddress;
  const wanted = typed.trim();
  const reasons: Reason[] = sessionReasons(session.kind);
  if (!isAddress(wanted, { strict: false }) || wanted === zeroAddress) reasons.push({ code: "addressInvalid" });
  const set = (title: string, trader: Address) =>
    send(title, call(zone.contracts.MeterRegistry, meterRegistryAbi, "setTrader", [meter.id, trader]));

  async function name() {
    const sent = await set(words.setTransaction(meterName(meter.id)), wanted as Address);
    if (sent.receipt) setTyped("");
    return sent;
  }
  return (
    <li className="py-4 first:pt-0 last:pb-0" data-testid="trader-row">
      <h3 className="font-semibold">{meterName(meter.id)}</h3>
      <p className="mb-3 text-sm text-muted" data-testid="trader-now">
        {hasTrader ? words.now(accountName(meter.trader)) : words.nobody}
      </p>
      <form className="space-y-2" onSubmit={(event) => event.preventDefault()}>
        <TextInput
          label={words.account}
          inputMode="text"
          placeholder="0x…"
          value={typed}
          onChange={setTyped}
          testId="trader-account"
        />
        <div className="grid gap-2 sm:grid-cols-2">
          <ActionButton
            reasons={reasons}
            label={words.set(format.address(wanted))}
            onAct={name}
            testId="trader-set"
            variant="secondary"
          />
          <ActionButton
            reasons={hasTrader ? sessionReasons(session.kind) : [{ code: "noTrader" }]}
            label={words.clear}
            onAct={() => set(words.clearTransaction(meterName(meter.id)), zeroAddress)}
            testId="trader-clear"
            variant="secondary"
          />
        </div>
      </form>
    </li>
  );
}
