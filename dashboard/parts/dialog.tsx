import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

/** A dialog over the page, open as long as it is drawn. Escape and the button close it. */
export function Dialog({
  title,
  onClose,
  children,
}: {
  title: string;
  onClose: () => void;
  children: ComponentChildren;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  return (
    <dialog ref={ref} onClose={onClose} aria-label={title}>
      <article>
        <header>
          <button type="button" class="close" aria-label="Close" onClick={onClose} />
          <h2>{title}</h2>
        </header>
        {children}
      </article>
    </dialog>
  );
}

/** Asks before something that cannot be undone. */
export function Confirm({
  title,
  children,
  act,
  onClose,
  isBusy = false,
}: {
  title: string;
  children: ComponentChildren;
  /** What the button says, and does. */
  act: readonly [label: string, run: () => void];
  onClose: () => void;
  isBusy?: boolean;
}) {
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      <footer>
        <button type="button" class="secondary" onClick={onClose}>
          Cancel
        </button>
        <button type="button" class="danger" aria-busy={isBusy} disabled={isBusy} onClick={act[1]}>
          {act[0]}
        </button>
      </footer>
    </Dialog>
  );
}
