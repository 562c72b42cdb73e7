import { createContext, type ReactNode, useContext, useState } from "react";
import { type Connector, useConnect, useConnection, useConnectors, useDisconnect } from "wagmi";
import { sameAddress, useFormat, useZone } from "../data/index.ts";
import { text } from "../text/index.ts";
import { Button, Dialog, Icon, Notice } from "../ui/index.ts";
import { BURNER } from "./burner.ts";
import { explain } from "./explain.ts";
import { useAccountName } from "./names.ts";

const DialogContext = createContext<() => void>(() => {});

/** @returns a function that opens the wallet dialog from anywhere. */
export const useWalletDialog = () => useContext(DialogContext);

export function WalletDialogProvider({ children }: { children: ReactNode }) {
  const [open, setOpen] = useState(false);
  return (
    <DialogContext value={() => setOpen(true)}>
      {children}
      {open && <WalletDialog onClose={() => setOpen(false)} />}
    </DialogContext>
  );
}

function WalletDialog({ onClose }: { onClose: () => void }) {
  const { address } = useConnection();
  const [choosing, setChoosing] = useState(false);
  return (
    <Dialog
      title={address && !choosing ? text.wallets.connected : text.wallets.title}
      closeLabel={text.close}
      onClose={onClose}
      testId="wallet-dialog"
    >
      {address && !choosing ? (
        <Connected address={address} onChange={() => setChoosing(true)} onClose={onClose} />
      ) : (
        <Picker onDone={onClose} />
      )}
    </Dialog>
  );
}

function Connected(props: { address: `0x${string}`; onChange: () => void; onClose: () => void }) {
  const { address, onChange, onClose } = props;
  const { mutate: disconnect } = useDisconnect();
  const name = useAccountName()(address);
  const [copied, setCopied] = useState(false);
  return (
    <div className="space-y-4">
      <div className="rounded-xl bg-sunken p-4">
        {!name.includes("…") && <p className="font-semibold">{name}</p>}
        <p className="font-mono text-sm break-all text-muted" data-testid="connected-address">
          {address}
        </p>
      </div>
      <div className="grid gap-2 sm:grid-cols-2">
        <Button
          variant="secondary"
          onClick={() => {
            void navigator.clipboard.writeText(address).then(() => setCopied(true));
          }}
        >
          <span aria-live="polite">{copied ? text.wallets.copied : text.wallets.copy}</span>
        </Button>
        <Button variant="secondary" onClick={onChange} data-testid="change-account">
          {text.wallets.change}
        </Button>
        <Button
          variant="quiet"
          className="sm:col-span-2"
          data-testid="disconnect"
          onClick={() => {
            disconnect({});
            onClose();
          }}
        >
          {text.wallets.disconnect}
        </Button>
      </div>
    </div>
  );
}

function Picker({ onDone }: { onDone: () => void }) {
  const zone = useZone();
  const format = useFormat();
  const connectors = useConnectors();
  const { connector: current } = useConnection();
  const { mutateAsync: connect, isPending, error } = useConnect();
  const { mutateAsync: disconnect } = useDisconnect();
  const accountName = useAccountName();
  const demo = connectors.filter((connector) => connector.type === BURNER);
  const installed = connectors.filter((connector) => connector.type !== BURNER);

  async function use(connector: Connector) {
    if (connector.uid === current?.uid) return onDone();
    try {
      if (current) await disconnect({ connector: current });
      await connect({ connector });
      onDone();
    } catch {
      // shown below: `error` of the mutation
    }
  }
  const option = (connector: Connector, name: string, note?: string) => (
    <li key={connector.uid}>
      <button
        type="button"
        data-testid="wallet-option"
        data-wallet={connector.id}
        disabled={isPending}
        onClick={() => void use(connector)}
        className="flex min-h-14 w-full items-center gap-3 rounded-xl border border-line px-4 py-2 text-left hover:border-accent hover:bg-accent-soft disabled:opacity-60"
      >
        {connector.icon ? (
          <img src={connector.icon.trim()} alt="" className="size-8 rounded-lg" />
        ) : (
          <span className="grid size-8 place-items-center rounded-lg bg-sun-soft text-sun">
            <Icon name="home" />
          </span>
        )}
        <span className="grow">
          <span className="block font-semibold">{name}</span>
          {note && <span className="block text-sm text-muted">{note}</span>}
        </span>
        {connector.uid === current?.uid ? <Icon name="check" /> : <Icon name="chevron" className="size-4 text-muted" />}
      </button>
    </li>
  );
  const failure = error && explain(error, format);
  return (
    <div className="space-y-5">
      {failure && <Notice tone="bad">{failure.sentence}</Notice>}
      <section>
        <h3 className="mb-2 text-sm font-medium text-muted">{text.wallets.installed}</h3>
        {installed.length > 0 ? (
          <ul className="space-y-2">{installed.map((connector) => option(connector, connector.name))}</ul>
        ) : (
          <p className="text-sm text-muted">{text.wallets.none}</p>
        )}
      </section>
      {demo.length > 0 && (
        <section>
          <h3 className="text-sm font-medium text-muted">{text.wallets.demo}</h3>
          <p className="mb-2 text-sm text-muted">{text.wallets.demoNote}</p>
          <ul className="space-y-2">
            {demo.map((connector) => {
              const account = zone.deployment.demoAccounts?.find((each) =>
                sameAddress(`${BURNER}-${each.address}`, connector.id),
              );
              return option(
                connector,
                account ? accountName(account.address) : connector.name,
                account?.meterIds.length
                  ? text.wallets.demoMeters(account.meterIds.length, account.meterIds.join(", "))
                  : undefined,
              );
            })}
          </ul>
        </section>
      )}
    </div>
  );
}
