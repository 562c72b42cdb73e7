/** A bar between 0 and 1: `value` is certain, `ahead` (at least `value`) is measured but not settled yet. */
export function Progress(props: { label: string; text: string; value: number; ahead?: number }) {
  // Moved instead of widened: what only moves costs a browser no layout.
  const filledTo = (x: number) => ({ translate: `${(Math.min(1, Math.max(0, x)) - 1) * 100}%` });
  return (
    <div
      role="progressbar"
      aria-label={props.label}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={Math.floor(Math.min(1, Math.max(0, props.value)) * 100)}
      aria-valuetext={props.text}
      className="relative h-3 overflow-hidden rounded-full bg-sunken inset-ring inset-ring-line"
    >
      {props.ahead !== undefined && (
        <div
          className="absolute inset-0 rounded-full bg-sun-fill transition-[translate] duration-700"
          style={filledTo(props.ahead)}
        />
      )}
      <div
        className="absolute inset-0 rounded-full bg-accent transition-[translate] duration-700"
        style={filledTo(props.value)}
      />
    </div>
  );
}
