import { FULL, listing } from "./listing.ts";
import { change, type Method } from "./method.ts";
import { eventId, reason } from "./parameters.ts";
import { dropGoneReports } from "./reports.ts";

const reported = listing("reported-event", "id");

/** Single events: banned, allowed, reported. */
export const eventMethods: Record<string, Method> = {
  banevent: change(
    [eventId, reason],
    ({ access: { lists }, membership, authorOf, removeEvent, afterwards }, id, why) => {
      // The list of members would be gone until the next change.
      const author = authorOf(id);
      if (membership !== undefined && author !== undefined && author === lists.get("signing", "self")) {
        return "restricted: the relay's own events cannot be banned";
      }
      if (!lists.put("banned-event", id, why)) return FULL;
      lists.remove("allowed-event", id);
      lists.remove("reported-event", id);
      afterwards.push(() => removeEvent(id));
      return undefined;
    },
  ),
  unbanevent: change([eventId, reason], ({ access: { lists } }, id) => {
    lists.remove("banned-event", id);
    return undefined;
  }),
  listbannedevents: listing("banned-event", "id"),
  allowevent: change([eventId, reason], ({ access: { lists } }, id, why) => {
    if (!lists.put("allowed-event", id, why)) return FULL;
    lists.remove("banned-event", id);
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
