import { type ReactNode, useId, useLayoutEffect, useRef } from "react";
import { Icon } from "./Icon.tsx";

/** The browser's own modal dialog: it traps the focus, closes with Escape and gives the focus back. */
export function Dialog(props: {
  title: string;
  closeLabel: string;
  onClose: () => void;
  children: ReactNode;
  testId?: string;
}) {
  const { title, closeLabel, onClose, children, testId } = props;
  const dialog = useRef<HTMLDialogElement>(null);
  const titleId = useId();
  // Closed before it leaves the document: one that is gone gives no focus back.
  useLayoutEffect(() => {
    const element = dialog.current;
    if (element && !element.open) element.showModal();
    return () => element?.close();
  }, []);
  return (
    <dialog
      ref={dialog}
      data-testid={testId}
      aria-labelledby={titleId}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      // A second Escape in a row closes it without asking. React may open it twice, and then its first close is old.
      onClose={() => {
        if (!dialog.current?.open) onClose();
      }}
      onMouseDown={(event) => {
        if (event.target === dialog.current) onClose();
      }}
      className="enter m-auto mb-0 w-full max-w-full rounded-t-3xl bg-surface p-0 text-ink shadow-xl sm:mb-auto sm:w-[30rem] sm:rounded-3xl"
    >
      <div className="max-h-[90dvh] overflow-y-auto overscroll-contain p-5 pb-0 sm:p-6 sm:pb-0">
        <div className="mb-4 flex items-start justify-between gap-4">
          <h2 id={titleId} className="text-xl font-bold">
            {title}
          </h2>
          <button
            type="button"
            onClick={onClose}
            aria-label={closeLabel}
            className="-m-2 rounded-full p-2.5 text-muted hover:bg-sunken hover:text-ink"
          >
            <Icon name="close" />
          </button>
        </div>
        {children}
        <div className="h-[max(1.25rem,env(safe-area-inset-bottom))]" />
      </div>
    </dialog>
  );
}

/** The dialog's action, in sight however long the form above it is. */
export function DialogAction({ children }: { children: ReactNode }) {
  return <div className="sticky bottom-0 -mx-2 space-y-2 bg-surface px-2 pt-2 pb-1">{children}</div>;
}
