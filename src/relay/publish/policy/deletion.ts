import { DELETION_KIND, tagInCapitals } from "../../../protocol/deletion.ts";
import type { LatePolicy } from "../submission.ts";

/** R-05-09: who names an id or key in capitals would take the event for deleted, and nothing would be. */
export const deletion: LatePolicy = ({ event }) => {
  const name = event.kind === DELETION_KIND ? tagInCapitals(event) : undefined;
  return name === undefined
    ? undefined
    : `invalid: the id or key in the ${name} tag must be in lower-case hex, this deletes nothing`;
};
