import { meterRegistryAbi } from "@ioe/protocol/abi";
import { useState } from "react";
import { isHex } from "viem";
import { type Meter, type Powers, useCurrentSlot, useFormat, usePresent, useZone } from "../../data/index.ts";
import { HistoryPlace } from "../../history/index.ts";
import { type Reason, text } from "../../text/index.ts";
import { Badge, Button, Card, CardTitle, type Column, Dialog, DialogAction, PagedTable } from "../../ui/index.ts";
import { call, useAccountName, useMeterName } from "../../wallet/index.ts";
import { CodeField } from "./CodeField.tsx";
import { PowerButton } from "./PowerButton.tsx";
import { readApplication } from "./registration.ts";
import { earliestSlot } from "./tariff.ts";

const AT_ONCE = 20;

/** All meters of the community; the operator blocks them, and gives them new keys. */
export function MetersCard({ powers, className }: { powers: Powers; className?: string }) {
  const zone = useZone();
  const format = useFormat();
  const present = usePresent();
  const meterName = useMeterName();
  const accountName = useAccountName();
  const [rotating, setRotating] = useState<Meter>();
  const words = text.operator.meters;
  const meters = present && [...present.meters.values()].sort((a, b) => b.id - a.id);
  const columns: Column<Meter>[] = [
    {
      key: "meter",
      title: words.meter,
      hideTitleOnPhone: true,
      cell: (meter) => <b className="font-semibold">{meterName(meter.id)}</b>,
    },
    { key: "owner", title: words.owner, cell: (meter) => accountName(meter.owner) },
    { key: "power", title: words.power, number: true, cell: (meter) => format.power(meter.maxPowerW) },
    {
      key: "state",
      title: words.state,
      cell: (meter) => (
        <Badge tone={meter.active ? "accent" : "sun"}>{meter.active ? words.active : words.blocked}</Badge>
      ),
    },
    {
      key: "action",
      title: words.action,
      number: true,
      hideTitleOnPhone: true,
      cell: (meter) => (
        <span className="flex flex-wrap justify-end gap-2">
          {powers.rotateSigner.allowed && (
            <Button
              variant="quiet"
              onClick={() => setRotating(meter)}
              aria-label={words.rotateName(meterName(meter.id))}
            >
              {words.rotate}
            </Button>
          )}
          {powers.setActive.allowed && (
            <PowerButton
              power="setActive"
              reasons={[]}
              label={meter.active ? words.block : words.unblock}
              title={(meter.active ? words.blockTransaction : words.unblockTransaction)(meterName(meter.id))}
              intended={call(zone.contracts.MeterRegistry, meterRegistryAbi, "setActive", [meter.id, !meter.active])}
              testId={`meter-active-${meter.id}`}
              className=""
              variant="secondary"
            />
          )}
        </span>
      ),
    },
  ];
  return (
    <Card className={className} testId="operator-meters">
      <CardTitle note={words.note}>{words.title}</CardTitle>
      {!meters ? (
        <HistoryPlace className="min-h-24" />
      ) : (
        <PagedTable
          caption={words.title}
          columns={columns}
          rows={meters}
          rowKey={(meter) => String(meter.id)}
          rowTestId="operator-meter"
          size={AT_ONCE}
          words={text.pager}
          count={format.count}
        />
      )}
      {rotating && (
        <RotateDialog meter={rotating} delay={powers.rotateSigner.delay} onClose={() => setRotating(undefined)} />
      )}
    </Card>
  );
}

/** A meter's new key, from the code of its new device. @param delay waiting time of the role, seconds. */
function RotateDialog(props: { meter: Meter; delay: number; onClose: () => void }) {
  const { meter, delay, onClose } = props;
  const zone = useZone();
  const format = useFormat();
  const current = useCurrentSlot();
  const meterName = useMeterName();
  const [typed, setTyped] = useState("");
  const words = text.operator.rotate;
  const application = readApplication(typed, { chainId: zone.chain.id, registry: zone.contracts.MeterRegistry });
  const registration = application.kind === "ready" ? application.registration : undefined;
  const fromSlot = earliestSlot(current, 0, zone.slotDuration, delay);
  const otherOwner = registration && registration.owner.toLowerCase() !== meter.owner.toLowerCase();
  const reasons: Reason[] =
    application.kind === "empty"
      ? [{ code: "codeMissing" }]
      : !registration || otherOwner || !isHex(registration.signer)
        ? [{ code: "codeInvalid" }]
        : [];
  return (
    <Dialog title={words.title(meterName(meter.id))} closeLabel={text.close} onClose={onClose} testId="rotate-dialog">
      <form className="space-y-2" onSubmit={(event) => event.preventDefault()}>
        <p className="text-muted">{words.lead(format.timeWithSeconds(fromSlot * zone.slotDuration))}</p>
        <CodeField
          value={typed}
          onChange={setTyped}
          application={application}
          error={otherOwner ? words.otherOwner : undefined}
          testId="rotate-code"
        />
        <DialogAction>
          <PowerButton
            power="rotateSigner"
            reasons={reasons}
            label={words.sentence}
            title={words.transaction(meterName(meter.id))}
            intended={
              registration &&
              call(zone.contracts.MeterRegistry, meterRegistryAbi, "rotateSigner", [
                meter.id,
                fromSlot,
                registration.signer,
                registration.possession,
                "0x",
              ])
            }
            onDone={onClose}
            testId="rotate-confirm"
          />
        </DialogAction>
      </form>
    </Dialog>
  );
}
