import { accessManagerAbi } from "@ioe/protocol/abi";
import {
  type Announced,
  kindOf,
  useCurrentSlot,
  useFormat,
  useHead,
  useNoticeSlots,
  useNow,
  useSchedule,
  useZone,
} from "../../data/index.ts";
import { type Reason, text } from "../../text/index.ts";
import { Card, CardTitle } from "../../ui/index.ts";
import {
  ActionButton,
  type Call,
  call,
  useAccountName,
  useMeterName,
  useSend,
  useSession,
} from "../../wallet/index.ts";
import { isTooLate, type KnownCall, readCall } from "./announcedCall.ts";
import { replacedBy } from "./tariff.ts";

/** What this account has announced: each waits for its time, then is carried out or taken back. Not there without any. */
export function AnnouncedCard({ announced, className }: { announced: Announced[]; className?: string }) {
  const words = text.operator.announced;
  if (announced.length === 0) return null;
  return (
    <Card className={className} testId="announced-card">
      <CardTitle note={words.note}>{words.title}</CardTitle>
      <ul className="divide-y divide-line">
        {announced.map((each) => (
          <AnnouncedRow key={each.id} announced={each} />
        ))}
      </ul>
    </Card>
  );
}

function AnnouncedRow({ announced }: { announced: Announced }) {
  const { target, data, caller, readyAt, expiresAt } = announced;
  const { contracts, slotDuration } = useZone();
  const format = useFormat();
  const schedule = useSchedule();
  const now = useNow();
  const head = useHead();
  const current = useCurrentSlot();
  const notice = useNoticeSlots();
  const session = useSession();
  const send = useSend();
  const sentence = useSentence();
  const words = text.operator.announced;
  const known = readCall(announced, contracts);
  const title = known ? sentence(known) : words.unknown(format.address(target));
  const isLate = isTooLate(known, current, notice ?? 1);
  const replaced = known?.kind === "setTariff" && !isLate ? replacedBy(schedule ?? [], known.fromSlot) : [];
  const asked: Reason[] =
    session.kind === "ready" ? [] : [{ code: session.kind === "none" ? "noWallet" : "wrongNetwork" }];
  // The contract counts by the newest block, which this page's clock is a little ahead of.
  const isReady = head.timestamp >= readyAt;
  const wait: Reason[] = isLate
    ? [{ code: "announceAgain" }]
    : isReady
      ? []
      : [{ code: "wait", seconds: Math.max(1, readyAt - now) }];
  const manager = contracts.AccessManager;
  // A call this page knows goes to its contract itself, so that a refusal can be explained.
  const carryOut: Call = known?.call ?? {
    address: manager,
    abi: accessManagerAbi,
    functionName: "execute",
    args: [target, data],
  };
  const takeBack = call(manager, accessManagerAbi, "cancel", [caller, target, data]);
  return (
    <li className="flex flex-wrap items-center gap-x-4 gap-y-2 py-3 first:pt-0 last:pb-0" data-testid="announced-row">
      <div className="min-w-0 grow basis-64">
        <p className="font-medium">{title}</p>
        <p className="text-sm text-muted">
          {!isReady ? words.from(format.timeWithSeconds(readyAt)) : words.until(format.dateTime(expiresAt))}
        </p>
        {replaced.length > 0 && (
          <p className="text-sm text-sun" data-testid="announced-replaces">
            {text.operator.tariff.replaces(
              replaced.map(({ fromSlot }) => format.dateTime(fromSlot * slotDuration)).join(", "),
            )}
          </p>
        )}
        {isLate && <p className="text-sm text-bad">{words.late}</p>}
      </div>
      <ActionButton
        reasons={[...asked, ...wait]}
        label={words.carryOut}
        onAct={() => send(title, carryOut)}
        testId="announced-carry-out"
        className=""
      />
      <ActionButton
        reasons={asked}
        label={words.takeBack}
        onAct={() => send(words.takeBackTransaction(title), takeBack)}
        testId="announced-take-back"
        className=""
        variant="secondary"
      />
    </li>
  );
}

/** @returns a function that says what a call would do. */
function useSentence(): (known: KnownCall) => string {
  const { slotDuration } = useZone();
  const format = useFormat();
  const meterName = useMeterName();
  const accountName = useAccountName();
  const { announced, meters, register, rotate, tariff } = text.operator;
  const when = (fromSlot: number) => announced.validFrom(format.dateTime(fromSlot * slotDuration));
  return (known) => {
    switch (known.kind) {
      case "register":
        return `${register.transaction}: ${text.meter.kinds[kindOf({ kind: known.meterKind }) ?? "mixed"]}, ${format.power(known.maxPowerW)}, ${accountName(known.owner)}`;
      case "rotateSigner":
        return `${rotate.transaction(meterName(known.meterId))}, ${when(known.fromSlot)}`;
      case "setActive":
        return (known.active ? meters.unblockTransaction : meters.blockTransaction)(meterName(known.meterId));
      case "setTariff": {
        const [feedIn, retail] = [format.priceNumber(known.feedIn), format.priceNumber(known.retail)];
        return `${tariff.figures(feedIn, retail, format.price(known.gridFee))}, ${when(known.fromSlot)}`;
      }
    }
  };
}
