import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";
import { ErrorNote } from "./states.tsx";
import type { Action } from "./use-loaded.ts";

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

/** Asks before something is done, and says what went wrong with it. */
export function Confirm({
  title,
  children,
  button,
  action,
  onClose,
  isDangerous = true,
  isReady = true,
}: {
  title: string;
  children: ComponentChildren;
  /** What the button says. */
  button: string;
  /** What it does. */
  action: Action;
  onClose: () => void;
  /** It takes something away from somebody. */
  isDangerous?: boolean;
  /** What is to be known before is there. */
  isReady?: boolean;
}) {
  const { isBusy, error, run } = action;
  return (
    <Dialog title={title} onClose={onClose}>
      {children}
      {error !== undefined && <ErrorNote error={error} />}
      <footer>
        <button type="button" class="secondary" onClick={onClose}>
          Cancel
        </button>
        <button
          type="button"
          class={isDangerous ? "danger" : undefined}
          aria-busy={isBusy}
          disabled={isBusy || !isReady}
          onClick={() => run()}
        >
          {button}
        </button>
      </footer>
    </Dialog>
  );
}
