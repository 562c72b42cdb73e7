import { METER_KINDS } from "@ioe/protocol";
import { meterRegistryAbi } from "@ioe/protocol/abi";
import { useState } from "react";
import { KINDS, useFormat, useZone } from "../../data/index.ts";
import { type Reason, text } from "../../text/index.ts";
import { Card, CardTitle, Notice, Stat } from "../../ui/index.ts";
import { call, useAccountName } from "../../wallet/index.ts";
import { CodeField } from "./CodeField.tsx";
import { PowerButton } from "./PowerButton.tsx";
import { readApplication } from "./registration.ts";

/** A new meter out of the text or the QR code that its device shows. */
export function RegisterCard() {
  const zone = useZone();
  const format = useFormat();
  const accountName = useAccountName();
  const [typed, setTyped] = useState("");
  const [done, setDone] = useState<"registered" | "announced">();
  const words = text.operator.register;
  const application = readApplication(typed, { chainId: zone.chain.id, registry: zone.contracts.MeterRegistry });
  const registration = application.kind === "ready" ? application.registration : undefined;
  const reasons: Reason[] = registration
    ? []
    : [{ code: application.kind === "empty" ? "codeMissing" : "codeInvalid" }];
  const kind = registration && KINDS[METER_KINDS.indexOf(registration.kind)];
  return (
    <Card testId="register-card">
      <CardTitle note={words.note}>{words.title}</CardTitle>
      <form className="space-y-3" onSubmit={(event) => event.preventDefault()}>
        <CodeField
          value={typed}
          onChange={(next) => {
            setTyped(next);
            setDone(undefined);
          }}
          application={application}
          testId="register-code"
        />
        {registration && kind && (
          <dl className="grid grid-cols-2 gap-x-4 gap-y-3 rounded-xl bg-sunken p-4" data-testid="register-figures">
            <Stat label={words.owner} note={registration.label}>
              {accountName(registration.owner)}
            </Stat>
            <Stat label={words.kind}>{text.meter.kinds[kind]}</Stat>
            <Stat label={words.power}>{format.power(registration.maxPowerW)}</Stat>
            <Stat label={words.resolution}>{format.energy(registration.resolution)}</Stat>
          </dl>
        )}
        {done && (
          <Notice testId="register-done">{done === "announced" ? text.operator.announced.done : words.done}</Notice>
        )}
        <PowerButton
          power="register"
          reasons={reasons}
          label={words.sentence}
          title={words.transaction}
          intended={
            registration &&
            call(zone.contracts.MeterRegistry, meterRegistryAbi, "register", [
              registration.owner,
              METER_KINDS.indexOf(registration.kind),
              registration.maxPowerW,
              registration.resolution,
              registration.signer,
              registration.possession,
            ])
          }
          onDone={(announced) => {
            setTyped("");
            setDone(announced ? "announced" : "registered");
          }}
          testId="register-confirm"
        />
      </form>
    </Card>
  );
}
