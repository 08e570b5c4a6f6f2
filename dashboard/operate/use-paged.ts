import { useCallback, useEffect, useRef, useState } from "preact/hooks";

/** A list that is asked for page by page. */
export interface Paged<T> {
  readonly items: readonly T[];
  readonly isLoading: boolean;
  readonly error: unknown;
  /** Whether there may be more. */
  readonly hasMore: boolean;
  loadMore(): void;
  /** Asks again from the start. What is there stays until the answer. */
  reload(): void;
}

/** One page, and where the next one begins; the last page has no `next`. */
export interface PageOf<T, C> {
  readonly items: readonly T[];
  readonly next?: C | undefined;
}

/** Asks for the first page when the component appears and when `inputs` change, and for more when it is told. */
export function usePaged<T, C>(
  load: (after: C | undefined) => Promise<PageOf<T, C>>,
  inputs: readonly unknown[],
): Paged<T> {
  const [state, setState] = useState<{
    items: readonly T[];
    next?: C | undefined;
    error?: unknown;
    isLoading: boolean;
  }>({ items: [], isLoading: true });
  const latest = useRef(load);
  latest.current = load;
  const turn = useRef(0);
  const ask = useCallback((after: C | undefined) => {
    const mine = ++turn.current;
    setState(({ error: _, ...old }) => ({ ...old, isLoading: true }));
    latest.current(after).then(
      ({ items, next }) =>
        mine === turn.current &&
        setState((old) => ({ items: after === undefined ? items : [...old.items, ...items], next, isLoading: false })),
      (error) => mine === turn.current && setState((old) => ({ ...old, error, isLoading: false })),
    );
  }, []);
  useEffect(() => ask(undefined), inputs);
  return {
    items: state.items,
    isLoading: state.isLoading,
    error: state.error,
    hasMore: state.next !== undefined,
    // What is on its way may be of another list.
    loadMore: () => state.isLoading || ask(state.next),
    reload: () => ask(undefined),
  };
}

/** The page of a list whose next one begins behind `subjectOf` the last entry. A full page may have a next one. */
export function pageBehind<T, C>(items: readonly T[], size: number, subjectOf: (item: T) => C): PageOf<T, C> {
  const last = items.at(-1);
  return { items, next: items.length < size || last === undefined ? undefined : subjectOf(last) };
}
