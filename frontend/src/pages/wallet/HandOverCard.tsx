import type { Address } from "@ioe/protocol";
import { meterRegistryAbi } from "@ioe/protocol/abi";
import { zeroAddress } from "viem";
import { type Meter, sameAddress, useLedger, useZone } from "../../data/index.ts";
import { sessionReasons } from "../../forms/index.ts";
import { text } from "../../text/index.ts";
import { Card, CardTitle } from "../../ui/index.ts";
import { ActionButton, call, useAccountName, useMeterName, useSend, useSession } from "../../wallet/index.ts";
import { AccountForm } from "./AccountForm.tsx";

/** Meters that change hands: from their owner, and to somebody who accepts them. */
export function HandOverCard({ account, className }: { account: Address; className?: string }) {
  const ledger = useLedger();
  if (!ledger) return null;
  const { meters, offered } = ledger;
  const own = [...meters.values()].filter(({ owner }) => sameAddress(owner, account));
  const toMe = [...offered].flatMap(([id, { to }]) => (sameAddress(to, account) ? [meters.get(id)!] : []));
  if (own.length + toMe.length === 0) return null;
  const words = text.wallet.handOver;
  return (
    <Card className={className} testId="hand-over-card">
      <CardTitle>{words.title}</CardTitle>
      <p className="mb-4 text-muted">{words.note}</p>
      <ul className="grid gap-6 lg:grid-cols-2">
        {toMe.map((meter) => (
          <OfferedRow key={`to me ${meter.id}`} meter={meter} />
        ))}
        {own.map((meter) => (
          <OwnRow key={meter.id} meter={meter} to={offered.get(meter.id)?.to} />
        ))}
      </ul>
    </Card>
  );
}

function OfferedRow({ meter }: { meter: Meter }) {
  const zone = useZone();
  const session = useSession();
  const send = useSend();
  const name = useMeterName()(meter.id);
  const accountName = useAccountName();
  const words = text.wallet.handOver;
  return (
    <li data-testid="hand-over-to-me">
      <h3 className="font-semibold">{name}</h3>
      <p className="mb-3 text-sm text-muted">{words.toMe(accountName(meter.owner))}</p>
      <ActionButton
        reasons={sessionReasons(session.kind)}
        label={words.accept(name)}
        onAct={() =>
          send(
            words.acceptTransaction(name),
            call(zone.contracts.MeterRegistry, meterRegistryAbi, "acceptMeter", [meter.id]),
          )
        }
        testId="hand-over-accept"
      />
    </li>
  );
}

function OwnRow({ meter, to }: { meter: Meter; to: Address | undefined }) {
  const zone = useZone();
  const send = useSend();
  const name = useMeterName()(meter.id);
  const accountName = useAccountName();
  const words = text.wallet.handOver;
  const offer = (title: string, account: Address) =>
    send(title, call(zone.contracts.MeterRegistry, meterRegistryAbi, "transferMeter", [meter.id, account]));
  return (
    <li data-testid="hand-over-row">
      <h3 className="font-semibold">{name}</h3>
      <p className="mb-3 text-sm text-muted" data-testid="hand-over-now">
        {to ? words.waits(accountName(to)) : words.yours}
      </p>
      <AccountForm
        label={words.account}
        set={words.offer}
        onSet={(account) => offer(words.offerTransaction(name), account)}
        clear={words.takeBack}
        nothing={to ? undefined : { code: "notOffered" }}
        onClear={() => offer(words.takeBackTransaction(name), zeroAddress)}
        testId="hand-over"
      />
    </li>
  );
}
