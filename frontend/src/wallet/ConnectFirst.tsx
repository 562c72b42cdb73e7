import { text } from "../text/index.ts";
import { Button, Card, Empty, type IconName } from "../ui/index.ts";
import { useWalletDialog } from "./WalletDialog.tsx";

/** Instead of a page that is about an account, while there is none. @param title what it will show */
export function ConnectFirst({ icon, title }: { icon: IconName; title: string }) {
  const openWallets = useWalletDialog();
  return (
    <Card>
      <Empty icon={icon} title={title}>
        <Button className="mt-2" onClick={openWallets}>
          {text.wallets.connect}
        </Button>
      </Empty>
    </Card>
  );
}
