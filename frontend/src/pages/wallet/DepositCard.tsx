import { useState } from "react";
import { type Funds, useFormat, useZone } from "../../data/index.ts";
import { parseInput } from "../../format/index.ts";
import { text } from "../../text/index.ts";
import { Button, Card, CardTitle, Notice, TextInput } from "../../ui/index.ts";
import { ActionButton, useSession } from "../../wallet/index.ts";
import { useDeposit } from "./useDeposit.ts";
import { validateDeposit } from "./validate.ts";

/** Money into the vault; see `useDeposit` for the ways there are. */
export function DepositCard({ funds }: { funds: Funds | undefined }) {
  const zone = useZone();
  const format = useFormat();
  const session = useSession();
  const { way, cannotSign, deposit } = useDeposit(funds);
  const [typed, setTyped] = useState("");
  const words = text.wallet.deposit;
  const amount = parseInput(typed, zone.token.decimals);

  async function act() {
    if (amount.kind !== "amount") return undefined;
    const sent = await deposit(amount.value);
    if (sent.receipt) setTyped("");
    return sent;
  }

  return (
    <Card testId="deposit-card">
      <CardTitle>{words.title}</CardTitle>
      <form className="space-y-2" data-testid="deposit-form" onSubmit={(event) => event.preventDefault()}>
        <TextInput
          label={words.amount}
          unit={format.units.moneySign}
          value={typed}
          onChange={setTyped}
          testId="deposit-amount"
          error={amount.kind === "invalid" ? amount.message : undefined}
          hint={funds && words.hint(format.moneyDown(funds.wallet))}
          end={
            <Button variant="secondary" off={!funds} onClick={() => setTyped(format.typedMoney(funds?.wallet ?? 0n))}>
              {text.max}
            </Button>
          }
        />
        {cannotSign && way === "approval" && (
          <Notice tone="warning" testId="deposit-unsigned">
            {words.cannotSign}
          </Notice>
        )}
        <ActionButton
          reasons={validateDeposit(session.kind, amount, funds?.wallet)}
          label={words.sentence(format.moneyFull(amount.value ?? 0n))}
          onAct={act}
          testId="deposit-confirm"
        />
        <p className="text-sm text-muted" data-testid="deposit-way">
          {words.ways[way]}
        </p>
      </form>
    </Card>
  );
}
