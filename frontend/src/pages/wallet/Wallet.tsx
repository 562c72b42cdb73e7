import { paymentTokenAbi } from "@ioe/protocol/abi";
import { useFormat, useFunds, useZone } from "../../data/index.ts";
import { sessionReasons } from "../../forms/index.ts";
import { text } from "../../text/index.ts";
import { Card, CardTitle, PageTitle, Skeleton, Stat } from "../../ui/index.ts";
import { ActionButton, call, ConnectFirst, useSend, useSession } from "../../wallet/index.ts";
import { DepositCard } from "./DepositCard.tsx";
import { HandOverCard } from "./HandOverCard.tsx";
import { HistoryCard } from "./HistoryCard.tsx";
import { MarketsCard } from "./MarketsCard.tsx";
import { TraderCard } from "./TraderCard.tsx";
import { WithdrawCard } from "./WithdrawCard.tsx";

export function Wallet() {
  const zone = useZone();
  const format = useFormat();
  const session = useSession();
  const funds = useFunds(session.account);
  const words = text.wallet;
  if (!session.account) {
    return (
      <>
        <PageTitle title={words.title} lead={words.lead} />
        <ConnectFirst icon="wallet" title={words.connectFirst} />
      </>
    );
  }
  const figure = (amount: bigint | undefined) =>
    amount === undefined ? <Skeleton className="h-8 w-28" /> : format.moneyDown(amount);
  return (
    <>
      <PageTitle title={words.title} lead={words.lead} />
      <div className="grid grid-cols-1 gap-4 lg:grid-cols-2">
        <Card className="lg:col-span-2">
          <dl className="grid gap-6 sm:grid-cols-2">
            <Stat label={words.free} note={words.freeNote} large testId="free-balance">
              {figure(funds?.free)}
            </Stat>
            <Stat
              label={words.inWallet}
              note={`${zone.token.name} (${zone.token.symbol})`}
              large
              testId="wallet-balance"
            >
              {figure(funds?.wallet)}
            </Stat>
          </dl>
        </Card>
        <DepositCard key={`deposit-${session.account}`} funds={funds} />
        <WithdrawCard key={`withdraw-${session.account}`} funds={funds} />
        <MarketsCard funds={funds} />
        <TraderCard key={`trader-${session.account}`} account={session.account} />
        <HandOverCard key={`hand-over-${session.account}`} account={session.account} className="lg:col-span-2" />
        <HistoryCard key={`history-${session.account}`} account={session.account} className="lg:col-span-2" />
        {zone.isLocal && <FaucetCard />}
      </div>
    </>
  );
}

/** Whole units of play money per draw. */
const DRAW = 100n;

function FaucetCard() {
  const { contracts, token } = useZone();
  const format = useFormat();
  const session = useSession();
  const send = useSend();
  const words = text.wallet.faucet;
  const amount = DRAW * 10n ** BigInt(token.decimals);
  return (
    <Card>
      <CardTitle>{words.title}</CardTitle>
      <p className="mb-4 min-h-12 text-muted">{words.note}</p>
      <ActionButton
        reasons={sessionReasons(session.kind)}
        label={words.action(format.moneyDown(amount))}
        className=""
        variant="secondary"
        testId="faucet"
        onAct={() =>
          send(
            words.transaction(format.moneyDown(amount)),
            call(contracts.PaymentToken, paymentTokenAbi, "faucet", [amount]),
          )
        }
      />
    </Card>
  );
}
