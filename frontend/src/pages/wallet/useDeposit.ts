import { paymentTokenAbi, vaultAbi } from "@ioe/protocol/abi";
import { useState } from "react";
import { type Funds, useFeed, useFormat, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { call, explain, type Sent, usePermit, useSend, useSendTogether } from "../../wallet/index.ts";

/**
 * How money gets into the vault, best first:
 *
 *   permit     one signature and one transaction, which allows the markets as well
 *   together   approval, deposit and permissions as one batch of the wallet (EIP-5792); all of it or nothing
 *   approval   one after the other, up to four transactions
 */
export type Way = "permit" | "together" | "approval";

export function useDeposit(funds: Funds | undefined) {
  const zone = useZone();
  const { head } = useFeed();
  const format = useFormat();
  const send = useSend();
  const sendTogether = useSendTogether();
  const permit = usePermit();
  const [cannotSign, setCannotSign] = useState(false);
  const { Vault, PaymentToken, DirectMarket, CallAuction } = zone.contracts;
  const title = (value: bigint) => text.wallet.deposit.transaction(format.moneyFull(value));
  const forbidden = [
    { market: DirectMarket, allowed: funds?.marketAllowed, title: text.wallet.market.allowTransaction },
    { market: CallAuction, allowed: funds?.auctionAllowed, title: text.wallet.auction.allowTransaction },
  ].filter(({ allowed }) => !allowed);

  const isPermitted = zone.token.domain !== undefined && !cannotSign;
  const way: Way = isPermitted ? "permit" : sendTogether ? "together" : "approval";

  async function withPermit(value: bigint): Promise<Sent> {
    if (!permit) throw new Error("no permit without an account and a token that takes them");
    let signed;
    try {
      signed = await permit(value, head.get().timestamp);
    } catch (error) {
      return { failure: explain(error, format) };
    }
    if (!signed) {
      setCannotSign(true);
      // One confirmation either way; several transactions only when the person wants that.
      return sendTogether ? withBatch(value) : {};
    }
    const { deadline, v, r, s } = signed;
    const markets = forbidden.map(({ market }) => market);
    return send(title(value), call(Vault, vaultAbi, "depositWithPermit", [value, deadline, v, r, s, markets]));
  }

  /** The steps without a permit, in order. */
  const steps = (value: bigint) => [
    ...((funds?.allowance ?? 0n) < value
      ? [
          {
            title: text.wallet.deposit.approve(format.moneyFull(value)),
            call: call(PaymentToken, paymentTokenAbi, "approve", [Vault, value]),
          },
        ]
      : []),
    { title: title(value), call: call(Vault, vaultAbi, "deposit", [value]) },
    ...forbidden.map((each) => ({
      title: each.title,
      call: call(Vault, vaultAbi, "setAllowed", [each.market, true]),
    })),
  ];

  async function withBatch(value: bigint): Promise<Sent> {
    if (!sendTogether) throw new Error("the wallet sends one call at a time");
    return sendTogether(
      title(value),
      steps(value).map((step) => step.call),
    );
  }

  async function withApproval(value: bigint): Promise<Sent> {
    let sent: Sent = {};
    for (const step of steps(value)) {
      sent = await send(step.title, step.call);
      if (!sent.receipt) break;
    }
    return sent;
  }

  const ways = { permit: withPermit, together: withBatch, approval: withApproval };
  return { way, cannotSign, deposit: (value: bigint) => ways[way](value) };
}
