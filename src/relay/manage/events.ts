import type { AccessLists } from "../ports.ts";
import { hide } from "./hide.ts";
import { FULL, listing } from "./listing.ts";
import { change, type Method } from "./method.ts";
import { eventId, reason } from "./parameters.ts";
import { dropGoneReports } from "./reports.ts";

const reported = listing("reported-event", "id");

/** Single events: banned, allowed, reported. */
export const eventMethods: Record<string, Method> = {
  banevent: change([eventId, reason], (call, id, why) => {
    const { membership, authorOf, storedOf } = call;
    const { lists } = call.access;
    // The list of members would be gone until the next change.
    const author = authorOf(id);
    if (membership !== undefined && author !== undefined && author === lists.get("signing", "self")) {
      return "restricted: the relay's own events cannot be banned";
    }
    if (!lists.has("banned-event", id) && author !== undefined && !hide(call, id)) return FULL;
    if (!lists.put("banned-event", id, why)) return FULL;
    lists.remove("allowed-event", id);
    lists.remove("reported-event", id);
    if (storedOf([id]).has(id)) call.told.hidden = 1;
    return undefined;
  }),
  unbanevent: change([eventId, reason], ({ access: { lists } }, id) => {
    unban(lists, id);
    return undefined;
  }),
  listbannedevents: listing("banned-event", "id"),
  allowevent: change([eventId, reason], ({ access: { lists } }, id, why) => {
    if (!lists.put("allowed-event", id, why)) return FULL;
    unban(lists, id);
    lists.remove("reported-event", id);
    return undefined;
  }),
  unallowevent: change([eventId, reason], ({ access: { lists } }, id) => {
    lists.remove("allowed-event", id);
    return undefined;
  }),
  listallowedevents: listing("allowed-event", "id"),
  listeventsneedingmoderation: {
    ...reported,
    run(call, params) {
      dropGoneReports(call.access.lists, call.storedOf);
      return reported.run(call, params);
    },
  },
};

/** What has not been erased yet is seen again. */
function unban(lists: AccessLists, id: string): void {
  lists.remove("banned-event", id);
  lists.remove("erasing", id);
}
