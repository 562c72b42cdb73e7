import type { Address } from "@ioe/protocol";
import { energyDecimals } from "@ioe/protocol";
import { energyTokenAbi } from "@ioe/protocol/abi";
import { useState } from "react";
import { describeCertificate, type MeterKind, useFormat, useLedger, useZone } from "../../data/index.ts";
import { parseInput } from "../../format/index.ts";
import { HistoryPlace } from "../../history/index.ts";
import { text } from "../../text/index.ts";
import {
  Button,
  Card,
  CardTitle,
  type Column,
  Dialog,
  DialogAction,
  Empty,
  Icon,
  PagedTable,
  TextInput,
} from "../../ui/index.ts";
import { ActionButton, call, useSend, useSession } from "../../wallet/index.ts";
import { KIND_ICONS } from "./icons.ts";
import { validateRetire } from "./validate.ts";

const AT_ONCE = 10;

interface Certificate {
  id: bigint;
  day: number;
  source: MeterKind | "mixed";
  balance: bigint;
  /** Refused earlier by the account (a contract), and waiting for it. */
  held: bigint;
}

function useCertificates(account: Address): Certificate[] | undefined {
  const ledger = useLedger();
  if (!ledger) return undefined;
  const key = account.toLowerCase();
  const [own, held] = [ledger.certificates.get(key), ledger.held.get(key)];
  const ids = new Set([...(own?.keys() ?? []), ...(held?.keys() ?? [])]);
  return [...ids]
    .map((id) => ({ id, ...describeCertificate(id), balance: own?.get(id) ?? 0n, held: held?.get(id) ?? 0n }))
    .sort((a, b) => b.day - a.day || a.source.localeCompare(b.source));
}

export function CertificatesCard({ account, className }: { account: Address; className?: string }) {
  const zone = useZone();
  const format = useFormat();
  const send = useSend();
  const certificates = useCertificates(account);
  const [retiring, setRetiring] = useState<bigint>();
  const words = text.energy.certificates;
  const retired = certificates?.find((each) => each.id === retiring);
  const columns: Column<Certificate>[] = [
    {
      key: "source",
      title: words.source,
      hideTitleOnPhone: true,
      cell: ({ source }) => (
        <span className="inline-flex items-center gap-2 font-semibold">
          <Icon name={KIND_ICONS[source]} />
          {text.meter.kinds[source]}
        </span>
      ),
    },
    { key: "day", title: words.day, cell: ({ day }) => format.utcDay(day) },
    {
      key: "energy",
      title: words.energy,
      number: true,
      cell: ({ balance, held }) => (
        <span className="block">
          {format.energyFixed(balance)}
          {held > 0n && <span className="block text-xs text-muted">{words.held(format.energy(held))}</span>}
        </span>
      ),
    },
    {
      key: "action",
      title: words.action,
      number: true,
      hideTitleOnPhone: true,
      cell: ({ id, balance, held }) => (
        <span className="flex flex-wrap justify-end gap-2">
          {held > 0n && (
            <Button
              variant="secondary"
              onClick={() =>
                void send(
                  words.releaseTransaction(format.energy(held)),
                  call(zone.contracts.EnergyToken, energyTokenAbi, "release", [account, id]),
                )
              }
            >
              {words.release}
            </Button>
          )}
          {balance > 0n && (
            <Button variant="secondary" data-testid="retire" onClick={() => setRetiring(id)}>
              {words.retire}
            </Button>
          )}
        </span>
      ),
    },
  ];
  return (
    <Card className={className} testId="certificates">
      <CardTitle note={words.note}>{words.title}</CardTitle>
      {!certificates ? (
        <HistoryPlace className="min-h-24" />
      ) : certificates.length === 0 ? (
        <Empty icon="leaf" title={words.none}>
          {words.noneNote}
        </Empty>
      ) : (
        <PagedTable
          caption={words.caption}
          columns={columns}
          rows={certificates}
          rowKey={({ id }) => String(id)}
          rowTestId="certificate-row"
          size={AT_ONCE}
          words={text.pager}
          count={format.count}
        />
      )}
      {retired && <RetireDialog certificate={retired} onClose={() => setRetiring(undefined)} />}
    </Card>
  );
}

function RetireDialog({ certificate, onClose }: { certificate: Certificate; onClose: () => void }) {
  const zone = useZone();
  const format = useFormat();
  const session = useSession();
  const send = useSend();
  const { id, balance } = certificate;
  const [typed, setTyped] = useState(() => format.typedEnergy(balance));
  const [purpose, setPurpose] = useState("");
  const [beneficiary, setBeneficiary] = useState<string>(session.account ?? "");
  const words = text.energy.retire;
  const amount = parseInput(typed, energyDecimals(zone.unitsPerKWh));

  async function retire() {
    if (amount.kind !== "amount" || !session.account) return undefined;
    const sent = await send(
      words.transaction(format.energy(amount.value)),
      call(zone.contracts.EnergyToken, energyTokenAbi, "retire", [
        id,
        amount.value,
        beneficiary.trim() as Address,
        purpose.trim(),
      ]),
    );
    if (sent.receipt) onClose();
    return sent;
  }

  return (
    <Dialog title={words.title} closeLabel={text.close} onClose={onClose} testId="retire-dialog">
      <form className="space-y-2" onSubmit={(event) => event.preventDefault()}>
        <p className="pb-2 text-muted">{words.lead}</p>
        <TextInput
          label={words.energy}
          unit="kWh"
          value={typed}
          onChange={setTyped}
          testId="retire-energy"
          error={amount.kind === "invalid" ? amount.message : undefined}
          hint={words.hint(format.energy(balance))}
        />
        <TextInput
          label={words.beneficiary}
          inputMode="text"
          value={beneficiary}
          onChange={setBeneficiary}
          testId="retire-beneficiary"
          hint={words.beneficiaryHint}
        />
        <TextInput
          label={words.purpose}
          inputMode="text"
          value={purpose}
          onChange={setPurpose}
          testId="retire-purpose"
          hint={words.purposeHint}
        />
        <DialogAction>
          <ActionButton
            reasons={validateRetire(session.kind, amount, balance, beneficiary, purpose)}
            label={words.sentence(format.energy(amount.value ?? 0n))}
            onAct={async () => retire()}
            testId="retire-confirm"
          />
        </DialogAction>
      </form>
    </Dialog>
  );
}
