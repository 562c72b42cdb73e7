import { useFormat, useFunds } from "../data/index.ts";
import { text } from "../text/index.ts";
import { Button } from "../ui/index.ts";
import { useAccountName } from "./names.ts";
import { useSession } from "./session.ts";
import { useWalletDialog } from "./WalletDialog.tsx";

export function AccountButton() {
  const session = useSession();
  const open = useWalletDialog();
  const format = useFormat();
  const funds = useFunds(session.account);
  const nameOf = useAccountName();
  if (!session.account) {
    return (
      <Button onClick={open} data-testid="connect" className="min-h-10 px-4 py-1.5">
        {text.wallets.connect}
      </Button>
    );
  }
  return (
    <Button variant="secondary" onClick={open} data-testid="account" className="min-h-11 min-w-0 px-3 py-1">
      <span className="min-w-0 text-left text-sm">
        <span className="block max-w-40 truncate leading-tight sm:max-w-none">{nameOf(session.account)}</span>
        <span className="block text-xs leading-tight font-normal text-muted">
          <span className="sr-only">{text.wallets.free}: </span>
          {funds ? format.moneyDown(funds.free) : "…"}
        </span>
      </span>
    </Button>
  );
}
