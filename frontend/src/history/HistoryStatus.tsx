import { useFormat, useHistoryProgress } from "../data/index.ts";
import { text } from "../text/index.ts";

/** A screen reader is told each quarter of the way, once for the whole page. */
const STEPS = 4n;

export function HistoryStatus() {
  const format = useFormat();
  const progress = useHistoryProgress();
  const step = progress && (progress.read * STEPS) / progress.of;
  return (
    <p role="status" className="sr-only" data-testid="history-status">
      {step !== undefined && (step === STEPS ? text.history.done : text.history.share(format.percent(step, STEPS)))}
    </p>
  );
}
