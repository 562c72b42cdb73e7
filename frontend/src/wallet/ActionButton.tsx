import { vaultAbi } from "@ioe/protocol/abi";
import { useState } from "react";
import { useLocation } from "wouter";
import { useFormat, useZone } from "../data/index.ts";
import { type Reason, sayReason, text } from "../text/index.ts";
import { Button, Notice } from "../ui/index.ts";
import { call, type Sent, useSend } from "./send.ts";
import { useFixNetwork } from "./session.ts";
import { isOver, useTransactions } from "./transactions.ts";
import { useWalletDialog } from "./WalletDialog.tsx";

type Act = () => Promise<Sent | void> | void;

/**
 * The button of a form. With nothing in the way it acts; otherwise its words are the first reason, and where the reason
 * has a remedy (connect, switch, deposit, allow), pressing it is the remedy.
 */
export function ActionButton(props: {
  reasons: readonly Reason[];
  label: string;
  onAct: () => Promise<Sent | void>;
  testId: string;
  className?: string;
  variant?: "primary" | "secondary";
}) {
  const { reasons, label, onAct, testId, className = "w-full", variant } = props;
  const { contracts } = useZone();
  const format = useFormat();
  const openWallets = useWalletDialog();
  const [, navigate] = useLocation();
  const { fix } = useFixNetwork();
  const send = useSend();
  const [busy, setBusy] = useState(false);
  const [failed, setFailed] = useState<Sent["failure"]>();
  const last = useTransactions().at(-1);
  const run = async (act: Act) => {
    setBusy(true);
    setFailed(undefined);
    try {
      const sent = await act();
      setFailed(sent?.failure);
    } finally {
      setBusy(false);
    }
  };
  const reason = reasons[0];
  const remedies: Partial<Record<Reason["code"], Act>> = {
    noWallet: openWallets,
    wrongNetwork: fix,
    depositFirst: () => navigate("/wallet"),
    notEnoughMoney: () => navigate("/wallet"),
    marketNotAllowed: () =>
      send(
        text.wallet.market.allowTransaction,
        call(contracts.Vault, vaultAbi, "setAllowed", [contracts.DirectMarket, true]),
      ),
    auctionNotAllowed: () =>
      send(
        text.wallet.auction.allowTransaction,
        call(contracts.Vault, vaultAbi, "setAllowed", [contracts.CallAuction, true]),
      ),
  };
  const act = reason ? remedies[reason.code] : onAct;
  const progress = busy && last && !isOver(last.state) ? text.transaction[last.state] : undefined;
  return (
    <>
      {failed && (
        <Notice tone={failed.rejected ? "info" : "bad"} testId="failure">
          {failed.sentence} {failed.advice}
        </Notice>
      )}
      <Button
        type="submit"
        data-testid={testId}
        data-reason={reason?.code}
        off={!act}
        busy={busy}
        onClick={() => act && void run(act)}
        className={className}
        variant={variant}
      >
        <span aria-live="polite">{progress ?? (reason ? sayReason(reason, format) : label)}</span>
      </Button>
    </>
  );
}
