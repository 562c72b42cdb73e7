import { vaultAbi } from "@ioe/protocol/abi";
import { useState } from "react";
import { type Funds, useFormat, useZone } from "../../data/index.ts";
import { parseInput } from "../../format/index.ts";
import { text } from "../../text/index.ts";
import { Button, Card, CardTitle, TextInput } from "../../ui/index.ts";
import { ActionButton, call, useSend, useSession } from "../../wallet/index.ts";
import { validateWithdraw } from "./validate.ts";

export function WithdrawCard({ funds }: { funds: Funds | undefined }) {
  const zone = useZone();
  const format = useFormat();
  const session = useSession();
  const send = useSend();
  const [typed, setTyped] = useState("");
  const words = text.wallet.withdraw;
  const amount = parseInput(typed, zone.token.decimals);

  async function withdraw() {
    if (amount.kind !== "amount" || !session.account) return undefined;
    const sent = await send(
      words.transaction(format.moneyFull(amount.value)),
      call(zone.contracts.Vault, vaultAbi, "withdraw", [amount.value, session.account]),
    );
    if (sent.receipt) setTyped("");
    return sent;
  }

  return (
    <Card testId="withdraw-card">
      <CardTitle>{words.title}</CardTitle>
      <form className="space-y-2" onSubmit={(event) => event.preventDefault()}>
        <TextInput
          label={words.amount}
          unit={format.units.moneySign}
          value={typed}
          onChange={setTyped}
          testId="withdraw-amount"
          error={amount.kind === "invalid" ? amount.message : undefined}
          hint={funds && words.hint(format.moneyDown(funds.free))}
          end={
            <Button variant="secondary" off={!funds} onClick={() => setTyped(format.typedMoney(funds?.free ?? 0n))}>
              {text.max}
            </Button>
          }
        />
        <ActionButton
          reasons={validateWithdraw(session.kind, amount, funds?.free)}
          label={words.sentence(format.moneyFull(amount.value ?? 0n))}
          onAct={async () => withdraw()}
          testId="withdraw-confirm"
        />
        <p className="text-sm text-muted">{words.note}</p>
      </form>
    </Card>
  );
}
