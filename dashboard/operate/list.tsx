import type { ComponentChildren } from "preact";
import { Empty, ErrorNote, Loading } from "../parts/states.tsx";
import type { Paged } from "./use-paged.ts";

/** A paged list in each of its states: on its way, empty, there, with more to come, failed. */
export function List<T>({
  paged,
  empty,
  children,
}: {
  paged: Paged<T>;
  /** What is said where there is nothing. */
  empty: ComponentChildren;
  /** Draws what is there. */
  children: (items: readonly T[]) => ComponentChildren;
}) {
  const { items, isLoading, error, hasMore } = paged;
  return (
    <>
      {items.length > 0 && children(items)}
      {items.length === 0 && isLoading && <Loading />}
      {items.length === 0 && !isLoading && error === undefined && <Empty>{empty}</Empty>}
      {error !== undefined && <ErrorNote error={error} retry={paged.reload} />}
      {hasMore && error === undefined && (
        <button type="button" class="secondary outline small" aria-busy={isLoading} onClick={paged.loadMore}>
          Show more
        </button>
      )}
    </>
  );
}

/** A table whose rows become cards on a phone. The name of each column stands in its cells, as `data-label`. */
export function Table({
  label,
  columns,
  children,
}: {
  label: string;
  columns: readonly string[];
  children: ComponentChildren;
}) {
  return (
    <table class="cards" aria-label={label}>
      <thead>
        <tr>
          {columns.map((column) => (
            <th key={column} scope="col">
              {column === "" ? <span class="unseen">Actions</span> : column}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>{children}</tbody>
    </table>
  );
}
