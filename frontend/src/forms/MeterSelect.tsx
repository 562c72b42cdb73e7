import { useState } from "react";
import { type Meter, useMyMeters } from "../data/index.ts";
import { Select } from "../ui/index.ts";
import { useMeterName, useSession } from "../wallet/index.ts";

/**
 * Which of the account's meters a form is for.
 * @param first preferred until the person chooses; by default the account's first meter
 */
export function useMeterChoice(first: (meters: readonly Meter[]) => Meter | undefined = (meters) => meters[0]) {
  const { account } = useSession();
  const meters = useMyMeters(account) ?? [];
  const [chosen, choose] = useState<number>();
  return { meters, meter: meters.find(({ id }) => id === chosen) ?? first(meters) ?? meters[0], choose };
}

type Props = ReturnType<typeof useMeterChoice> & { label: string; testId: string };

/** Nothing to choose from for an account without meters: the form's button says so. */
export function MeterSelect({ meters, meter, choose, label, testId }: Props) {
  const meterName = useMeterName();
  if (meters.length === 0) return null;
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
