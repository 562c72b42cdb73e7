import type { Hex } from "@ioe/protocol";
import type { ReactNode } from "react";
import { type Reading, useFormat } from "../data/index.ts";
import { text } from "../text/index.ts";
import { Dialog, Skeleton, Stat } from "../ui/index.ts";
import { useMeterName } from "../wallet/index.ts";
import { TransactionRef } from "./TransactionRef.tsx";

export interface Figure {
  label: string;
  value: string;
  note?: ReactNode;
}

export interface StoryStep {
  /** What happened, as a sentence. */
  sentence: string;
  /** Unix seconds. */
  time: number;
  transaction: Hex;
  /** What the step was settled by. */
  readings: readonly Reading[];
}

interface Props {
  title: string;
  lead: string;
  /** What it came to. */
  figures: readonly Figure[];
  /** Undefined while they are read. */
  steps: readonly StoryStep[] | undefined;
  /** Which of a meter's registers counts here. */
  side: (meterId: number) => "imported" | "exported";
  onClose: () => void;
}

/** What a trade came to, and every step on the way. */
export function Story({ title, lead, figures, steps, side, onClose }: Props) {
  const format = useFormat();
  const words = text.deliveries.story;
  return (
    <Dialog title={title} closeLabel={text.close} onClose={onClose} testId="story">
      <p className="-mt-2 mb-4 text-muted">{lead}</p>
      <dl className="mb-5 grid grid-cols-2 gap-x-4 gap-y-3 rounded-xl bg-sunken p-4" data-testid="story-figures">
        {figures.map(({ label, value, note }) => (
          <Stat key={label} label={label} note={note}>
            {value}
          </Stat>
        ))}
      </dl>
      <h3 className="mb-2 text-sm font-medium text-muted">{words.steps}</h3>
      {!steps ? (
        <Skeleton className="block h-40 w-full" />
      ) : (
        <ol className="space-y-4 border-l-2 border-line pl-4">
          {steps.map((step, i) => (
            <li key={i} data-testid="story-step">
              <p className="text-sm text-muted">{format.timeWithSeconds(step.time)}</p>
              <p className="font-medium">{step.sentence}</p>
              {step.readings.map((reading) => (
                <ReadingLine key={reading.meterId} reading={reading} side={side(reading.meterId)} />
              ))}
              <TransactionRef hash={step.transaction} />
            </li>
          ))}
        </ol>
      )}
    </Dialog>
  );
}

function ReadingLine({ reading, side }: { reading: Reading; side: "imported" | "exported" }) {
  const format = useFormat();
  const meterName = useMeterName();
  const words = text.deliveries.story;
  const { meterId, takenAt, transaction } = reading;
  return (
    <div className="my-1 rounded-lg bg-sunken px-3 py-2" data-testid="story-reading">
      <p className="text-sm">
        {(side === "exported" ? words.readingGave : words.readingTook)(
          meterName(meterId),
          format.energyFixed(reading[side]),
          format.timeWithSeconds(takenAt),
        )}
      </p>
      <TransactionRef hash={transaction} />
    </div>
  );
}
