import { energyTokenAbi } from "@ioe/protocol/abi";
import { type Measured, type Meter, type Unsold, useFormat, useUnsold, useZone } from "../../data/index.ts";
import { text } from "../../text/index.ts";
import { Button, Card, CardTitle, type Column, Table } from "../../ui/index.ts";
import { call, useMeterName, useSend } from "../../wallet/index.ts";

interface Props {
  meters: Meter[];
  measured: Measured | undefined;
}

/** Certificates for what was fed in and nobody claimed. Not there when there is nothing to get. */
export function UnsoldCard({ meters, measured }: Props) {
  const zone = useZone();
  const format = useFormat();
  const send = useSend();
  const meterName = useMeterName();
  const unsold = useUnsold(meters, measured);
  const words = text.energy.unsold;
  if (!unsold || unsold.length === 0) return null;
  const time = (slot: number) => format.dateTime(slot * zone.slotDuration);
  const columns: Column<Unsold>[] = [
    { key: "meter", title: words.meter, hideTitleOnPhone: true, cell: ({ meterId }) => <b>{meterName(meterId)}</b> },
    { key: "slot", title: words.slot, cell: ({ slot }) => time(slot) },
    { key: "energy", title: words.energy, number: true, cell: ({ energy }) => format.energyFixed(energy) },
    {
      key: "action",
      title: text.energy.certificates.action,
      number: true,
      hideTitleOnPhone: true,
      cell: ({ meterId, slot, energy }) => (
        <Button
          variant="secondary"
          className="w-full wide:w-auto"
          data-testid="mint-unsold"
          aria-label={words.mintName(format.energy(energy), time(slot))}
          onClick={() =>
            void send(
              words.transaction(format.energy(energy)),
              call(zone.contracts.EnergyToken, energyTokenAbi, "mintUnsold", [meterId, slot, Number(energy)]),
            )
          }
        >
          {words.mint}
        </Button>
      ),
    },
  ];
  return (
    <Card testId="unsold">
      <CardTitle note={words.note}>{words.title}</CardTitle>
      <Table
        caption={words.caption}
        columns={columns}
        rows={unsold}
        rowKey={({ meterId, slot }) => `${meterId}-${slot}`}
      />
      <p className="mt-3 text-sm text-muted">{words.warning}</p>
    </Card>
  );
}
