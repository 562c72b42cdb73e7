import { useState } from "react";
import { maySell, type Meter, useMyMeters } from "../data/index.ts";
import { text } from "../text/index.ts";
import { Notice, Select } from "../ui/index.ts";
import { useMeterName, useSession } from "../wallet/index.ts";
import type { MeterLack } from "./index.ts";

interface Options {
  /** The form sells, which some meters may not. */
  sells?: boolean;
  /** Preferred until the person chooses; by default the account's first meter. */
  first?: (meters: readonly Meter[]) => Meter | undefined;
}

/** Which of the account's meters a form is for. */
export function useMeterChoice({ sells = false, first = (meters) => meters[0] }: Options = {}) {
  const { account } = useSession();
  const all = useMyMeters(account);
  const meters = all?.filter((meter) => !sells || maySell(meter)) ?? [];
  const [chosen, choose] = useState<number>();
  const lack: MeterLack = !all ? "loading" : all.length > 0 ? "noSeller" : "noMeter";
  return { meters, meter: meters.find(({ id }) => id === chosen) ?? first(meters) ?? meters[0], lack, choose };
}

type Props = ReturnType<typeof useMeterChoice> & { label: string; testId: string };

/** Nothing to choose from for an account without meters: the form's button says so. */
export function MeterSelect({ meters, meter, lack, choose, label, testId }: Props) {
  const meterName = useMeterName();
  if (meters.length === 0)
    return lack === "noSeller" && <Notice testId={`${testId}-none`}>{text.meter.onlyBuys}</Notice>;
  return (
    <Select label={label} value={meter?.id} onChange={(event) => choose(Number(event.target.value))} testId={testId}>
      {meters.map(({ id }) => (
        <option key={id} value={id}>
          {meterName(id)}
        </option>
      ))}
    </Select>
  );
}
