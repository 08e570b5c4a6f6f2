import { useCallback, useEffect, useRef, useState } from "preact/hooks";

/** What was asked for: on its way, there, or failed. */
export interface Loaded<T> {
  readonly value: T | undefined;
  readonly error: unknown;
  readonly isLoading: boolean;
  /** Asks again. What is there stays until the answer. */
  reload(): void;
}

/** Asks when the component appears, when `inputs` change, and every `everyMs` where it is given and the page is seen. */
export function useLoaded<T>(load: () => Promise<T>, inputs: readonly unknown[], everyMs?: number): Loaded<T> {
  const [state, setState] = useState<{ value?: T; error?: unknown; isLoading: boolean }>({ isLoading: true });
  const latest = useRef(load);
  latest.current = load;
  const turn = useRef(0);
  const reload = useCallback(() => {
    const mine = ++turn.current;
    setState((old) => ({ ...old, isLoading: true }));
    latest.current().then(
      (value) => mine === turn.current && setState({ value, isLoading: false }),
      (error) => mine === turn.current && setState((old) => ({ ...old, error, isLoading: false })),
    );
  }, []);
  useEffect(() => {
    reload();
    if (everyMs === undefined) return;
    const timer = setInterval(() => {
      if (document.visibilityState === "visible") reload();
    }, everyMs);
    return () => clearInterval(timer);
  }, inputs);
  return { value: state.value, error: state.error, isLoading: state.isLoading, reload };
}

/** Something that a person may ask for. */
export type Action = ReturnType<typeof useAction<[]>>;

/** Runs something that a person asked for, once at a time: whether it runs, and what went wrong. */
export function useAction<A extends unknown[]>(act: (...args: A) => Promise<void>) {
  const [state, setState] = useState<{ isBusy: boolean; error?: unknown }>({ isBusy: false });
  const run = async (...args: A): Promise<boolean> => {
    if (state.isBusy) return false;
    setState({ isBusy: true });
    try {
      await act(...args);
      setState({ isBusy: false });
      return true;
    } catch (error) {
      setState({ isBusy: false, error });
      return false;
    }
  };
  return { ...state, run };
}
