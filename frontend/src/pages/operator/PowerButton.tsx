import { accessManagerAbi } from "@ioe/protocol/abi";
import { encodeFunctionData } from "viem";
import {
  type Power,
  useAnnounced,
  useCurrentSlot,
  useFormat,
  useNoticeSlots,
  usePowers,
  useZone,
} from "../../data/index.ts";
import { type Reason, text } from "../../text/index.ts";
import { ActionButton, type Call, call, useSend, useSession } from "../../wallet/index.ts";
import { isSameIntent, isTooLate, readCall } from "./announcedCall.ts";

/**
 * An operator's action. Where the role has a waiting time, the button announces the call, and the page's list of
 * announced calls carries it out (see `AnnouncedCard`): what was announced must be found again after a reload.
 */
export function PowerButton(props: {
  power: Power;
  reasons: readonly Reason[];
  label: string;
  title: string;
  intended: Call | undefined;
  /** @param announced it is not done yet, but announced. */
  onDone?: (announced: boolean) => void;
  testId: string;
  className?: string;
  variant?: "primary" | "secondary";
}) {
  const { power, label, title, intended, onDone, testId, className, variant } = props;
  const zone = useZone();
  const format = useFormat();
  const session = useSession();
  const send = useSend();
  const powers = usePowers(session.account);
  const waiting = useAnnounced(session.account);
  const current = useCurrentSlot();
  const notice = useNoticeSlots();
  const words = text.operator.power;
  const delay = powers?.[power].delay ?? 0;
  const data = intended && encodeFunctionData(intended);
  const reasons: Reason[] = [...props.reasons];
  if (session.kind === "none") reasons.unshift({ code: "noWallet" });
  else if (session.kind === "wrongNetwork") reasons.unshift({ code: "wrongNetwork" });
  else if (!powers || (delay > 0 && !waiting)) reasons.push({ code: "loading" });
  else if (!powers[power].allowed) reasons.push({ code: "notAllowed" });
  const isAnnounced = waiting?.some(
    (each) =>
      intended &&
      data &&
      isSameIntent(each, { target: intended.address, data }, zone.contracts) &&
      !isTooLate(readCall(each, zone.contracts), current, notice ?? 1),
  );
  if (isAnnounced) reasons.push({ code: "alreadyAnnounced" });

  async function act() {
    if (!intended || !data) return undefined;
    const sent =
      delay > 0
        ? await send(
            words.announceTransaction(title),
            call(zone.contracts.AccessManager, accessManagerAbi, "schedule", [intended.address, data, 0]),
          )
        : await send(title, intended);
    if (sent.receipt) onDone?.(delay > 0);
    return sent;
  }
  return (
    <ActionButton
      reasons={reasons}
      label={delay > 0 ? words.announce(label, format.duration(delay)) : label}
      onAct={act}
      testId={testId}
      className={className}
      variant={variant}
    />
  );
}
