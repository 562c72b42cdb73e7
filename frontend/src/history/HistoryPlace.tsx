import { useFormat, useHistoryProgress } from "../data/index.ts";
import { text } from "../text/index.ts";
import { classes, Progress, Skeleton } from "../ui/index.ts";

/** The place of what comes out of the history: says how far that is when it takes longer than a moment. */
export function HistoryPlace({ className }: { className: string }) {
  const format = useFormat();
  const progress = useHistoryProgress();
  if (!progress) return <Skeleton className={classes("block w-full", className)} />;
  const { read, of } = progress;
  const words = text.history.progress(format.count(Number(read)), format.count(Number(of)));
  return (
    <div
      className={classes("flex flex-col items-center gap-3 rounded-xl bg-sunken p-4 text-center", className)}
      data-testid="history-progress"
    >
      <p className="text-sm text-muted">{words}</p>
      <div className="w-full max-w-xs">
        <Progress label={text.history.label} text={words} value={Number(read) / Number(of)} />
      </div>
    </div>
  );
}
