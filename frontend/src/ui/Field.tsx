import { type ComponentProps, type ReactNode, useId } from "react";
import { classes } from "./classes.ts";

const CONTROL =
  "min-h-11 w-full rounded-xl border border-line-strong bg-surface px-3 py-2 text-base text-ink placeholder:text-muted aria-invalid:border-bad";

interface FieldProps {
  label: string;
  hint?: ReactNode;
  error?: string;
  children: (ids: { id: string; "aria-describedby": string; "aria-invalid": boolean | undefined }) => ReactNode;
}

/** Label, control, hint or error, tied together. An error takes the hint's place, so that nothing moves. */
export function Field({ label, hint, error, children }: FieldProps) {
  const id = useId();
  return (
    <div>
      <label htmlFor={id} className="mb-1 block text-sm font-medium">
        {label}
      </label>
      {children({ id, "aria-describedby": `${id}-note`, "aria-invalid": error ? true : undefined })}
      {(hint !== undefined || error) && (
        <p id={`${id}-note`} className={classes("mt-1 min-h-5 text-sm", error ? "text-bad" : "text-muted")}>
          {error ?? hint}
        </p>
      )}
    </div>
  );
}

type TextProps = Omit<FieldProps, "children"> & {
  value: string;
  onChange: (value: string) => void;
  /** Unit shown at the end of the field. */
  unit?: string;
  /** A button at the end of the field, such as "Max". */
  end?: ReactNode;
  testId?: string;
  inputMode?: "decimal" | "text";
  placeholder?: string;
  autoFocus?: boolean;
  onBlur?: () => void;
};

export function TextInput(props: TextProps) {
  const {
    label,
    hint,
    error,
    value,
    onChange,
    unit,
    end,
    testId,
    inputMode = "decimal",
    placeholder,
    autoFocus,
    onBlur,
  } = props;
  return (
    <Field label={label} hint={hint} error={error}>
      {(ids) => (
        <span className="relative flex items-center gap-2">
          <span className="relative grow">
            <input
              {...ids}
              data-testid={testId}
              type="text"
              inputMode={inputMode}
              autoComplete="off"
              autoCorrect="off"
              spellCheck={false}
              autoFocus={autoFocus}
              placeholder={placeholder}
              value={value}
              onChange={(event) => onChange(event.target.value)}
              onBlur={onBlur}
              className={classes(CONTROL, unit && "pr-18")}
            />
            {unit && (
              <span className="pointer-events-none absolute inset-y-0 right-3 flex items-center text-sm text-muted">
                {unit}
              </span>
            )}
          </span>
          {end}
        </span>
      )}
    </Field>
  );
}

/** Several lines of text that is read by a machine, such as a code. */
export function TextArea(
  props: Omit<FieldProps, "children"> & { value: string; onChange: (value: string) => void; testId?: string },
) {
  const { label, hint, error, value, onChange, testId } = props;
  return (
    <Field label={label} hint={hint} error={error}>
      {(ids) => (
        <textarea
          {...ids}
          data-testid={testId}
          rows={4}
          autoComplete="off"
          autoCorrect="off"
          spellCheck={false}
          value={value}
          onChange={(event) => onChange(event.target.value)}
          className={classes(CONTROL, "font-mono text-sm! break-all")}
        />
      )}
    </Field>
  );
}

export function Select(
  props: Omit<FieldProps, "children"> & { testId?: string } & Omit<ComponentProps<"select">, "id">,
) {
  const { label, hint, error, testId, children, ...rest } = props;
  return (
    <Field label={label} hint={hint} error={error}>
      {(ids) => (
        <select {...ids} {...rest} data-testid={testId} className={CONTROL}>
          {children}
        </select>
      )}
    </Field>
  );
}

/** A few alternatives side by side (radio buttons). */
export function Choice<T extends string>(props: {
  label: string;
  /** Shows the label above the alternatives; otherwise only assistive technology reads it. */
  showLabel?: boolean;
  value: T;
  options: readonly { value: T; label: string; testId?: string }[];
  onChange: (value: T) => void;
  testId?: string;
}) {
  const name = useId();
  return (
    <fieldset data-testid={props.testId}>
      <legend className={props.showLabel ? "mb-1 text-sm font-medium" : "sr-only"}>{props.label}</legend>
      <div className="inline-flex rounded-xl bg-sunken p-1">
        {props.options.map((option) => (
          <label
            key={option.value}
            data-testid={option.testId}
            className={classes(
              "flex min-h-9 cursor-pointer items-center rounded-lg px-3 text-sm font-medium has-focus-visible:outline-3 has-focus-visible:outline-accent",
              option.value === props.value ? "bg-surface text-ink shadow-sm" : "text-muted hover:text-ink",
            )}
          >
            <input
              type="radio"
              name={name}
              className="sr-only"
              checked={option.value === props.value}
              onChange={() => props.onChange(option.value)}
            />
            {option.label}
          </label>
        ))}
      </div>
    </fieldset>
  );
}
