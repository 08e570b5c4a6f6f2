import type { Connection } from "../../../src/relay/connection.ts";
import { Inbox } from "../../../src/relay/inbox.ts";
import { Publisher } from "../../../src/relay/publish/publish.ts";
import { Verbs } from "../../../src/relay/verbs.ts";

/** Who learns in what order the relay takes what has arrived. */
export interface Watcher {
  /** The relay does a step for a connection: `step` does it. */
  around(connection: Connection, step: () => void): void;
  /** A frame leaves an inbox to be served. */
  taken(inbox: Inbox, text: string): void;
  /** The events that wait are committed: `commit` does it. */
  committing(commit: () => void): void;
}

let watcher: Watcher | undefined;

/** Has the watcher told what relays of this process do; undefined for nobody. */
export function watch(next: Watcher | undefined): void {
  watcher = next;
}

// The core has no hooks for tests. Its order is learned by standing around three of its methods.
const { step } = Verbs.prototype;
Verbs.prototype.step = function (this: Verbs, connection: Connection): void {
  if (watcher === undefined) return step.call(this, connection);
  watcher.around(connection, () => step.call(this, connection));
};

const { shift } = Inbox.prototype;
Inbox.prototype.shift = function (this: Inbox): string | undefined {
  const text = shift.call(this);
  if (text !== undefined) watcher?.taken(this, text);
  return text;
};

const { commit } = Publisher.prototype;
Publisher.prototype.commit = function (this: Publisher): void {
  if (watcher === undefined) return commit.call(this);
  watcher.committing(() => commit.call(this));
};
