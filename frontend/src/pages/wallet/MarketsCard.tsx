import type { Address } from "@ioe/protocol";
import { vaultAbi } from "@ioe/protocol/abi";
import { type Funds, useZone } from "../../data/index.ts";
import { sessionReasons } from "../../forms/index.ts";
import { text } from "../../text/index.ts";
import { Badge, Card, CardTitle } from "../../ui/index.ts";
import { ActionButton, call, useSend, useSession } from "../../wallet/index.ts";

/** Which markets may lock the account's free money. */
export function MarketsCard({ funds }: { funds: Funds | undefined }) {
  const { contracts } = useZone();
  const { market, auction } = text.wallet;
  return (
    <Card className="divide-y divide-line">
      <Permission market={contracts.DirectMarket} allowed={funds?.marketAllowed} own={market} testId="market-allow" />
      <Permission market={contracts.CallAuction} allowed={funds?.auctionAllowed} own={auction} testId="auction-allow" />
    </Card>
  );
}

function Permission(props: {
  market: Address;
  /** Undefined while it is read. */
  allowed: boolean | undefined;
  own: Record<"title" | "allowed" | "forbidden" | "allowTransaction" | "forbidTransaction", string>;
  testId: string;
}) {
  const { market, allowed, own, testId } = props;
  const { contracts } = useZone();
  const session = useSession();
  const send = useSend();
  const words = text.wallet.market;
  const title = allowed ? own.forbidTransaction : own.allowTransaction;
  return (
    <div className="py-4 first:pt-0 last:pb-0">
      <CardTitle
        actions={
          allowed !== undefined && <Badge tone={allowed ? "accent" : "sun"}>{allowed ? words.on : words.off}</Badge>
        }
      >
        {own.title}
      </CardTitle>
      <p className="mb-4 min-h-12 text-muted">{allowed === false ? own.forbidden : own.allowed}</p>
      <ActionButton
        reasons={allowed === undefined ? [{ code: "loading" }] : sessionReasons(session.kind)}
        label={title}
        className=""
        variant="secondary"
        testId={testId}
        onAct={() => send(title, call(contracts.Vault, vaultAbi, "setAllowed", [market, !allowed]))}
      />
    </div>
  );
}
