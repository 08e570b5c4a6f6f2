import type { ComponentChildren } from "preact";

/** Something is on its way. */
export function Loading({ what = "Loading" }: { what?: string }) {
  return <p aria-busy="true">{what}…</p>;
}

/** There is nothing, and why, or what to do. */
export function Empty({ children }: { children: ComponentChildren }) {
  return <p class="empty">{children}</p>;
}

/** Something went wrong, in words; with a button that tries again. */
export function ErrorNote({ error, retry }: { error: unknown; retry?: () => void }) {
  return (
    <div role="alert" class="error">
      <p>{error instanceof Error ? error.message : String(error)}</p>
      {retry && (
        <button type="button" class="secondary outline" onClick={retry}>
          Try again
        </button>
      )}
    </div>
  );
}

/** Something was done. */
export function Done({ children }: { children: ComponentChildren }) {
  return (
    <p role="status" class="done">
      {children}
    </p>
  );
}
